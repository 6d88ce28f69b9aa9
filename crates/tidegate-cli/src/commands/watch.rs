//! `tidegate status --watch`: evaluates again and again, says what changed, and signs samples.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tidegate_app::assess::Assessment;
use tidegate_app::error::{AppResult, Kind, OrKind};
use tidegate_app::promote::assess_ready;
use tidegate_app::release::Built;
use tidegate_app::sampling;
use tidegate_gates::pauses;
use tidegate_model::units::format_utc;
use tidegate_model::{Reason, ReasonCode, Verdict};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::context::Context;
use crate::signer;
use crate::signer::LazySigner;

/// The pause after a round in which a chain could not be read; it doubles with each further one,
/// up to the pause between rounds.
const RETRY_SECS_MIN: u64 = 15;
/// The most doublings.
const RETRY_DOUBLINGS_MAX: u32 = 12;

/// How to watch.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Seconds from the end of a round to the next.
    pub(crate) every_secs: u64,
    /// How many rounds; without end where there is none.
    pub(crate) rounds: Option<u64>,
}

/// Watches a release until it is told to stop. Returns the last verdict.
///
/// # Effects
/// Prints what changed, and signs a sample a day where `--as` names a key.
pub(crate) async fn run(
    project: &Context,
    built: &Built,
    target: &str,
    watch: &Watch,
) -> AppResult<Verdict> {
    let mut stop = Stop::listen()?;
    let signer = match project.global.signer {
        Some(_) => Some(signer::of_samples(project)?),
        None => None,
    };
    let mut seen = BTreeMap::new();
    let mut failures = 0;
    let mut verdict = Verdict::unknown(ReasonCode::NothingEvaluated, "no round was completed");
    for round in 1.. {
        match assess_ready(project, built, target).await {
            Ok((assessment, _)) => {
                let readable = assessment.gate_head.is_some() && assessment.soak_network.is_some();
                failures = if readable { 0 } else { failures + 1 };
                let now = observations(&assessment);
                show(project, &assessment, &seen, &now, signer.as_ref());
                seen = now;
                verdict = assessment.overall;
            }
            // What never worked is told at once.
            Err(error) if round == 1 && error.kind != Kind::Chain => return Err(error),
            Err(error) => {
                project.ui.warn(format!("this round failed: {error}"));
                failures += 1;
            }
        }
        if stop.asked().await || watch.rounds.is_some_and(|rounds| round >= rounds) {
            break;
        }
        if stop.within(pause(watch.every_secs, failures)).await {
            break;
        }
    }
    Ok(verdict)
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
        let used = format!("{} transactions by {}", activity.transactions, activity.outsiders());
        found.insert("used".to_owned(), used);
        for reset in &facts.resets {
            let when = format!("begun anew {}", format_utc(reset.time));
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

/// Prints one line a change, and signs a sample.
fn show(
    project: &Context,
    assessment: &Assessment,
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    signer: Option<&LazySigner>,
) {
    let soak = assessment.facts.soak.as_ref().ok().map(|facts| facts.head);
    let time = assessment.gate_head.or(soak).map(|head| format_utc(head.timestamp));
    let time = time.unwrap_or_else(|| "(no chain time)".to_owned());
    let mut changes = Vec::new();
    for (name, said) in now.iter().filter(|(name, said)| before.get(*name) != Some(said)) {
        changes.push(format!("{name} {said}"));
    }
    for name in before.keys().filter(|name| !now.contains_key(*name)) {
        changes.push(format!("{name}: no longer"));
    }
    let mut sample = None;
    if let Some(signer) = signer {
        match sampling::store(project, assessment, signer) {
            Ok(Some(digest)) => {
                changes.push(format!("signed deployments/statements/{digest}.json"));
                sample = Some(digest);
            }
            Ok(None) => {}
            Err(error) => project.ui.warn(format!("no sample in this round: {error}")),
        }
    }
    for change in &changes {
        project.ui.line(format!("{time}  {change}"));
    }
    if project.ui.json {
        let line = json!({"time": assessment.gate_head.map(|head| head.timestamp),
            "overall": assessment.overall, "changes": changes, "sample": sample});
        project.ui.raw(&format!("{line}\n"));
    }
}

/// Whether somebody asked to stop. A round that runs is finished first.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> AppResult<Self> {
        let listen = |kind| signal(kind).or_kind(Kind::Internal);
        let interrupt = listen(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: listen(SignalKind::terminate())? })
    }

    async fn asked(&mut self) -> bool {
        self.within(Duration::ZERO).await
    }

    /// Waits so long, or until somebody asks to stop: then it is true.
    async fn within(&mut self, time: Duration) -> bool {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            () = tokio::time::sleep(time) => false,
        }
    }
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
