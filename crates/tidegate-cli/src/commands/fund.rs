//! `tidegate fund`: request, approve, draw and return test funds.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256};
use clap::{Args, Subcommand};
use serde_json::json;
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::fund_rules::{InForce, in_force};
use tidegate_app::funds::{about, facts, said};
use tidegate_app::release::build;
use tidegate_app::relied;
use tidegate_app::saying::{general, now, sign};
use tidegate_app::sending::send;
use tidegate_app::statements;
use tidegate_chain::Network;
use tidegate_engine::find_sent;
use tidegate_ledger::{FundRules, Ledger, RequestState, RequestView, build_ledger};
use tidegate_model::event::Intent;
use tidegate_model::lookup::whole;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{
    Body, FundApproval, FundDenial, FundRequest, FundTransfer, Statement,
};
use tidegate_model::units::{format_amount, parse_uint};
use tidegate_model::{NetworkId, StatementDigest};
use tidegate_plan::config::Stage;

use crate::context::Context;
use crate::signer::{LazySigner, named};

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
    /// The request's digest; default: the only one that people of the policy ask for
    request: Option<String>,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// The request's digest; default: the only one that was approved
    request: Option<String>,
    /// How much; default: all that was approved, or all that can be returned
    #[arg(long)]
    amount: Option<String>,
}

pub(crate) async fn run(project: &Context, command: &FundCommand) -> AppResult<u8> {
    relied::require(project).await?;
    match command {
        FundCommand::Request(args) => request(project, args).await,
        FundCommand::Approve(args) => decide(project, args, true).await,
        FundCommand::Deny(args) => decide(project, args, false).await,
        FundCommand::Draw(args) => draw(project, args).await,
        FundCommand::Return(args) => give_back(project, args).await,
    }
}

async fn request(project: &Context, args: &RequestArgs) -> AppResult<u8> {
    let name = project.network_of(args.network.as_deref(), Stage::Testnet)?;
    let settings = project.network(&name)?;
    let key = named(&project.global, settings.deployer.as_deref())?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    let destination = match (args.to, &settings.deployer) {
        (Some(address), _) => address,
        (None, Some(deployer)) => {
            LazySigner::new(&project.ui, &project.env, &project.global, deployer)?.address()
        }
        (None, None) => return Err(AppError::usage("say with --to who will hold the funds")),
    };
    let release = if args.no_release { None } else { Some(build(project)?.roots.release_root) };
    let body = Body::FundRequest(FundRequest {
        network: tidegate_app::network::identity(project, &name)?.id,
        destination,
        amount: parse_uint(&args.amount).or_kind(Kind::Usage)?,
        release,
        reason: args.reason.clone(),
    });
    let digest = sign(project, &about(project)?, &signer, body).await?;
    project.ui.note(format!("a treasurer approves it: `tidegate fund approve {digest}`"));
    Ok(0)
}

async fn decide(project: &Context, args: &DecideArgs, approve: bool) -> AppResult<u8> {
    let set = statements::load_confirmed(project).await?;
    let InForce { rules, adopted } = in_force(project).await?;
    let facts = said(project, &set, &rules)?;
    let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
    let open = |view: &RequestView| matches!(view.state, RequestState::Submitted);
    let found = pick(&ledger, args.request.as_deref(), open)?;
    let key = named(&project.global, None)?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    facts.may_decide(signer.address(), found, approve).map_err(|why| {
        AppError::new(Kind::Fail, why)
            .hint("a person with the role `treasurer`, other than the requester, decides")
    })?;
    let (request, network) = (found.request, found.network);
    let asked = facts.name_of(network, found.requester);
    let amount = format_amount(found.amount, 18);
    let (to, name) = (found.destination, facts.name_of(network, found.destination));
    let on = network_name(project, network)?;
    project.ui.line(format!("Request {request} by {asked}: {amount} ETH to {name}, {to}"));
    project.ui.line(format!("  on {on} (chain {})", network.chain));
    project.ui.line(format!("  {}", found.reason));
    if approve && adopted.is_empty() {
        relied::require_pinned(project).await?;
    }
    let reason = args.reason.clone();
    let body = if approve {
        let (destination, amount) = (found.destination, found.amount);
        Body::FundApprove(FundApproval { request, network, destination, amount, reason })
    } else {
        Body::FundDeny(FundDenial { request, reason })
    };
    sign(project, &about(project)?, &signer, body).await?;
    if approve {
        project.ui.note(format!("the treasury sends it: `tidegate fund draw {request}`"));
    }
    Ok(0)
}

