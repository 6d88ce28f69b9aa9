//! `tidegate deploy`.

use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use clap::Args;
use serde_json::{Map, json};
use tidegate_chain::{Network, Transaction, is_known_testnet};
use tidegate_engine::{DeployRun, Deployed, Lane, Progress, adopted_nonce, deploy};
use tidegate_gates::anchor_required;
use tidegate_model::event::Intent;
use tidegate_model::record::{
    ANCHOR_OP, Deployment, DeploymentRecord, MinedTransaction, anchor_calldata,
};
use tidegate_model::units::format_amount;
use tidegate_model::{Fqn, Head};
use tidegate_plan::config::{NetworkConfig, Stage};
use tidegate_plan::{CREATE2_PROXY, Executor, Expected, HELPER, Op, OpKind, When, op_label};
use tidegate_safe::helper;

use crate::approve::{Approval, Given, approve, names};
use crate::assess::compare_deployments;
use crate::deployment::{Prepared, begun, code_hashes, expect, prepare, refuse_faults};
use crate::error::{CliError, CliResult, Kind};
use crate::existing::require_starts;
use crate::network::has_operator;
use crate::policy_doc::require_helper;
use crate::project::Project;
use crate::release::{Built, built};
use crate::sending::{open_lane, send, show_adoption};
use crate::signer::{LazySigner, named};
use crate::{commands, published, records};

/// The operation that creates the helper; no step can have its name.
const HELPER_OP: &str = "tidegate/helper";
/// How far back a lane is searched for a deployment's transactions.
const SEARCH_TRANSACTIONS_MAX: u64 = 256;

/// Deploy a release to a testnet and start its soak
///
/// Each transaction is signed and journaled before it is first sent. After any interruption the
/// same command goes on where it was. It ends with the soak's anchor.
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The network; default: the only testnet
    network: Option<String>,
    /// Create the helper contract instead, on this network or on the only target
    #[arg(long)]
    helper: bool,
    /// The release; default: what the working tree builds
    #[arg(long, conflicts_with = "helper")]
    release: Option<String>,
    /// The deployment id; another id gives other addresses
    #[arg(long, conflicts_with = "helper")]
    id: Option<u64>,
    /// Say that this chain, which is not built in, is a testnet
    #[arg(long, value_name = "CHAIN")]
    testnet: Option<u64>,
}

pub(crate) async fn run(project: &Project, args: &DeployArgs) -> CliResult<u8> {
    if args.helper {
        return create_helper(project, args).await;
    }
    let name = project.network_of(args.network.as_deref(), Stage::Testnet).map_err(|error| {
        error.hint("on mainnet a release is promoted through the Safe: `tidegate promote`")
    })?;
    let built = built(project, args.release.as_deref())?;
    let id = deployment_id(project, &built, &name, args.id)?;
    let settings = project.network(&name)?;
    require_testnet(&name, settings, args.testnet)?;
    let key = named(&project.global, settings.deployer.as_deref())?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    let executor = Executor::Key(tidegate_model::ports::DigestSigner::address(&signer));
    let prepared = prepare(project, &built, &name, executor, id)?;
    let network = project.connect_single(&name).await?;
    let head = network.latest_head().await?;
    crate::network::warn_of_end(project, &name, head.timestamp)?;
    let when = begun(&network, &prepared, head).await?;
    require_starts(&network, &built, &prepared, head).await?;
    let mut expected = expect(&network, &prepared, head, when).await?;
    refuse_faults(&expected)?;
    let deployment = prepared.deployment(project, &built, &expected, network.id(), &name)?;
    refuse_other_deployment(project, &name, &built, id, &deployment)?;
    let mut run = DeployRun {
        release_root: built.roots.release_root,
        deployment_id: id,
        ops: prepared.resolved.ops.clone(),
        code_hashes: code_hashes(&expected),
        checks: prepared.resolved.checks.clone(),
        anchor: anchor_calldata(built.roots.release_root, deployment.digest()?).into(),
    };
    let mut lane = open_lane(project, &network, &signer).await?;
    helper_first(&network, &prepared, &lane, head, &mut run, &mut expected).await?;
    let adoption = lane.adoption().await?;
    let nonce = adopted_nonce(&lane, adoption.as_ref());
    // Who goes on approves the same hash again, as long as fees stay below what it says.
    let given = Given::Beginning;
    let named = |hash| names(project, given, hash);
    let ceiling = run.ceiling(&lane, nonce, &expected.gas, named).await?;
    let hash = run.digest(network.id(), lane.id().sender, nonce, ceiling.most)?;
    let begun_before = lane.state().approved.contains(&hash);
    if begun_before {
        project.ui.note("this plan was approved before; it goes on where it was");
    }
    if when == When::Before && !begun_before {
        require_balance(&network, &lane, &expected).await?;
    }
    show(project, &prepared, &expected);
    if let Some(adoption) = &adoption {
        show_adoption(project, adoption);
    }
    let most = format_amount(ceiling.most, 18);
    project.ui.note(format!("Its fees come to at most {most} ETH."));
    approve(
        project,
        &Approval { network: &name, hash, given, options: Vec::new(), fields: Map::new() },
    )?;
    if let Some(adoption) = &adoption {
        lane.adopt(adoption)?;
    }
    lane.approve(hash)?;
    lane.limit(run.op_key(""), ceiling);
    let ui = project.ui.clone();
    let mut report = |progress: &Progress| show_progress(&ui, progress);
    let deployed = deploy(&mut lane, &network, &run, &mut report).await?;
    let record = record(&lane, &network, &built, &prepared, deployment, &run, id).await?;
    let path = published::write(project, &name, &record, &built.release)?;
    finish(project, &name, &record, &deployed, &path)
}

