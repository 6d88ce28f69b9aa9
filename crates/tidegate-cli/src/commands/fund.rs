//! `tidegate fund`: request, approve, draw and return test funds.

use alloy_primitives::{Address, U256};
use clap::{Args, Subcommand};
use tidegate_app::drafts::{self, AskRequest, DecideRequest};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::fund_transfers::{self, Direction, Payer, TransferRequest, TransferView};
use tidegate_app::relied;
use tidegate_model::address::parse_address;
use tidegate_model::ports::DigestSigner;
use tidegate_model::units::{format_amount, parse_uint};
use tidegate_plan::config::Stage;

use crate::context::Context;
use crate::signer::{LazySigner, named, signer};

/// Request, approve, draw and return test funds
#[derive(Debug, Subcommand)]
pub(crate) enum FundCommand {
    /// Request test funds
    Request(RequestArgs),
    /// Approve somebody else's request
    Approve(DecideArgs),
    /// Deny somebody else's request
    Deny(DecideArgs),
    /// Send an approved amount from the treasury
    Draw(TransferArgs),
    /// Send unspent funds back to the treasury
    Return(TransferArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// The amount, such as "0.5 ether" or, in wei, "2e17"
    amount: String,
    /// The reason, for the record
    #[arg(long)]
    reason: String,
    /// The address that receives the funds; default: the network's deployer
    #[arg(long, value_parser = parse_address)]
    to: Option<Address>,
    /// The network; default: the only testnet
    #[arg(long)]
    network: Option<String>,
    /// The funds are for no particular release
    #[arg(long)]
    no_release: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The request's digest; default: the only request by people in the policy
    request: Option<String>,
    /// The reason, for the record
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// The request's digest; default: the only approved request
    request: Option<String>,
    /// The amount; default: all that is approved, or all that can be returned
    #[arg(long)]
    amount: Option<String>,
}

pub(crate) async fn run(project: &Context, command: &FundCommand) -> AppResult<u8> {
    relied::require(project).await?;
    match command {
        FundCommand::Request(args) => request(project, args).await,
        FundCommand::Approve(args) => decide(project, args, true).await,
        FundCommand::Deny(args) => decide(project, args, false).await,
        FundCommand::Draw(args) => transfer(project, args, Direction::Draw).await,
        FundCommand::Return(args) => transfer(project, args, Direction::Return).await,
    }?;
    Ok(0)
}

async fn request(project: &Context, args: &RequestArgs) -> AppResult {
    let network = project.network_of(args.network.as_deref(), Stage::Testnet)?;
    let deployer = project.network(&network)?.deployer.as_deref();
    let signer = signer(project, deployer)?;
    let destination = match (args.to, deployer) {
        (Some(address), _) => address,
        (None, Some(deployer)) => {
            LazySigner::new(&project.ui, &project.env, &project.global, deployer)?.address()
        }
        (None, None) => {
            return Err(AppError::usage("name the address that receives the funds with --to"));
        }
    };
    let ask = AskRequest {
        network,
        destination,
        amount: parse_uint(&args.amount).or_kind(Kind::Usage)?,
        reason: args.reason.clone(),
        for_release: !args.no_release,
    };
    let draft = drafts::ask(project, &signer, ask).await?;
    let digest = draft.digest()?;
    draft.sign(project, &signer).await?;
    project.ui.note(format!("a treasurer approves it: `tidegate fund approve {digest}`"));
    Ok(())
}

async fn decide(project: &Context, args: &DecideArgs, approve: bool) -> AppResult {
    let (request, reason) = (args.request.clone(), args.reason.clone());
    let asked = drafts::asked(project, DecideRequest { request, approve, reason }).await?;
    let signer = signer(project, None)?;
    let draft = asked.decide(project, &signer).await?;
    let (ui, shown) = (&project.ui, draft.shown().clone());
    let (request, amount, to) = (shown.request, eth(shown.amount), shown.destination);
    let (by, holder, on) = (shown.asked_by, shown.holder, shown.network);
    ui.line(format!("Request {request} by {by}: {amount} ETH to {holder}, {to}"));
    ui.line(format!("  on {on} (chain {})", shown.id.chain));
    ui.line(format!("  {}", shown.reason));
    draft.sign(project, &signer).await?;
    if approve {
        ui.note(format!("the treasury sends it: `tidegate fund draw {request}`"));
    }
    Ok(())
}

async fn transfer(project: &Context, args: &TransferArgs, direction: Direction) -> AppResult {
    let amount = args.amount.as_deref().map(parse_uint).transpose().or_kind(Kind::Usage)?;
    let request = TransferRequest { direction, request: args.request.clone(), amount };
    let transfer = fund_transfers::open(project, &request).await?;
    let name = named(&project.global, transfer.key(project)?)?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, name)?;
    let (ui, payer) = (&project.ui, Payer { name, signer: &signer });
    let Some(frozen) = transfer.freeze(project, &payer).await? else {
        ui.line("Nothing is left to draw under this approval.");
        ui.result(&TransferView { amount: Some(U256::ZERO), ..TransferView::default() });
        return Ok(());
    };
    for (label, text) in frozen.rows()? {
        ui.row(label, &text);
    }
    let view = frozen.run(project, &payer).await?;
    let transaction = view.transaction.map_or_else(String::new, |hash| hash.to_string());
    match (view.amount, view.digest) {
        (Some(amount), Some(digest)) => {
            ui.line(format!("{} ETH to {}", eth(amount), view.to));
            ui.row("transaction", &transaction);
            ui.row("statement", &format!("deployments/statements/{digest}.json"));
        }
        _ => ui.line(format!("It was sent before: {transaction}")),
    }
    ui.result(&view);
    Ok(())
}

fn eth(amount: U256) -> String {
    format_amount(amount, 18)
}