async fn draw(project: &Context, args: &TransferArgs) -> AppResult<u8> {
    let ready = |view: &RequestView| matches!(view.state, RequestState::Approved { .. });
    let left = |view: &RequestView| {
        let is_open = matches!(view.state, RequestState::Approved { .. } | RequestState::Drawn);
        is_open && view.approved_until.is_some() && view.drawn < view.amount
    };
    let books = Books::read(project, args, ready, left).await?;
    let found = books.request()?;
    let key = project.config.funds.get(&books.name).map(|funds| funds.key.as_str());
    let signer = treasury(project, named(&project.global, key)?, books.treasury()?)?;
    if found.approved_until.is_none() {
        return Err(AppError::new(Kind::Fail, "the request has no approval in force")
            .hint("a person with the role `treasurer`, other than the requester, approves it"));
    }
    if found.unseen {
        let what = "a draw or return of this request is stated that the chain does not show";
        return Err(AppError::new(Kind::Fail, what).hint(
            "wait until its transaction is in a block; `tidegate ledger reconcile` names it",
        ));
    }
    let left = found.drawable(now(project, &about(project)?).await?.time);
    if left.is_zero() {
        project.ui.line("Nothing is left to draw under this approval.");
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
        return Err(AppError::new(Kind::Fail, what));
    }
    if books.adopted.is_empty() {
        let approvers: Vec<_> = found.approvals.iter().map(|(_, by)| *by).collect();
        FundRules::may_draw_unadopted(&approvers, signer.address()).map_err(|why| {
            AppError::new(Kind::Fail, why)
                .hint("have the Safe adopt the policy first: `tidegate policy adopt`")
                .hint("or approve it with that key: `tidegate fund approve REQUEST --as KEY`")
        })?;
    }
    books.show(project, found)?;
    relied::require_pinned(project).await?;
    let intent = books.intent("draw", &found.draws, found.destination, amount);
    books.make(project, &signer, &intent, Body::FundDraw).await
}

async fn give_back(project: &Context, args: &TransferArgs) -> AppResult<u8> {
    /// What a plain transfer costs.
    const TRANSFER_GAS: u64 = 21_000;
    let ready = |view: &RequestView| !view.approvals.is_empty();
    let left = |view: &RequestView| view.state != RequestState::Settled && !view.out().is_zero();
    let books = Books::read(project, args, ready, left).await?;
    let found = books.request()?;
    let network = &books.network;
    let home = books.treasury()?;
    let key = named(&project.global, project.network(&books.name)?.deployer.as_deref())?;
    let signer = treasury(project, key, found.destination)?;
    let amount = match &args.amount {
        Some(text) => parse_uint(text).or_kind(Kind::Usage)?,
        None => {
            let head = network.latest_head().await?;
            let balance = network.balance(found.destination, head.block).await?;
            let fees = network.fee_data().await?;
            // Held back: the highest fee that the transfer may pay, with the engine's margins.
            let per_gas = fees.base_fee.saturating_mul(2).saturating_add(fees.priority_fee);
            let held = U256::from(TRANSFER_GAS * 2).saturating_mul(U256::from(per_gas));
            balance.saturating_sub(held).min(found.out())
        }
    };
    if amount.is_zero() && !books.unstated(project, &signer, &found.returns).await? {
        return Err(AppError::new(Kind::Fail, "there is nothing to return"));
    }
    books.show(project, found)?;
    let senders = books.senders(found).await?;
    if let Err(why) = FundRules::may_return_unadopted(&senders, home) {
        if books.adopted.is_empty() {
            return Err(AppError::new(Kind::Fail, why)
                .hint("have the Safe adopt the policy first: `tidegate policy adopt`"));
        }
        relied::require_pinned(project).await?;
    }
    let intent = books.intent("return", &found.returns, home, amount);
    books.make(project, &signer, &intent, Body::FundReturn).await
}

