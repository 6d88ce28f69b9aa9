//! `tidegate promote`.

use clap::Args;
use tidegate_app::assess::Assessment;
use tidegate_app::error::{AppResult, Kind, OrKind};
use tidegate_app::promote::{Frozen, Urgent, evaluate};
use tidegate_app::release::select;
use tidegate_app::relied;
use tidegate_app::view::PromoteView;
use tidegate_model::units::{counted, format_utc, parse_span_secs};
use tidegate_plan::config::Stage;

use crate::commands;
use crate::context::Context;
use crate::exit;

/// Check every gate and propose the release to the target's Safe
///
/// Writes a proposal file that each owner checks and signs independently. If the gates do not pass,
/// nothing is proposed and the exit code is the verdict. A release that passes through waivers is
/// proposed, with exit code 10.
#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// The target network; default: the only mainnet network
    #[arg(long)]
    target: Option<String>,
    /// The release; default: the release that the working tree builds
    release: Option<String>,
    /// Propose an urgent fix under this incident number or name. Guardians may shorten its soak;
    /// the rest of the soak, audits and a post-mortem are due afterwards
    #[arg(long, value_name = "INCIDENT")]
    emergency: Option<String>,
    /// The soak required in an emergency, at least 24h
    #[arg(long, value_name = "SPAN", default_value = "24h", requires = "emergency")]
    min_soak: String,
}

pub(crate) async fn run(project: &Context, args: &PromoteArgs) -> AppResult<u8> {
    relied::require(project).await?;
    let built = select(project, args.release.as_deref())?;
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    let urgent = match &args.emergency {
        Some(incident) => Some(Urgent {
            incident: incident.clone(),
            min_soak_secs: parse_span_secs(&args.min_soak).or_kind(Kind::Usage)?,
        }),
        None => None,
    };
    let candidate = evaluate(project, &built, &target, urgent.as_ref()).await?;
    let (ui, assessment) = (&project.ui, candidate.assessment());
    ui.line(format!("Promote {} to {target}", built.release.name));
    commands::status::gates(project, &built, assessment);
    let exit = exit::of(&assessment.overall);
    if !assessment.overall.allows() {
        ui.line("");
        ui.line(format!("{} not proposed", ui.verdict(assessment.overall.word())));
        ui.result(&PromoteView::of(&candidate, None));
        return Ok(exit);
    }
    let frozen = candidate.freeze().await?;
    show(project, assessment, &frozen);
    let simulated = frozen.simulate().await?;
    ui.row("gas", &format!("{} in local execution", simulated.gas()));
    let proposed = simulated.write()?;
    ui.line("");
    let hash = proposed.checked.hash();
    ui.row("proposal", &hash.to_string());
    ui.row("file", &proposed.file.display().to_string());
    if candidate.terms().is_some() {
        ui.note(format!(
            "commit the file; guardians sign it, `tidegate record emergency {hash}`, one of them \
             with --post an hour before the owners",
        ));
    }
    ui.note(format!("commit the file; each owner runs `tidegate proposal sign {hash}`"));
    ui.result(&PromoteView::of(&candidate, Some(&proposed)));
    Ok(exit)
}

/// What would be proposed, before its batch is tried and anything is written.
fn show(project: &Context, assessment: &Assessment, frozen: &Frozen<'_>) {
    let ui = &project.ui;
    ui.row("controls", &format!("{}, all refused", counted(frozen.controls(), "damaged input")));
    ui.line("");
    ui.line("Differs from the testnet:");
    commands::status::differences(project, assessment);
    ui.line("");
    ui.line(format!("{} in one Safe transaction", counted(frozen.calls(), "call")));
    ui.row("valid until", &format_utc(frozen.valid_until()));
}
