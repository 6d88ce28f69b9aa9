//! `tidegate fund`: request, approve, draw and return test funds.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256};
use clap::{Args, Subcommand};
use serde_json::json;
use tidegate_chain::Network;
use tidegate_engine::find_sent;
use tidegate_evidence::StatementSet;
use tidegate_ledger::{RequestState, build_ledger};
use tidegate_model::event::Intent;
use tidegate_model::lookup::Prefix;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, FundDecision, FundRequest, FundTransfer, Statement};
use tidegate_model::units::{format_amount, parse_uint};
use tidegate_model::{NetworkId, StatementDigest};
use tidegate_plan::config::{FundsConfig, Stage};

use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::funds::about;
use crate::project::Project;
use crate::release::build;
use crate::saying::{general, now, sign};
use crate::sending::send;
use crate::signer::{LazySigner, named};
use crate::statements;

/// Request, approve, draw and return test funds
#[derive(Debug, Subcommand)]
pub(crate) enum FundCommand {
    /// Ask for test funds
    Request(RequestArgs),
    /// Approve somebody else's request
    Approve(DecideArgs),
    /// Deny somebody else's request
    Deny(DecideArgs),
    /// Send what was approved from the treasury
    Draw(TransferArgs),
    /// Send the rest back to the treasury
    Return(TransferArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// How much, such as "0.5 ether" or "2e17"
    amount: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// Who will hold the funds: an address; default: the network's deployer
    #[arg(long)]
    to: Option<Address>,
    /// The network; default: the only testnet
    #[arg(long)]
    network: Option<String>,
    /// They are for no particular release
    #[arg(long)]
    no_release: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The request's digest or its beginning; default: the only open one
    request: Option<String>,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// The request's digest or its beginning; default: the only one
    request: Option<String>,
    /// How much; default: all that was approved, or all that can be returned
    #[arg(long)]
    amount: Option<String>,
}

pub(crate) async fn run(project: &Project, command: &FundCommand) -> CliResult<u8> {
    match command {
        FundCommand::Request(args) => request(project, args).await,
        FundCommand::Approve(args) => decide(project, args, true).await,
        FundCommand::Deny(args) => decide(project, args, false).await,
        FundCommand::Draw(args) => draw(project, args).await,
        FundCommand::Return(args) => give_back(project, args).await,
    }
}

async fn request(project: &Project, args: &RequestArgs) -> CliResult<u8> {
    let name = project.network_of(args.network.as_deref(), Stage::Testnet)?;
    let settings = project.network(&name)?;
    let key = named(&project.global, settings.deployer.as_deref())?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    let destination = match (args.to, &settings.deployer) {
        (Some(address), _) => address,
        (None, Some(deployer)) => {
            LazySigner::new(&project.ui, &project.env, &project.global, deployer)?.address()
        }
        (None, None) => return Err(CliError::usage("say with --to who will hold the funds")),
    };
    let release = if args.no_release { None } else { Some(build(project)?.roots.release_root) };
    let body = Body::FundRequest(FundRequest {
        network: crate::network::identity(project, &name)?.id,
        destination,
        amount: parse_uint(&args.amount).or_kind(Kind::Usage)?,
        release,
        reason: args.reason.clone(),
    });
    let digest = sign(project, &about(project)?, &signer, body).await?;
    project.ui.note(format!("a treasurer approves it: `tidegate fund approve {digest}`"));
    Ok(0)
}

async fn decide(project: &Project, args: &DecideArgs, approve: bool) -> CliResult<u8> {
    let set = statements::load_confirmed(project).await?;
    let (request, found, requester) = find(&set, args.request.as_deref(), undecided)?;
    let key = named(&project.global, None)?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    if signer.address() == requester {
        return Err(CliError::new(Kind::Fail, "a request is decided by somebody else")
            .hint("separation of duties: the approver must not be the requester"));
    }
    let amount = format_amount(found.amount, 18);
    project.ui.line(format!("Request {request}: {amount} ETH for {}", found.destination));
    project.ui.line(format!("  {}", found.reason));
    let decision = FundDecision { request, reason: args.reason.clone() };
    let body = if approve { Body::FundApprove(decision) } else { Body::FundDeny(decision) };
    sign(project, &about(project)?, &signer, body).await?;
    if approve {
        project.ui.note(format!("the treasury sends it: `tidegate fund draw {request}`"));
    }
    Ok(0)
}

async fn draw(project: &Project, args: &TransferArgs) -> CliResult<u8> {
    let set = statements::load_confirmed(project).await?;
    let (request, found, _) = find(&set, args.request.as_deref(), approved)?;
    let name = network_name(project, found.network)?;
    let funds = funds_of(project, &name)?;
    let signer = treasury(project, named(&project.global, Some(&funds.key))?, funds.treasury)?;
    let network = project.connect(&name).await?;
    require_approval(project, &set, &name, &network, request).await?;
    let left = found.amount.saturating_sub(stated(&set, request, false));
    if left.is_zero() {
        project.ui.line("All that was approved has been drawn.");
        project.ui.result(&json!({ "transaction": null, "amount": "0", "digest": null }));
        return Ok(0);
    }
    let amount = match &args.amount {
        Some(text) => parse_uint(text).or_kind(Kind::Usage)?,
        None => left,
    };
    if amount > left {
        let left = format_amount(left, 18);
        let what = format!("that is more than was approved; {left} ETH are left to draw");
        return Err(CliError::new(Kind::Fail, what));
    }
    let earlier = transfers(&set, request).filter(|(_, back)| !*back).count();
    let intent = Intent {
        op: format!("draw/{request}/{earlier}"),
        to: found.destination,
        value: amount,
        data: Bytes::new(),
    };
    let transfer = Transfer { name: &name, network: &network, request, set: &set };
    transfer.make(project, &signer, &intent, Body::FundDraw).await
}

async fn give_back(project: &Project, args: &TransferArgs) -> CliResult<u8> {
    /// What a plain transfer costs.
    const TRANSFER_GAS: u64 = 21_000;
    let set = statements::load_confirmed(project).await?;
    let (request, found, _) = find(&set, args.request.as_deref(), approved)?;
    let name = network_name(project, found.network)?;
    let funds = funds_of(project, &name)?;
    let key = named(&project.global, project.network(&name)?.deployer.as_deref())?;
    let signer = treasury(project, key, found.destination)?;
    let network = project.connect(&name).await?;
    let amount = match &args.amount {
        Some(text) => parse_uint(text).or_kind(Kind::Usage)?,
        None => {
            let head = network.latest_head().await?;
            let balance = network.balance(found.destination, head.block).await?;
            let fees = network.fee_data().await?;
            // Held back: the highest fee that the transfer may pay, with the engine's margins.
            let per_gas = fees.base_fee.saturating_mul(2).saturating_add(fees.priority_fee);
            let held = U256::from(TRANSFER_GAS * 2).saturating_mul(U256::from(per_gas));
            let out = stated(&set, request, false).saturating_sub(stated(&set, request, true));
            balance.saturating_sub(held).min(out)
        }
    };
    if amount.is_zero() && !unstated(project, &signer, &network, request, &set).await? {
        return Err(CliError::new(Kind::Fail, "there is nothing to return"));
    }
    let earlier = transfers(&set, request).filter(|(_, back)| *back).count();
    let intent = Intent {
        op: format!("return/{request}/{earlier}"),
        to: funds.treasury,
        value: amount,
        data: Bytes::new(),
    };
    let transfer = Transfer { name: &name, network: &network, request, set: &set };
    transfer.make(project, &signer, &intent, Body::FundReturn).await
}

fn funds_of<'a>(project: &'a Project, network: &str) -> CliResult<&'a FundsConfig> {
    let missing = || CliError::config(format!("[funds] has no treasury for {network}"));
    project.config.funds.get(network).ok_or_else(missing)
}

