//! `tidegate ledger`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tidegate_app::books::{self, Books, Format};
use tidegate_app::error::{AppResult, Kind};
use tidegate_model::units::{format_amount, format_date, format_utc};

use crate::context::Context;
use crate::options::path;

/// Show, reconcile and export the ledger of test funds
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Show requests and entries
    Show(NetworkArgs),
    /// Compare the books with the chain, to the wei
    Reconcile(ReconcileArgs),
    /// Export the books for accounting tools
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
    /// Exit with 1 on any unexplained difference or violation
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
    #[arg(long, value_name = "FILE", value_parser = path)]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ExportFormat {
    /// One journal for hledger and Ledger
    Hledger,
    /// Beancount
    Beancount,
    /// One row per posting
    Csv,
}

pub(crate) async fn run(project: &Context, command: &LedgerCommand) -> AppResult<u8> {
    let (LedgerCommand::Show(network)
    | LedgerCommand::Reconcile(ReconcileArgs { network, .. })
    | LedgerCommand::Export(ExportArgs { network, .. })) = command;
    let books = books::read(project, network.network.as_deref()).await?;
    match command {
        LedgerCommand::Show(_) => {
            show(project, &books);
            Ok(0)
        }
        LedgerCommand::Reconcile(args) => reconcile(project, args, &books),
        LedgerCommand::Export(args) => write(project, args, &books),
    }
}

fn show(project: &Context, books: &Books) {
    let (ui, view) = (&project.ui, books.requests());
    ui.line(format!("Test funds on {}", view.network));
    for request in &view.requests {
        let eth = |wei| format_amount(wei, 18);
        ui.line(format!(
            "  {}  {:<9} asked {} drawn {} spent {} returned {}",
            request.request,
            request.word(),
            eth(request.amount),
            eth(request.drawn),
            eth(request.spent),
            eth(request.returned)
        ));
        ui.line(format!("    {}", request.reason));
    }
    for entry in books.entries() {
        ui.line(format!("{}  {}", format_date(entry.timestamp), entry.description));
        for posting in &entry.postings {
            let amount = posting.amount.to_string();
            ui.line(format!("    {amount:>28} {}  {}", posting.commodity, posting.account));
        }
    }
    ui.result(&view);
}

fn reconcile(project: &Context, args: &ReconcileArgs, books: &Books) -> AppResult<u8> {
    let (ui, view) = (&project.ui, books.reconcile()?);
    for head in &view.heads {
        let (name, number, time) = (&view.network, head.block.number, format_utc(head.timestamp));
        ui.line(format!("{name} at finalized block {number}, {time}"));
    }
    for row in &view.rows {
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
    for (label, lines) in [
        ("unasked", &view.incomes),
        ("lent", &view.unwatched),
        ("code", &view.lent_code),
        ("", &view.violations),
        ("", &view.unread),
    ] {
        lines.iter().for_each(|line| ui.row(label, line));
    }
    let agrees = "The books agree with the chain to the wei.";
    ui.line(if view.is_clean { agrees } else { "They disagree." });
    ui.result(&view);
    Ok(match (args.check, view.is_clean, view.agree) {
        (false, ..) | (true, _, true) => 0,
        (true, false, _) => crate::exit::code(Kind::Fail),
        (true, true, false) => crate::exit::code(Kind::Unknown),
    })
}

fn write(project: &Context, args: &ExportArgs, books: &Books) -> AppResult<u8> {
    let format = match args.format {
        ExportFormat::Hledger => Format::Journal,
        ExportFormat::Beancount => Format::Beancount,
        ExportFormat::Csv => Format::Csv,
    };
    let view = books.export(format, args.out.as_deref())?;
    match &view.file {
        Some(path) => project.ui.note(format!("wrote {}", path.display())),
        None if !project.ui.json => project.ui.raw(&view.text),
        None => {}
    }
    project.ui.result(&view);
    Ok(0)
}
