//! Watching a release: one round after the other, and what changed between them.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_gates::pauses;
use tidegate_model::ports::DigestSigner;
use tidegate_model::units::{counted, format_utc};
use tidegate_model::{Reason, ReasonCode, StatementDigest, Verdict};

use crate::assess::Assessment;
use crate::error::{AppResult, Kind};
use crate::project::Project;
use crate::promote::assess_ready;
use crate::release::Built;
use crate::sampling;

/// The pause after a round in which a chain could not be read; it doubles with each further one,
/// up to the pause between rounds.
const RETRY_SECS_MIN: u64 = 15;
/// The most doublings.
const RETRY_DOUBLINGS_MAX: u32 = 12;

/// A release that is watched.
#[derive(Debug)]
pub struct Watch<'a> {
    project: &'a Project,
    built: &'a Built,
    target: &'a str,
    /// What the last round said, by name.
    seen: BTreeMap<String, String>,
    /// Rounds since a chain could be read.
    failures: u32,
    /// The verdict of the last round that was completed.
    verdict: Verdict,
    rounds: u64,
}

/// The result of one round.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RoundView {
    /// Gate time, in seconds since 1970.
    pub time: Option<u64>,
    /// The overall verdict.
    pub overall: Verdict,
    /// What is said now and was not before, one sentence each.
    pub changes: Vec<String>,
    /// The sample that was signed.
    pub sample: Option<StatementDigest>,
    /// Gate time, or that of the soak, for people.
    #[serde(skip)]
    pub at: String,
}

impl<'a> Watch<'a> {
    /// Begins to watch.
    pub fn new(project: &'a Project, built: &'a Built, target: &'a str) -> Self {
        let verdict = Verdict::unknown(ReasonCode::NothingEvaluated, "no round was completed");
        Self { project, built, target, seen: BTreeMap::new(), failures: 0, verdict, rounds: 0 }
    }

    /// Evaluates once, and signs a sample where there is a key for it. `None` where the round
    /// failed, of which it warns.
    ///
    /// # Errors
    /// In the first round, what is not for a chain to mend: what never worked is told at once.
    pub async fn round(
        &mut self,
        signer: Option<&dyn DigestSigner>,
    ) -> AppResult<Option<RoundView>> {
        self.rounds += 1;
        match assess_ready(self.project, self.built, self.target).await {
            Ok((assessment, _)) => {
                let readable = assessment.gate_head.is_some() && assessment.soak_network.is_some();
                self.failures = if readable { 0 } else { self.failures + 1 };
                let now = observations(&assessment);
                let view = self.view(&assessment, &now, signer);
                self.seen = now;
                self.verdict = assessment.overall;
                Ok(Some(view))
            }
            Err(error) if self.rounds == 1 && error.kind != Kind::Chain => Err(error),
            Err(error) => {
                self.project.front.warn(format!("this round failed: {error}"));
                self.failures += 1;
                Ok(None)
            }
        }
    }

    /// How long to wait before the next round, which is asked for so often.
    pub fn pause(&self, every_secs: u64) -> Duration {
        pause(every_secs, self.failures)
    }

    /// The verdict of the last round that was completed.
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    fn view(
        &self,
        assessment: &Assessment,
        now: &BTreeMap<String, String>,
        signer: Option<&dyn DigestSigner>,
    ) -> RoundView {
        let soak = assessment.facts.soak.as_ref().ok().map(|facts| facts.head);
        let at = assessment.gate_head.or(soak).map(|head| format_utc(head.timestamp));
        let new = now.iter().filter(|(name, said)| self.seen.get(*name) != Some(said));
        let gone = self.seen.keys().filter(|name| !now.contains_key(*name));
        let mut changes: Vec<_> = new.map(|(name, said)| format!("{name} {said}")).collect();
        changes.extend(gone.map(|name| format!("{name}: no longer")));
        let signed = signer.map(|signer| sampling::store(self.project, assessment, signer));
        let sample = signed.transpose().unwrap_or_else(|error| {
            self.project.front.warn(format!("no sample in this round: {error}"));
            None
        });
        let sample = sample.flatten();
        changes.extend(sample.map(|digest| format!("signed deployments/statements/{digest}.json")));
        RoundView {
            time: assessment.gate_head.map(|head| head.timestamp),
            overall: assessment.overall.clone(),
            changes,
            sample,
            at: at.unwrap_or_else(|| "(no chain time)".to_owned()),
        }
    }
}

/// How long to wait after so many rounds that failed.
fn pause(every_secs: u64, failures: u32) -> Duration {
    let secs = match failures {
        0 => every_secs,
        _ => every_secs.min(RETRY_SECS_MIN << (failures - 1).min(RETRY_DOUBLINGS_MAX)),
    };
    Duration::from_secs(secs)
}

/// What is compared from round to round: a name, and what is said of it.
fn observations(assessment: &Assessment) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for report in &assessment.reports {
        let word = report.verdict.word();
        // What is left of the time changes with each block.
        let reasons = match &report.verdict {
            Verdict::Fail { reasons } | Verdict::Unknown { missing: reasons } => {
                reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("; ")
            }
            _ => String::new(),
        };
        let colon = if reasons.is_empty() { "" } else { ": " };
        found.insert(report.gate.name().to_owned(), format!("{word}{colon}{reasons}"));
    }
    if let Ok(facts) = &assessment.facts.soak {
        let activity = &facts.activity;
        let transactions = counted(activity.transactions, "transaction");
        let used = format!("{transactions} by {}", activity.outsiders());
        found.insert("used".to_owned(), used);
        for reset in &facts.resets {
            let when = format!("restarted {}", format_utc(reset.time));
            found.insert(when, reset.reason.clone());
        }
        for pause in pauses(facts) {
            found.insert(format!("paused from {}", format_utc(pause.from)), pause.reason);
        }
    }
    let mut overall = assessment.overall.word().to_owned();
    if assessment.is_held_by_batch() {
        overall = format!("{overall}: {}", assessment.overall.sentences().join("; "));
    }
    found.insert("overall".to_owned(), overall);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_rounds_are_tried_again_sooner_and_then_as_often_as_others() {
        let secs = |failures| pause(600, failures).as_secs();
        assert_eq!([0, 1, 2, 3, 6, 7, 99].map(secs), [600, 15, 30, 60, 480, 600, 600]);
        assert_eq!(pause(5, 1).as_secs(), 5);
    }
}
