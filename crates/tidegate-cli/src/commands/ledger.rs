//! `tidegate ledger`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::fund_rules::to_show;
use tidegate_app::funds::facts;
use tidegate_app::statements;
use tidegate_ledger::{
    Facts, Format, Ledger, RequestView, Row, build_ledger, export, funds_report, reconcile,
};
use tidegate_model::units::{format_date, format_utc};
use tidegate_plan::config::Stage;
use tidegate_store::write_atomic;

use crate::context::Context;

/// Show, reconcile and export the ledger of test funds
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Show requests and entries
    Show(NetworkArgs),
    /// Compare the books with the chain, to the wei
    Reconcile(ReconcileArgs),
    /// Write the books in a format that others read
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NetworkArgs {
    /// The network; default: the only one under [funds], or the only testnet
    network: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    network: NetworkArgs,
    /// Exit 1 on any residue or violation
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    network: NetworkArgs,
    /// The format
    #[arg(long, value_enum, default_value_t = ExportFormat::Hledger)]
    format: ExportFormat,
    /// The file; default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ExportFormat {
    /// One journal for hledger and Ledger
    Hledger,
    /// Beancount
    Beancount,
    /// One row a posting
    Csv,
}

pub(crate) async fn run(project: &Context, command: &LedgerCommand) -> AppResult<u8> {
    match command {
        LedgerCommand::Show(args) => show(project, args).await,
        LedgerCommand::Reconcile(args) => reconcile_books(project, args).await,
        LedgerCommand::Export(args) => write(project, args).await,
    }
}

async fn books(project: &Context, args: &NetworkArgs) -> AppResult<(String, Facts, Ledger)> {
    let name = network(project, args)?;
    let network = project.connect(&name).await?;
    let set = statements::load_confirmed(project).await?;
    let head = network.finalized_head().await?;
    let (rules, unknown) = to_show(project).await;
    let mut facts = facts(project, &set, &rules, (&name, &network), head).await?;
    if let Some(why) = unknown {
        project.ui.warn(&why);
        facts.networks.iter_mut().for_each(|network| network.unread.push(why.clone()));
    }
    let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
    Ok((name, facts, ledger))
}

fn network(project: &Context, args: &NetworkArgs) -> AppResult<String> {
    let mut funded = project.config.funds.keys();
    match (&args.network, funded.next(), funded.next()) {
        (Some(name), ..) => project.network(name).map(|_| name.clone()),
        (None, Some(only), None) => Ok(only.clone()),
        _ => project.network_of(None, Stage::Testnet),
    }
}

async fn show(project: &Context, args: &NetworkArgs) -> AppResult<u8> {
    let (name, _, ledger) = books(project, args).await?;
    let ui = &project.ui;
    ui.line(format!("Test funds on {name}"));
    for request in &ledger.requests {
        let state = serde_json::to_value(request.state)?;
        let state = state.as_str().map_or_else(
            || state.as_object().and_then(|s| s.keys().next().cloned()).unwrap_or_default(),
            str::to_owned,
        );
        let eth = |wei| tidegate_model::units::format_amount(wei, 18);
        ui.line(format!(
            "  {}  {state:<9} asked {} drawn {} spent {} returned {}",
            request.request,
            eth(request.amount),
            eth(request.drawn),
            eth(request.spent),
            eth(request.returned)
        ));
        ui.line(format!("    {}", request.reason));
    }
    for entry in &ledger.entries {
        ui.line(format!("{}  {}", format_date(entry.timestamp), entry.description));
        for posting in &entry.postings {
            let amount = posting.amount.to_string();
            ui.line(format!("    {amount:>28} {}  {}", posting.commodity, posting.account));
        }
    }
    ui.result(&json!({ "network": name, "requests": ledger.requests.iter().map(request_json).collect::<Vec<_>>() }));
    Ok(0)
}