/// The books of a request's network up to its latest block, so that what was sent a moment ago is
/// in them.
struct Books {
    name: String,
    network: Network,
    rules: FundRules,
    /// The adopted policies that the rules are from.
    adopted: Vec<String>,
    ledger: Ledger,
    request: StatementDigest,
}

impl Books {
    /// The books of the request that is named, or of the only one that is `ready` by what was said;
    /// of several on one network, the only one of which something is `left` on the chain.
    async fn read(
        project: &Context,
        args: &TransferArgs,
        ready: impl Fn(&RequestView) -> bool,
        left: impl Fn(&RequestView) -> bool,
    ) -> AppResult<Self> {
        let set = statements::load_confirmed(project).await?;
        let InForce { rules, adopted } = in_force(project).await?;
        let said = build_ledger(&said(project, &set, &rules)?).or_kind(Kind::Fail)?;
        let found = pick(&said, args.request.as_deref(), &ready);
        let found = found.map(|found| (found.request, found.network));
        let several = if args.request.is_none() { said.only_network(&ready) } else { None };
        let (found, id) = match (found, several) {
            (Ok((request, id)), _) => (Ok(request), id),
            (Err(error), Some(id)) => (Err(error), id),
            (Err(error), None) => return Err(error),
        };
        let name = network_name(project, id)?;
        let network = project.connect(&name).await?;
        if network.id() != id {
            let what = format!("the request is for another chain than {name}: genesis differs");
            return Err(AppError::new(Kind::Fail, what));
        }
        let head = network.latest_head().await?;
        let facts = facts(project, &set, &rules, (&name, &network), head).await?;
        let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
        let request = match found {
            Ok(request) => request,
            Err(error) => ledger.pick(None, left).map_err(|_| error)?.request,
        };
        Ok(Self { name, network, rules, adopted, ledger, request })
    }

    fn request(&self) -> AppResult<&RequestView> {
        let missing = || AppError::new(Kind::Fail, "the request is not in the books");
        self.ledger.request(self.request).ok_or_else(missing)
    }

    /// The treasury of the network, by the rules in force.
    fn treasury(&self) -> AppResult<Address> {
        self.rules.treasuries.get(&self.network.id()).copied().ok_or_else(|| {
            AppError::config(format!("{} has no treasury in the policy in force", self.name))
                .hint("name it under [funds] and have the Safe adopt it: `tidegate policy adopt`")
        })
    }

    /// Shows on what a transfer rests: the request, who decided, the treasury and the policy.
    fn show(&self, project: &Context, found: &RequestView) -> AppResult {
        let ui = &project.ui;
        let called = |key: Address| {
            let person = self.rules.people.iter().find(|(_, person)| person.holds(key));
            format!("{}, {key}", person.map_or("a stranger", |(name, _)| name.as_str()))
        };
        let approvers: BTreeSet<_> = found.approvals.iter().map(|(_, by)| called(*by)).collect();
        let approvers: Vec<_> = approvers.into_iter().collect();
        ui.row("request", &found.request.to_string());
        ui.row("asked by", &called(found.requester));
        ui.row("reason", &found.reason);
        ui.row("amount", &format!("{} ETH", format_amount(found.amount, 18)));
        ui.row("to", &called(found.destination));
        ui.row("approved by", &approvers.join("; "));
        ui.row("treasury", &self.treasury()?.to_string());
        for policy in &self.adopted {
            ui.row("policy", policy);
        }
        if self.adopted.is_empty() {
            ui.row("policy", "none: no Safe has adopted one");
        }
        Ok(())
    }

    /// Who sent the draws of a request.
    async fn senders(&self, found: &RequestView) -> AppResult<Vec<Address>> {
        let mut senders = Vec::new();
        for draw in &found.draws {
            senders.extend(self.network.transaction(*draw).await?.map(|sent| sent.from));
        }
        Ok(senders)
    }

    /// The next transfer's step in the journal; `done` are those of its kind that are stated.
    fn op(&self, kind: &str, done: &[B256]) -> String {
        format!("{kind}/{}/{}", self.request, done.len())
    }