/// The transfers stated under a request, each transaction once; `true` for a return.
fn transfers(
    set: &StatementSet,
    request: StatementDigest,
) -> impl Iterator<Item = (&FundTransfer, bool)> {
    let mut seen = BTreeSet::new();
    let stated = set.general().filter_map(|(_, general, _)| match &general.body {
        Body::FundDraw(transfer) => Some((transfer, false)),
        Body::FundReturn(transfer) => Some((transfer, true)),
        _ => None,
    });
    stated.filter(move |(t, _)| t.request == request && seen.insert(t.transaction))
}

/// What was drawn under a request, or returned.
fn stated(set: &StatementSet, request: StatementDigest, returned: bool) -> U256 {
    transfers(set, request)
        .filter(|(_, back)| *back == returned)
        .fold(U256::ZERO, |sum, (transfer, _)| sum.saturating_add(transfer.amount))
}

/// The ledger decides what is approved: by a treasurer, not by the requester, and in force.
async fn require_approval(
    project: &Project,
    set: &StatementSet,
    name: &str,
    network: &Network,
    request: StatementDigest,
) -> CliResult {
    let facts = crate::funds::facts(project, set, name, network).await?;
    let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
    let state = ledger.request(request).map(|view| view.state);
    match state {
        Some(RequestState::Approved { .. } | RequestState::Drawn | RequestState::Settled) => Ok(()),
        _ => Err(CliError::new(Kind::Fail, "the request has no approval in force")
            .hint("a person with the role `treasurer`, other than the requester, approves it")),
    }
}

/// Whether a return was sent whose statement is still missing.
async fn unstated(
    project: &Project,
    signer: &LazySigner,
    network: &Network,
    request: StatementDigest,
    set: &StatementSet,
) -> CliResult<bool> {
    let earlier = transfers(set, request).filter(|(_, back)| *back).count();
    let lane = crate::sending::open_lane(project, network, signer).await?;
    Ok(lane.state().landed(&format!("return/{request}/{earlier}")).is_some())
}

struct Transfer<'a> {
    name: &'a str,
    network: &'a Network,
    request: StatementDigest,
    set: &'a StatementSet,
}

