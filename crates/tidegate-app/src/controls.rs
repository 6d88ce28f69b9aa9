//! Gates that prove that they can fail: each is given inputs that are damaged in one place.

use tidegate_gates::controls::{Control, controls, controls_on};
use tidegate_gates::{Facts, PolicyRules};

use crate::error::{AppError, AppResult, Kind};

/// What became of every damage.
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

    /// What a gate let through, one sentence each.
    pub fn let_through(&self) -> Vec<String> {
        let all = self.made.iter().chain(&self.on_release);
        let through = all.filter(|control| control.let_through());
        through.map(|c| format!("gate {} lets through: {}", c.gate.name(), c.name)).collect()
    }

    /// How many damages were tried in all.
    fn tried(&self) -> usize {
        counts(&self.made).0 + counts(&self.on_release).0
    }
}

/// How many damages were tried, and how many found nothing to damage.
pub fn counts(controls: &[Control]) -> (usize, usize) {
    let tried = controls.iter().filter(|control| control.verdict.is_some()).count();
    (tried, controls.len() - tried)
}

/// Refuses to go on where a gate does not refuse what it should: its PASS would mean nothing.
/// Answers with how many damages were tried.
pub fn require_controls(rules: &PolicyRules, facts: &Facts) -> AppResult<usize> {
    let controls = Controls::of(rules, facts);
    match controls.let_through().first() {
        None => Ok(controls.tried()),
        Some(first) => Err(AppError::new(Kind::Fail, first.clone())
            .hint("`tidegate policy check` shows every damage and what became of it")),
    }
}