    fn intent(&self, kind: &str, done: &[B256], to: Address, value: U256) -> Intent {
        Intent { op: self.op(kind, done), to, value, data: Bytes::new(), alike: None }
    }

    /// Whether the next return was sent and its statement is still missing.
    async fn unstated(
        &self,
        project: &Context,
        signer: &LazySigner,
        done: &[B256],
    ) -> AppResult<bool> {
        let lane = tidegate_app::sending::open_lane(project, &self.network, signer).await?;
        Ok(lane.state().landed(&self.op("return", done)).is_some())
    }

    /// Every transaction that a draw or return in the books names.
    fn stated(&self) -> BTreeSet<B256> {
        let transfers = self.ledger.requests.iter().flat_map(|view| [&view.draws, &view.returns]);
        transfers.flatten().copied().collect()
    }

    /// Sends it unless it was sent before, then signs the statement that names its transaction.
    async fn make(
        &self,
        project: &Context,
        signer: &LazySigner,
        intent: &Intent,
        body: fn(FundTransfer) -> Body,
    ) -> AppResult<u8> {
        let about = about(project)?;
        // Read before anything is sent.
        now(project, &about).await?;
        let transaction = self.transaction(project, signer, intent).await?;
        let ui = &project.ui;
        if self.stated().contains(&transaction) {
            ui.line(format!("It was sent before: {transaction}"));
            ui.result(&json!({ "transaction": transaction, "digest": null }));
            return Ok(0);
        }
        // The amount is what the chain says, as an earlier run may have sent another.
        let sent = self.network.transaction(transaction).await?.ok_or_else(|| {
            AppError::new(Kind::Chain, format!("{transaction} is not on {}", self.name))
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
        tidegate_app::saying::show(project, signer, &statement)?;
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
        project: &Context,
        signer: &LazySigner,
        intent: &Intent,
    ) -> AppResult<B256> {
        let lane = tidegate_app::sending::open_lane(project, &self.network, signer).await?;
        let landed = lane.state().landed(&intent.op);
        if let Some((attempt, _)) = landed.filter(|(_, inclusion)| inclusion.success) {
            return Ok(attempt.hash);
        }
        let journal_is_new = lane.state().attempts.is_empty();
        drop(lane);
        if journal_is_new {
            let found = find_sent(&self.network, signer.address(), intent, &self.stated()).await?;
            if let Some(transaction) = found {
                project.ui.note("it is on the chain already; its statement is missing");
                return Ok(transaction);
            }
        }
        let mut options = Vec::new();
        if intent.op.starts_with("return/") {
            options = vec!["--amount".to_owned(), intent.value.to_string()];
        }
        let landed = send(project, &self.name, &self.network, signer, intent, options).await?;
        Ok(landed.hash)
    }
}

fn treasury(project: &Context, key: &str, expected: Address) -> AppResult<LazySigner> {
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    if signer.address() == expected {
        return Ok(signer);
    }
    Err(AppError::new(Kind::Keys, format!("key `{key}` is {}, not {expected}", signer.address()))
        .hint("name the right key with --as KEY"))
}

fn network_name(project: &Context, id: NetworkId) -> AppResult<String> {
    project.name_of(id).map(str::to_owned).ok_or_else(|| {
        AppError::config(format!("no network of tidegate.toml has chain id {}", id.chain))
    })
}

/// The request that is named by its whole digest, or the only one that is ready: no beginning of a
/// digest moves money.
fn pick<'a>(
    ledger: &'a Ledger,
    named: Option<&str>,
    ready: impl Fn(&RequestView) -> bool,
) -> AppResult<&'a RequestView> {
    let wanted = named.map(whole).transpose()?.map(StatementDigest);
    ledger.pick(wanted, ready).map_err(|error| {
        let of = |why: &&String| wanted.is_some_and(|digest| why.contains(&digest.to_string()));
        let why = ledger.ignored.iter().find(of);
        let error = AppError::usage(error.to_string());
        let error = why.into_iter().fold(error, |error, why| error.hint(why));
        error.hint("`tidegate ledger show` lists requests")
    })
}