/// What is approved, unless it was seen before.
fn show(project: &Project, prepared: &Prepared, expected: &Expected) {
    if project.global.approve.is_some() {
        return;
    }
    commands::plan::show(project, prepared, expected);
    if expected.gas.iter().any(|(op, _)| op == HELPER_OP) {
        project.ui.note(format!("The helper contract is created first, at {HELPER}."));
    }
}

/// Refuses to spend on a testnet of which nobody knows that its coin is worth nothing.
fn require_testnet(name: &str, settings: &NetworkConfig, said: Option<u64>) -> CliResult {
    let NetworkConfig { stage, chain, .. } = *settings;
    if stage != Stage::Testnet || is_known_testnet(chain) || said == Some(chain.0) {
        return Ok(());
    }
    let text = format!(
        "{name} is chain {chain}, which is not built in: nobody here knows that its coin is worth \
         nothing"
    );
    Err(CliError::config(text).hint(format!("if it is a testnet, say so: --testnet {chain}")))
}

fn helper_creation() -> Op {
    let kind = OpKind::Create {
        contract: Fqn(HELPER_OP.to_owned()),
        address: HELPER,
        salt: helper::SALT,
        initcode: helper::initcode(),
        guarded: None,
    };
    Op { id: HELPER_OP.to_owned(), step: HELPER_OP.to_owned(), kind }
}

fn show_progress(ui: &crate::ui::Ui, progress: &Progress) {
    ui.note(match progress {
        Progress::Landed { op, landed } => format!(
            "  {:<26} block {:<9} {:>9} gas",
            op_label(op),
            landed.inclusion.block.number,
            landed.inclusion.gas_used
        ),
        Progress::There { op } => format!("  {:<26} is there already", op_label(op)),
    });
}

/// Puts the helper's creation before everything else where the plan needs it and it is missing,
/// or this deployment made it; and its gas, where it is still to be made.
async fn helper_first(
    network: &Network,
    prepared: &Prepared,
    lane: &Lane<'_>,
    head: Head,
    run: &mut DeployRun,
    expected: &mut Expected,
) -> CliResult {
    if !prepared.resolved.is_guarded() {
        return Ok(());
    }
    let found = network.code_hash(HELPER, head.block).await?;
    let is_missing = found == KECCAK256_EMPTY;
    if !is_missing {
        require_helper(network, head).await?;
    }
    let is_ours = lane.state().attempts_for(&run.op_key(HELPER_OP)).next().is_some();
    if is_missing || is_ours {
        run.code_hashes.insert(HELPER, helper::CODE_HASH);
        run.ops.insert(0, helper_creation());
    }
    if is_missing {
        expected.gas.insert(0, (HELPER_OP.to_owned(), helper::CREATION_GAS));
    }
    Ok(())
}

