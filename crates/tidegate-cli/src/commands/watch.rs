//! `tidegate status --watch`: evaluates again and again, says what changed, and signs samples.

use std::time::Duration;

use serde_json::json;
use tidegate_app::error::{AppResult, Kind, OrKind};
use tidegate_app::release::Built;
use tidegate_app::watch::{RoundView, Watch};
use tidegate_model::Verdict;
use tidegate_model::ports::DigestSigner;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::context::Context;
use crate::signer::signer;

/// How to watch.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// Seconds from the end of a round to the next.
    pub(crate) every_secs: u64,
    /// How many rounds; without end where there is none.
    pub(crate) most: Option<u64>,
}

/// Watches a release until it is told to stop. Returns the last verdict.
///
/// # Effects
/// Prints what changed, and signs a sample a day where `--as` names a key.
pub(crate) async fn run(
    project: &Context,
    built: &Built,
    target: &str,
    rounds: &Rounds,
) -> AppResult<Verdict> {
    let mut stop = Stop::listen()?;
    let signer = match project.global.signer {
        Some(_) => Some(signer(project, None)?),
        None => None,
    };
    let signer = signer.as_ref().map(|signer| signer as &dyn DigestSigner);
    let mut watch = Watch::new(project, built, target);
    for round in 1.. {
        if let Some(view) = watch.round(signer).await? {
            show(project, &view);
            project.ui.written()?;
        }
        if stop.asked().await || rounds.most.is_some_and(|most| round >= most) {
            break;
        }
        let pause = watch.pause(rounds.every_secs);
        let _busy =
            project.front.busy(format!("watching; looks again after {} s", pause.as_secs()));
        if stop.within(pause).await {
            break;
        }
    }
    Ok(watch.verdict().clone())
}

/// Prints one line a change; with `--json`, one document a round.
fn show(project: &Context, view: &RoundView) {
    for change in &view.changes {
        project.ui.line(format!("{}  {change}", view.at));
    }
    if project.ui.json {
        project.ui.raw(&format!("{}\n", json!(view)));
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
