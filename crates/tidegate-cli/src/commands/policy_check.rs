//! `tidegate policy check`: gates that prove they can fail.

use serde_json::json;
use tidegate_gates::controls::{Control, controls, controls_on};
use tidegate_gates::{Facts, PolicyRules};
use tidegate_model::units::counted;
use tidegate_model::{GateId, Reason, ReasonCode, Verdict};
use tidegate_plan::config::Stage;

use super::policy::TargetArgs;
use crate::assess::assess;
use crate::error::{CliError, CliResult, Kind};
use crate::project::Project;
use crate::release::built;

pub(crate) async fn run(project: &Project, args: &TargetArgs) -> CliResult<u8> {
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    let built = built(project, None)?;
    let assessment = assess(project, &built, &target).await?;
    let ui = &project.ui;
    let made = controls(&project.rules);
    let gathered = controls_on(&project.rules, &assessment.facts);
    ui.line("Each gate, given inputs that are damaged in one place:");
    for gate in GateId::ALL {
        show(project, gate, &made);
    }
    ui.line("");
    ui.line(format!("The inputs of {}, damaged likewise:", built.release.name));
    let (tried, nothing) = counts(&gathered);
    ui.row("", &format!("{} tried; {nothing} had nothing to damage", counted(tried, "damage")));
    let through = let_through(made.iter().chain(&gathered));
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
        "target": target, "overall": verdict, "controls": made, "onRelease": gathered,
    }));
    Ok(verdict.exit_code())
}

fn show(project: &Project, gate: GateId, controls: &[Control]) {
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

fn counts(controls: &[Control]) -> (usize, usize) {
    let tried = controls.iter().filter(|control| control.verdict.is_some()).count();
    (tried, controls.len() - tried)
}

fn let_through<'a>(controls: impl Iterator<Item = &'a Control>) -> Vec<String> {
    let through = controls.filter(|control| control.let_through());
    through.map(|c| format!("gate {} lets through: {}", c.gate.name(), c.name)).collect()
}

/// Refuses to go on where a gate does not refuse what it should: its PASS would mean nothing.
pub(crate) fn require_controls(project: &Project, rules: &PolicyRules, facts: &Facts) -> CliResult {
    let (made, gathered) = (controls(rules), controls_on(rules, facts));
    if let Some(first) = let_through(made.iter().chain(&gathered)).first() {
        return Err(CliError::new(Kind::Fail, first.clone())
            .hint("`tidegate policy check` shows every damage and what became of it"));
    }
    let tried = counts(&made).0 + counts(&gathered).0;
    project.ui.row("controls", &format!("{tried} damaged inputs, all refused"));
    Ok(())
}
