//! `tidegate policy check`: gates that prove they can fail.

use tidegate_app::assess::assess;
use tidegate_app::controls::{Controls, ControlsView, GateControls, counts};
use tidegate_app::error::AppResult;
use tidegate_app::release::select;
use tidegate_model::Verdict;
use tidegate_model::units::counted;
use tidegate_plan::config::Stage;

use super::policy::TargetArgs;
use crate::context::Context;
use crate::exit;

pub(crate) async fn run(project: &Context, args: &TargetArgs) -> AppResult<u8> {
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    let built = select(project, None)?;
    let assessment = assess(project, &built, &target).await?;
    let ui = &project.ui;
    let controls = Controls::of(&project.rules, &assessment.facts);
    ui.line("Each gate, given inputs that are damaged in one place:");
    for GateControls { gate, tried, refused, moot } in controls.by_gate() {
        ui.row(gate.name(), &format!("{refused} of {tried} refused"));
        if !moot.is_empty() {
            ui.row("", &format!("not required by this policy: {}", moot.join(", ")));
        }
    }
    ui.line("");
    ui.line(format!("The inputs of {}, damaged likewise:", built.release.name));
    let (tried, nothing) = counts(&controls.on_release);
    ui.row("", &format!("{} tried; {nothing} had nothing to damage", counted(tried, "damage")));
    controls.let_through().iter().for_each(|control| ui.row("", control));
    ui.line("");
    let verdict = controls.verdict();
    let says = match verdict {
        Verdict::Pass => "every gate refuses what it should",
        _ => "a gate accepts damaged inputs",
    };
    ui.line(format!("{} {says}", ui.verdict(verdict.word())));
    let exit = exit::of(&verdict);
    let Controls { made: controls, on_release } = controls;
    ui.result(&ControlsView { target, overall: verdict, controls, on_release });
    Ok(exit)
}