async fn reconcile_books(project: &Context, args: &ReconcileArgs) -> AppResult<u8> {
    let (name, facts, ledger) = books(project, &args.network).await?;
    let rows = reconcile(&ledger, &facts).or_kind(Kind::Fail)?;
    let report = funds_report(&ledger, &facts).or_kind(Kind::Fail)?;
    let ui = &project.ui;
    for network in &facts.networks {
        let head = network.finalized;
        ui.line(format!(
            "{name} at finalized block {}, {}",
            head.block.number,
            format_utc(head.timestamp)
        ));
    }
    for row in &rows {
        let word = if row.residue.is_zero() { "PASS" } else { "FAIL" };
        ui.line(format!("{} {}", ui.verdict(word), row.account));
        for (label, amount) in [
            ("opening", row.opening),
            ("in", row.inflow),
            ("out", row.outflow),
            ("fees", row.fees),
            ("closing", row.closing),
            ("on the chain", row.chain_closing),
            ("residue", row.residue),
        ] {
            let amount = amount.to_string();
            ui.line(format!("        {label:<13} {amount:>30} wei"));
        }
        if let Some(why) = &row.explanation {
            ui.row("", why);
        }
    }
    for income in &report.incomes {
        ui.row("unasked", &income.to_string());
    }
    for lent in &report.unwatched {
        ui.row("lent", lent);
    }
    for given in &report.lent_code {
        ui.row("code", given);
    }
    let faults: Vec<_> = report.violations.iter().map(ToString::to_string).collect();
    for fault in faults.iter().chain(&report.unread) {
        ui.row("", fault);
    }
    let clean = report.residues.is_empty() && faults.is_empty();
    ui.line(if clean { "The books agree with the chain to the wei." } else { "They disagree." });
    ui.result(&json!({ "network": name,
        "rows": rows.iter().map(row_json).collect::<Vec<_>>(), "violations": faults,
        "unread": report.unread, "agree": clean && report.unread.is_empty() }));
    let unread = !report.unread.is_empty();
    Ok(match (args.check, clean, unread) {
        (false, ..) | (true, true, false) => 0,
        (true, false, _) => crate::exit::code(Kind::Fail),
        (true, true, true) => 30,
    })
}

/// Amounts are decimal digits in strings, exact at any size.
fn row_json(row: &Row) -> Value {
    json!({
        "chain": row.chain, "wallet": row.wallet, "account": row.account.to_string(),
        "opening": row.opening.to_string(), "in": row.inflow.to_string(),
        "out": row.outflow.to_string(), "fees": row.fees.to_string(),
        "closing": row.closing.to_string(), "chainClosing": row.chain_closing.to_string(),
        "residue": row.residue.to_string(), "missingNonces": row.nonces,
        "explanation": row.explanation,
    })
}

fn request_json(request: &RequestView) -> Value {
    json!({
        "request": request.request, "requester": request.requester,
        "network": request.network, "destination": request.destination,
        "release": request.release, "reason": request.reason, "state": request.state,
        "submittedAt": request.submitted_at, "amount": request.amount.to_string(),
        "drawn": request.drawn.to_string(), "spent": request.spent.to_string(),
        "returned": request.returned.to_string(), "rest": request.rest.to_string(),
        "encumbered": request.encumbered.to_string(),
    })
}

async fn write(project: &Context, args: &ExportArgs) -> AppResult<u8> {
    let (_, _, ledger) = books(project, &args.network).await?;
    let format = match args.format {
        ExportFormat::Hledger => Format::Journal,
        ExportFormat::Beancount => Format::Beancount,
        ExportFormat::Csv => Format::Csv,
    };
    let text = export(&ledger, format).map_err(|error| AppError::new(Kind::Fail, error))?;
    match &args.out {
        Some(path) => {
            write_atomic(path, text.as_bytes())?;
            project.ui.note(format!("wrote {}", path.display()));
        }
        None if !project.ui.json => project.ui.raw(&text),
        None => {}
    }
    project.ui.result(&json!({ "file": args.out, "text": text }));
    Ok(0)
}
