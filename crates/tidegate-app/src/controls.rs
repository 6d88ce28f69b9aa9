//! Gates that prove that they can fail: each is given inputs that are damaged in one place.

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_gates::controls::{Control, controls, controls_on};
use tidegate_gates::{Facts, PolicyRules};
use tidegate_model::{GateId, Reason, ReasonCode, Verdict};

use crate::error::{AppError, AppResult, Kind};

/// The result of every damage.
#[derive(Debug)]
pub struct Controls {
    /// On a made-up release that passes under the project's rules.
    pub made: Vec<Control>,
    /// On the release that is judged.
    pub on_release: Vec<Control>,
}

impl Controls {
    /// Damages each gate's inputs in one place at a time.
    pub fn of(rules: &PolicyRules, facts: &Facts) -> Self {
        Self { made: controls(rules), on_release: controls_on(rules, facts) }
    }

    /// Each gate, on the made-up release.
    pub fn by_gate(&self) -> impl Iterator<Item = GateControls> {
        GateId::ALL.into_iter().map(|gate| {
            let of_gate = self.made.iter().filter(|control| control.gate == gate);
            let (asked, moot): (Vec<_>, Vec<_>) =
                of_gate.partition(|control| control.verdict.is_some());
            let refused = asked.iter().filter(|control| !control.let_through()).count();
            let moot = moot.into_iter().map(|control| control.name).collect();
            GateControls { gate, tried: asked.len(), refused, moot }
        })
    }

    /// Whether every gate refuses what it should.
    pub fn verdict(&self) -> Verdict {
        let code = ReasonCode::DamageLetThrough;
        let reasons = self.let_through().into_iter().map(|text| Reason::new(code, text));
        let reasons: Vec<_> = reasons.collect();
        if reasons.is_empty() { Verdict::Pass } else { Verdict::Fail { reasons } }
    }

    /// What a gate let through, one sentence each.
    pub fn let_through(&self) -> Vec<String> {
        let all = self.made.iter().chain(&self.on_release);
        let through = all.filter(|control| control.let_through());
        through
            .map(|c| format!("gate {} accepts damaged inputs: {}", c.gate.name(), c.name))
            .collect()
    }

    /// How many damages were tried in all.
    fn tried(&self) -> usize {
        counts(&self.made).0 + counts(&self.on_release).0
    }
}

/// Every damage of a project's gates.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlsView {
    /// The target's name.
    pub target: String,
    /// Whether every gate refuses what it should.
    pub overall: Verdict,
    /// On a made-up release that passes.
    pub controls: Vec<Control>,
    /// On the release that is judged.
    pub on_release: Vec<Control>,
}

/// One gate's result on its damaged facts.
#[derive(Debug, Clone)]
pub struct GateControls {
    pub gate: GateId,
    /// How many were tried.
    pub tried: usize,
    /// How many of them it refused.
    pub refused: usize,
    /// What the policy does not ask for, so that nothing can be damaged.
    pub moot: Vec<&'static str>,
}

/// How many damages were tried, and how many found nothing to damage.
pub fn counts(controls: &[Control]) -> (usize, usize) {
    let tried = controls.iter().filter(|control| control.verdict.is_some()).count();
    (tried, controls.len() - tried)
}

/// Refuses to go on where a gate does not refuse what it should: its PASS would mean nothing.
/// Answers with how many damages were tried.
pub(crate) fn require_controls(rules: &PolicyRules, facts: &Facts) -> AppResult<usize> {
    let controls = Controls::of(rules, facts);
    match controls.let_through().first() {
        None => Ok(controls.tried()),
        Some(first) => Err(AppError::new(Kind::Fail, first.clone())
            .hint("`tidegate policy check` shows each damage and its result")),
    }
}
