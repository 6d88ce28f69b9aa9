//! `tidegate plan`.

use clap::Args;
use serde_json::{Value, json};
use tidegate_app::deployment::{Prepared, expect, prepare, refuse_faults};
use tidegate_app::error::{AppError, AppResult};
use tidegate_app::existing::require_starts;
use tidegate_app::policy_doc::require_keys;
use tidegate_app::release::built;
use tidegate_app::standing::in_the_way;
use tidegate_app::text::plain;
use tidegate_model::ports::DigestSigner;
use tidegate_plan::config::Stage;
use tidegate_plan::{Executor, Expected, OpKind, When, op_label};

use crate::context::Context;
use crate::signer::LazySigner;

/// Show what a deployment would do: addresses, code, arguments, gas
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The network; default: the only testnet
    network: Option<String>,
    /// The release; default: what the working tree builds
    #[arg(long)]
    release: Option<String>,
    /// The deployment id; another id gives other addresses
    #[arg(long, default_value_t = 0)]
    id: u64,
}

pub(crate) async fn run(project: &Context, args: &PlanArgs) -> AppResult<u8> {
    let built = built(project, args.release.as_deref())?;
    let name = match &args.network {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Testnet)?,
    };
    let executor = executor(project, &name)?;
    let prepared = prepare(project, &built, &name, executor, args.id)?;
    let network = project.connect_single(&name).await?;
    let head = network.latest_head().await?;
    require_starts(&network, &built, &prepared, head).await?;
    let expected = expect(&network, &prepared, head, When::Before).await?;
    project.ui.line(format!(
        "{} on {name}, by {}, deployment id {}",
        built.release.name,
        executor.address(),
        args.id
    ));
    show(project, &prepared, &expected);
    let standing = match executor {
        Executor::Safe(_) => {
            let plan = (&prepared.resolved, &expected);
            in_the_way(project, &built, &name, (&network, head), plan).await?
        }
        Executor::Key(_) => Vec::new(),
    };
    standing.iter().for_each(|line| project.ui.warn(line.as_str()));
    project.ui.result(&json!({
        "network": name, "executor": executor.address(), "id": args.id,
        "releaseRoot": built.roots.release_root, "operations": rows(&prepared, &expected),
        "params": prepared.resolved.params, "faults": expected.faults, "standing": standing,
    }));
    refuse_faults(&expected)?;
    Ok(0)
}

/// Who acts on a network: the deployer's key on a testnet, the Safe on mainnet.
pub(crate) fn executor(project: &Context, name: &str) -> AppResult<Executor> {
    let settings = project.network(name)?;
    match settings.stage {
        Stage::Mainnet => {
            require_keys(project, name)?;
            let what = || AppError::config(format!("[networks.{name}] has no `safe`"));
            settings.safe.map(Executor::Safe).ok_or_else(what)
        }
        Stage::Testnet => {
            let key = crate::signer::named(&project.global, settings.deployer.as_deref())?;
            let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
            Ok(Executor::Key(signer.address()))
        }
    }
}

/// One line an operation, then the parameters.
pub(crate) fn show(project: &Context, prepared: &Prepared, expected: &Expected) {
    let ui = &project.ui;
    let gas_of = |id: &str| expected.gas.iter().find(|(op, _)| op == id).map(|(_, gas)| *gas);
    ui.line("");
    for op in &prepared.resolved.ops {
        let gas = gas_of(&op.id).map_or_else(String::new, |gas| format!("{gas} gas"));
        match &op.kind {
            OpKind::Create { contract, address, guarded, .. } => {
                let label = op_label(&op.id);
                ui.line(format!("  create {label:<24} {gas:>14}  {}", contract.name()));
                let open = if guarded.is_none() { "  anybody can create it first" } else { "" };
                let ends = if expected.can_end(&op.id) {
                    "  can destroy itself (SELFDESTRUCT)"
                } else {
                    ""
                };
                ui.line(format!("         {address}{open}{ends}"));
            }
            OpKind::Call { to, signature, .. } => {
                ui.line(format!("  call   {:<24} {gas:>14}  {signature}", op.id));
                ui.line(format!("         {to}"));
            }
        }
    }
    for check in &prepared.resolved.checks {
        ui.line(format!("  expect {}.{} = {}", check.step, check.signature, plain(&check.value)));
    }
    ui.line("");
    for (name, value) in &prepared.resolved.params {
        ui.line(format!("  ${name} = {}", plain(value)));
    }
    let total: u64 = expected.gas.iter().map(|(_, gas)| gas).sum();
    ui.line(format!("\n{} operations, {total} gas", prepared.resolved.ops.len()));
}

fn rows(prepared: &Prepared, expected: &Expected) -> Vec<Value> {
    let ops = prepared.resolved.ops.iter().map(|op| match &op.kind {
        OpKind::Create { contract, address, salt, .. } => {
            let hash = expected.created.get(address).map(|created| created.code_hash);
            json!({"id": op.id, "kind": "create", "contract": contract, "address": address,
                   "salt": salt, "codeHash": hash})
        }
        OpKind::Call { to, data, signature, value } => {
            json!({"id": op.id, "kind": "call", "to": to, "function": signature, "data": data,
                   "value": value.to_string()})
        }
    });
    ops.collect()
}