/// Refuses before anything is approved or sent what the deployer cannot pay for.
async fn require_balance(network: &Network, lane: &Lane<'_>, expected: &Expected) -> CliResult {
    /// What an anchor costs, generously.
    const ANCHOR_GAS: u64 = 40_000;
    let sender = lane.id().sender;
    let head = network.latest_head().await?;
    let balance = network.balance(sender, head.block).await?;
    let fees = network.fee_data().await?;
    let gas = expected.gas.iter().map(|(_, gas)| gas).sum::<u64>() + ANCHOR_GAS;
    let per_gas = fees.base_fee.saturating_add(fees.priority_fee);
    let needed = U256::from(gas).saturating_mul(U256::from(per_gas));
    if balance >= needed {
        return Ok(());
    }
    let (balance, needed) = (format_amount(balance, 18), format_amount(needed, 18));
    Err(CliError::new(
        Kind::Chain,
        format!("deployer {sender} holds {balance} ETH; this plan needs about {needed} ETH"),
    )
    .hint("fund it: `tidegate fund request` asks the treasury"))
}

/// The id of an existing deployment of this release, or a new one's.
fn deployment_id(
    project: &Project,
    built: &Built,
    name: &str,
    wanted: Option<u64>,
) -> CliResult<u64> {
    let Some(record) = records::of_anybody(project, name, built.roots.release_root)? else {
        return Ok(wanted.unwrap_or(0));
    };
    let id = wanted.unwrap_or(record.id);
    let same_build = record.deployment.build_digest == built.roots.build_digest;
    if id == record.id && !same_build {
        let from = record.deployment.build_digest.short();
        return Err(CliError::new(
            Kind::Conflict,
            format!("{} is already deployed on {name} from build {from}", record.name),
        )
        .hint("the sources differ only in what no code shows, such as comments")
        .hint(format!("for a second deployment take another id: --id {}", record.id + 1)));
    }
    Ok(id)
}

/// A deployment id is one deployment: with other parameters it would be another one.
fn refuse_other_deployment(
    project: &Project,
    name: &str,
    built: &Built,
    id: u64,
    deployment: &Deployment,
) -> CliResult {
    let recorded = records::of_anybody(project, name, built.roots.release_root)?;
    let Some(recorded) = recorded.filter(|r| r.id == id && r.deployment != *deployment) else {
        return Ok(());
    };
    let mut error = CliError::new(
        Kind::Conflict,
        format!("deployment {id} of {} on {name} is another one", recorded.name),
    );
    for difference in compare_deployments(&recorded.deployment, deployment) {
        error = error.hint(difference);
    }
    Err(error.hint(format!("for a second deployment take another id: --id {}", id + 1)))
}

fn finish(
    project: &Project,
    name: &str,
    record: &DeploymentRecord,
    deployed: &Deployed,
    path: &std::path::Path,
) -> CliResult<u8> {
    let ui = &project.ui;
    ui.line(if deployed.was_complete {
        format!("{} was deployed on {name} already; nothing was sent.", record.name)
    } else {
        format!("{} is deployed on {name}; its soak has started.", record.name)
    });
    for (step, place) in &record.deployment.steps {
        ui.row(step, &place.address.to_string());
    }
    for (library, address) in &record.deployment.libraries {
        ui.row(library.name(), &address.to_string());
    }
    ui.row("anchor", &deployed.anchor.to_string());
    let shown = path.strip_prefix(&project.root).unwrap_or(path);
    ui.row("record", &shown.display().to_string());
    ui.note("commit the record; `tidegate status` shows the soak");
    for (target, settings) in
        project.targets().filter(|(_, t)| t.soaks_on.iter().any(|soak| soak == name))
    {
        let soak = project.network(name)?.chain;
        if anchor_required(&project.rules, settings.chain, has_operator(soak)) {
            ui.note(format!(
                "once it is final, post its start: `tidegate record start --target {target}`"
            ));
        }
    }
    ui.result(&json!({
        "network": name, "record": shown, "anchor": deployed.anchor,
        "releaseRoot": record.release_root, "deploymentDigest": record.deployment.digest()?,
        "steps": record.deployment.steps, "libraries": record.deployment.libraries,
    }));
    Ok(0)
}