impl Transfer<'_> {
    /// Sends it unless it was sent before, then signs the statement that names its transaction.
    async fn make(
        &self,
        project: &Project,
        signer: &LazySigner,
        intent: &Intent,
        body: fn(FundTransfer) -> Body,
    ) -> CliResult<u8> {
        let about = about(project)?;
        // Read before anything is sent.
        now(project, &about).await?;
        let transaction = self.transaction(project, signer, intent).await?;
        let ui = &project.ui;
        if transfers(self.set, self.request).any(|(t, _)| t.transaction == transaction) {
            ui.line(format!("It was sent before: {transaction}"));
            ui.result(&json!({ "transaction": transaction, "digest": null }));
            return Ok(0);
        }
        // The amount is what the chain says, as an earlier run may have sent another.
        let sent = self.network.transaction(transaction).await?.ok_or_else(|| {
            CliError::new(Kind::Chain, format!("{transaction} is not on {}", self.name))
        })?;
        let transfer = FundTransfer {
            request: self.request,
            network: self.network.id(),
            transaction,
            amount: sent.value,
        };
        let body = body(transfer);
        let general = general(project, &about, signer, body).await?;
        let statement = Statement::Statement(general);
        crate::saying::show(project, signer, &statement)?;
        let digest = statements::sign_and_write(project, signer, statement)?;
        ui.line(format!("{} ETH to {}", format_amount(sent.value, 18), intent.to));
        ui.row("transaction", &transaction.to_string());
        ui.row("statement", &format!("deployments/statements/{digest}.json"));
        let amount = sent.value.to_string();
        ui.result(&json!({ "transaction": transaction, "amount": amount, "digest": digest }));
        Ok(0)
    }

    /// The transfer's transaction. Where the journal is new, the chain is searched for one that no
    /// statement names, so that a lost journal never pays twice.
    async fn transaction(
        &self,
        project: &Project,
        signer: &LazySigner,
        intent: &Intent,
    ) -> CliResult<B256> {
        let lane = crate::sending::open_lane(project, self.network, signer).await?;
        let landed = lane.state().landed(&intent.op);
        if let Some((attempt, _)) = landed.filter(|(_, inclusion)| inclusion.success) {
            return Ok(attempt.hash);
        }
        let journal_is_new = lane.state().attempts.is_empty();
        drop(lane);
        if journal_is_new {
            let stated = self.set.general().filter_map(|(_, general, _)| match &general.body {
                Body::FundDraw(t) | Body::FundReturn(t) => Some(t.transaction),
                _ => None,
            });
            let stated = stated.collect();
            let found = find_sent(self.network, signer.address(), intent, &stated).await?;
            if let Some(transaction) = found {
                project.ui.note("it is on the chain already; its statement is missing");
                return Ok(transaction);
            }
        }
        let mut options = Vec::new();
        if intent.op.starts_with("return/") {
            options = vec!["--amount".to_owned(), intent.value.to_string()];
        }
        let landed = send(project, self.name, self.network, signer, intent, options).await?;
        Ok(landed.hash)
    }
}

fn treasury(project: &Project, key: &str, expected: Address) -> CliResult<LazySigner> {
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    if signer.address() == expected {
        return Ok(signer);
    }
    Err(CliError::new(Kind::Keys, format!("key `{key}` is {}, not {expected}", signer.address()))
        .hint("name the right key with --as KEY"))
}

fn network_name(project: &Project, id: NetworkId) -> CliResult<String> {
    project.name_of(id).map(str::to_owned).ok_or_else(|| {
        CliError::config(format!("no network of tidegate.toml has chain id {}", id.chain))
    })
}

fn undecided(set: &StatementSet, request: StatementDigest) -> bool {
    !set.general().any(|(_, general, _)| match &general.body {
        Body::FundApprove(d) | Body::FundDeny(d) => d.request == request,
        _ => false,
    })
}

fn approved(set: &StatementSet, request: StatementDigest) -> bool {
    set.general().any(|(_, general, _)| match &general.body {
        Body::FundApprove(decision) => decision.request == request,
        _ => false,
    })
}

/// The request that begins with this, or the only one of its kind.
fn find(
    set: &StatementSet,
    wanted: Option<&str>,
    open: fn(&StatementSet, StatementDigest) -> bool,
) -> CliResult<(StatementDigest, FundRequest, Address)> {
    let wanted = wanted.map(Prefix::parse).transpose()?;
    let matches = |digest: &StatementDigest| match &wanted {
        Some(wanted) => wanted.begins(digest.0),
        None => open(set, *digest),
    };
    let requests = set.general().filter_map(|(digest, general, signer)| match &general.body {
        Body::FundRequest(request) => Some((digest, request.clone(), signer)),
        _ => None,
    });
    let mut found: Vec<_> = requests.filter(|(digest, ..)| matches(digest)).collect();
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(CliError::usage("there is no such request")
            .hint("`tidegate ledger show` lists requests")),
        (Some(_), _) => Err(CliError::usage("several requests; name one by its digest")
            .hint("`tidegate ledger show` lists requests")),
    }
}
