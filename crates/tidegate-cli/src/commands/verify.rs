//! `tidegate verify`.

use clap::Args;
use tidegate_app::error::AppResult;
use tidegate_app::release::{select_for_testnet, select_standing};
use tidegate_app::sampling;
use tidegate_app::view::{ContractView, VerifyView};
use tidegate_plan::config::Stage;

use crate::context::Context;
use crate::exit;
use crate::signer::signer;
use crate::text::{COLUMNS, wrap};

/// The columns in front of a finding.
const FINDING_COLUMNS: usize = 10;

/// Compare the code on a network with what the sources compile to
///
/// Expected code is computed by running the constructors locally; it is never taken from the chain
/// or from an explorer. The exit code is the verdict.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The network; default: the only testnet
    network: Option<String>,
    /// The release; default: the release that the working tree builds
    #[arg(long)]
    release: Option<String>,
    /// On a testnet, sign a sample of the soak with the key of --as
    #[arg(long)]
    sample: bool,
}

pub(crate) async fn run(project: &Context, args: &VerifyArgs) -> AppResult<u8> {
    let built = match args.release.as_deref() {
        None => select_standing(project, None)?,
        wanted => select_for_testnet(project, wanted)?,
    };
    let name = match &args.network {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Testnet)?,
    };
    let view = VerifyView::read(project, &built, &name).await?;
    let ui = &project.ui;
    ui.line(format!("{} on {name}", view.release));
    view.contracts.iter().for_each(|row| show(project, row));
    view.further.iter().for_each(|reason| ui.row("", reason));
    ui.line(format!("{} at block {}", ui.verdict(view.result.word()), view.block.number));
    ui.result(&view);
    if args.sample {
        let signer = signer(project, None)?;
        let sample = sampling::store_on(project, &built, &name, &signer).await?;
        super::status::noted(project, sample);
    }
    Ok(exit::of(&view.result))
}

/// One contract, and where it differs.
fn show(project: &Context, row: &ContractView) {
    let ui = &project.ui;
    let same = row.expected == Some(row.found);
    let word = if same { "PASS" } else { "FAIL" };
    ui.line(format!("{} {:<24} {}", ui.verdict(word), row.name, row.address));
    if let Some(behind) = &row.behind {
        ui.line(format!("        behind it now: {} ({})", behind.target, behind.kind.name()));
        if let Some(admin) = behind.admin {
            ui.line(format!("        its admin:     {admin}"));
        }
    }
    if same {
        return;
    }
    for finding in row.matched.findings() {
        for (index, part) in wrap(&finding, COLUMNS - FINDING_COLUMNS).iter().enumerate() {
            let bullet = if index == 0 { "-" } else { " " };
            ui.line(format!("        {bullet} {part}"));
        }
    }
    match row.expected {
        Some(hash) => ui.line(format!("        expected {hash}")),
        None => ui.line("        expected none: local execution does not create it"),
    }
    ui.line(format!("        found    {}", row.found));
}