/// Builds the record from the chain: every transaction of the lane from the deployment's first to
/// its anchor, foreign ones included.
async fn record(
    lane: &Lane<'_>,
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    deployment: Deployment,
    run: &DeployRun,
    id: u64,
) -> CliResult<DeploymentRecord> {
    let sender = lane.id().sender;
    let head = network.latest_head().await?;
    let next = network.nonce(sender, head.block).await?;
    let prefix = run.op_key("");
    let journaled = lane.state().attempts.iter().filter(|a| a.op.starts_with(&prefix));
    let first = journaled.min_by_key(|attempt| attempt.nonce);
    let before = |nonce: u64| {
        let attempts = &lane.state().attempts;
        attempts.iter().find(|a| a.op == helper_key() && a.nonce + 1 == nonce)
    };
    let first = first.and_then(|first| before(first.nonce)).or(first);
    // The block before the first one spares endpoints that have forgotten older state.
    let inclusion = first.and_then(|attempt| attempt.state.inclusion());
    let since = inclusion.map_or(0, |inclusion| inclusion.block.number.saturating_sub(1));
    let from = match first {
        Some(attempt) => attempt.nonce,
        None => next.saturating_sub(SEARCH_TRANSACTIONS_MAX),
    };
    let sent = network.sender_transactions(sender, from, next, since, head).await?;
    let named: Vec<_> = sent.iter().map(|tx| op_name(run, sender, tx)).collect();
    let mut first = named.iter().position(Option::is_some).unwrap_or(0);
    // The helper is no part of the release, but what its creation took was paid for this.
    if let Some(before) = first.checked_sub(1).filter(|before| makes_helper(&sent[*before])) {
        first = before;
    }
    let last = named.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let mut transactions = Vec::new();
    for (tx, op) in sent.iter().zip(named).take(last).skip(first) {
        let receipt = network.receipt(tx.hash).await?.ok_or_else(|| {
            CliError::new(Kind::Chain, format!("{} has no receipt for {}", network.name(), tx.hash))
        })?;
        transactions.push(MinedTransaction {
            op: op.unwrap_or_else(|| "foreign".to_owned()),
            hash: tx.hash,
            from: sender,
            nonce: tx.nonce,
            block: receipt.block,
            success: receipt.status,
            gas_used: receipt.gas_used,
            fee: receipt.fee(),
        });
    }
    Ok(DeploymentRecord {
        v: DeploymentRecord::VERSION,
        name: built.release.name.clone(),
        id,
        release_root: built.roots.release_root,
        scope_root: built.roots.scope_root,
        deployment,
        initcodes: prepared.initcodes(),
        mocks: prepared.mocks.clone(),
        transactions,
    })
}

fn op_name(run: &DeployRun, sender: Address, tx: &Transaction) -> Option<String> {
    if tx.to == Some(sender) && tx.input == run.anchor {
        return Some(ANCHOR_OP.to_owned());
    }
    let op = run.ops.iter().filter(|op| op.id != HELPER_OP).find(|op| {
        let sent = op.key_transaction(&run.code_hashes);
        tx.to == Some(sent.to) && tx.input == sent.data && tx.value == sent.value
    });
    op.map(|op| op.id.clone())
}

fn makes_helper(tx: &Transaction) -> bool {
    tx.to == Some(CREATE2_PROXY) && tx.input == helper::creation_calldata()
}

/// The name of its journal entries where it is created by itself.
fn helper_key() -> String {
    format!("helper/{HELPER}")
}

/// Creates the helper contract where it is missing.
async fn create_helper(project: &Project, args: &DeployArgs) -> CliResult<u8> {
    let name = match &args.network {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Mainnet)?,
    };
    let settings = project.network(&name)?;
    require_testnet(&name, settings, args.testnet)?;
    let network = project.connect(&name).await?;
    let head = network.latest_head().await?;
    let address = helper::address();
    let found = network.code_hash(address, head.block).await?;
    if found != helper::CODE_HASH {
        let pays = settings.relayer.as_deref().or(settings.deployer.as_deref());
        let key = named(&project.global, pays)?;
        let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
        let intent = Intent {
            op: helper_key(),
            to: CREATE2_PROXY,
            value: U256::ZERO,
            data: helper::creation_calldata(),
            alike: None,
        };
        project.ui.note(format!("Creates Tidegate's helper contract at {address}."));
        send(project, &name, &network, &signer, &intent, Vec::new()).await?;
        let head = network.latest_head().await?;
        let found = network.code_hash(address, head.block).await?;
        if found != helper::CODE_HASH {
            return Err(CliError::new(
                Kind::Fail,
                format!("the code at {address} is {found}, expected {}", helper::CODE_HASH),
            ));
        }
    }
    project.ui.line(format!("The helper contract is at {address} on {name}."));
    project.ui.result(&json!({
        "network": name, "helper": address, "codeHash": helper::CODE_HASH,
    }));
    Ok(0)
}
