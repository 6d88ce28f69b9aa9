//! `tidegate policy check`: gates that prove they can fail.

use serde_json::json;
use tidegate_app::assess::assess;
use tidegate_app::controls::{Controls, counts};
use tidegate_app::error::AppResult;
use tidegate_app::release::built;
use tidegate_gates::controls::Control;
use tidegate_model::units::counted;
use tidegate_model::{GateId, Reason, ReasonCode, Verdict};
use tidegate_plan::config::Stage;

use super::policy::TargetArgs;
use crate::context::Context;

pub(crate) async fn run(project: &Context, args: &TargetArgs) -> AppResult<u8> {
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    let built = built(project, None)?;
    let assessment = assess(project, &built, &target).await?;
    let ui = &project.ui;
    let controls = Controls::of(&project.rules, &assessment.facts);
    ui.line("Each gate, given inputs that are damaged in one place:");
    for gate in GateId::ALL {
        show(project, gate, &controls.made);
    }
    ui.line("");
    ui.line(format!("The inputs of {}, damaged likewise:", built.release.name));
    let (tried, nothing) = counts(&controls.on_release);
    ui.row("", &format!("{} tried; {nothing} had nothing to damage", counted(tried, "damage")));
    let through = controls.let_through();
    for control in &through {
        ui.row("", control);
    }
    ui.line("");
    let verdict = if through.is_empty() {
        ui.line(format!("{} every gate refuses what it should", ui.verdict("PASS")));
        Verdict::Pass
    } else {
        ui.line(format!("{} a gate lets damaged inputs through", ui.verdict("FAIL")));
        let reasons = through.into_iter();
        let code = ReasonCode::DamageLetThrough;
        Verdict::Fail { reasons: reasons.map(|text| Reason::new(code, text)).collect() }
    };
    ui.result(&json!({
        "target": target, "overall": verdict,
        "controls": controls.made, "onRelease": controls.on_release,
    }));
    Ok(verdict.exit_code())
}

fn show(project: &Context, gate: GateId, controls: &[Control]) {
    let of_gate: Vec<_> = controls.iter().filter(|control| control.gate == gate).collect();
    let asked: Vec<_> = of_gate.iter().filter(|control| control.verdict.is_some()).collect();
    let refused = asked.iter().filter(|control| !control.let_through()).count();
    project.ui.row(gate.name(), &format!("{refused} of {} refused", asked.len()));
    let moot = of_gate.iter().filter(|control| control.verdict.is_none());
    let moot: Vec<_> = moot.map(|control| control.name).collect();
    if !moot.is_empty() {
        project.ui.row("", &format!("not asked for by this policy: {}", moot.join(", ")));
    }
}
