//! `tidegate verify`.

use clap::Args;
use serde_json::json;
use tidegate_plan::config::Stage;

use crate::assess::verify_testnet;
use crate::error::CliResult;
use crate::project::Project;
use crate::promotion::verify_target;
use crate::release::built;

/// Compare what stands on a network with what the sources give
///
/// Expected code comes from running the constructors locally, never from the chain or from an
/// explorer. Exits with the verdict.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The network; default: the only testnet
    network: Option<String>,
    /// The release; default: what the working tree builds
    #[arg(long)]
    release: Option<String>,
}

pub(crate) async fn run(project: &Project, args: &VerifyArgs) -> CliResult<u8> {
    let built = built(project, args.release.as_deref())?;
    let name = match &args.network {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Testnet)?,
    };
    let report = match project.network(&name)?.stage {
        Stage::Testnet => verify_testnet(project, &built, &name).await?,
        Stage::Mainnet => verify_target(project, &built, &name).await?,
    };
    let ui = &project.ui;
    ui.line(format!("{} on {name}", built.release.name));
    for row in &report.rows {
        let word = if row.found == row.expected { "PASS" } else { "FAIL" };
        ui.line(format!("{} {:<24} {}", ui.verdict(word), row.name, row.address));
        if row.found != row.expected {
            ui.line(format!("        expected {}", row.expected));
            ui.line(format!("        found    {}", row.found));
        }
    }
    for reason in report.verdict.reasons() {
        ui.row("", &reason);
    }
    ui.line(format!("{} at block {}", ui.verdict(report.verdict.word()), report.block.number));
    ui.result(&json!({
        "network": name, "releaseRoot": built.roots.release_root, "block": report.block,
        "result": report.verdict,
        "contracts": report.rows.iter().map(|row| json!({
            "name": row.name, "address": row.address,
            "expected": row.expected, "found": row.found,
        })).collect::<Vec<_>>(),
    }));
    Ok(report.verdict.exit_code())
}
