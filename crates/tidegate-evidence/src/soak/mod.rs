//! What a soak network shows of one deployment: anchor, headers, events, state, use.

mod looks;
mod reads;
mod request;
mod resets;
mod silent;
mod start;
mod state;
mod used;
mod windows;

use alloy_primitives::B256;
use tidegate_chain::{Network, ReadError};
use tidegate_gates::{SoakFacts, StartPost, changed_by_samples};
use tidegate_model::{GateInput, Head};

pub(crate) use self::reads::all;
pub use self::request::{NamedUse, Probe, SeenSample, SoakObservation, SoakRequest, Watched};
pub(crate) use self::resets::named;
use self::start::Anchored;
pub(crate) use self::start::created;
use self::windows::{Span, windows};

/// Reads the soak from the chain. A missing anchor or record is an `Err` that says so; a read
/// that failed is a [`ReadError`].
///
/// # Errors
/// If the chain cannot be read.
pub async fn observe_soak(
    network: &Network,
    request: &SoakRequest<'_>,
) -> Result<SoakObservation, ReadError> {
    let (head, latest) = match request.at {
        Some(at) => (at, None),
        None => (network.finalized_head().await?, network.latest_head().await.ok()),
    };
    let Anchored { start: base, moved, mut faults } =
        match start::anchor(network, request, head).await? {
            Ok(found) => found,
            Err(missing) => return Ok(Err(missing)),
        };
    let mut missing = Vec::new();
    let probed = resets::of_probes(network, request, base.head, head).await?;
    faults.extend(probed.faults);
    missing.extend(probed.missing);
    let codes = state::Codes::read(network, request.record, head.block).await?;
    let state = codes.state(network, request.record, &probed.values, head.block).await?;
    let said = (request.samples, request.withdrawals);
    let mut samples = state::samples(network, said, head, &mut missing).await?;

    let mut found = resets::of_events(network, request, base.head, head).await?;
    found.extend(probed.resets);
    found.extend(request.external_resets.iter().cloned());
    found.retain(|reset| reset.time >= base.head.timestamp);
    found.extend(moved);
    let mut resets = resets::ordered(found);
    let mut start = resets::latest_start(network, base, &resets, head).await?;
    state::look(network, request, &mut samples, (state, start.head.timestamp)).await;
    resets = resets::ordered([resets, changed_by_samples(&samples, state)].concat());
    start = resets::latest_start(network, start, &resets, head).await?;
    let mut spans = windows(network, start.head, head).await?;
    let silent = silent::slots(network, &codes, request, head.block).await?;
    let looks = looks::at_silent(network, silent, &spans, head).await?;
    if !looks.resets.is_empty() {
        resets = resets::ordered([resets, looks.resets].concat());
        start = resets::latest_start(network, start, &resets, head).await?;
        spans = windows(network, start.head, head).await?;
    }

    let counted_to = request.counted_to.unwrap_or(u64::MAX).min(head.block.number);
    missing.extend(start::absent_at_start(network, request, start.head).await?);
    let activity =
        used::activity(network, request, (start.head.block.number, counted_to), &mut missing)
            .await?;
    let windows = spans.into_iter().map(|span| span.window).collect();
    let inputs = inputs(request, [start.head, head], activity.digest, state);
    Ok(Ok(SoakFacts {
        network: request.name.to_owned(),
        head,
        latest,
        start: start.head.timestamp,
        started_by: start.by,
        posted: request.posted.clone(),
        resets,
        block_time_secs: request.block_time_secs,
        end_of_life: request.end_of_life.clone(),
        windows,
        activity,
        state,
        silent_slots: looks.unseen,
        samples,
        faults,
        missing,
        inputs,
    }))
}

/// The blocks that the facts rest on.
fn inputs(
    request: &SoakRequest<'_>,
    [start, head]: [Head; 2],
    activity: B256,
    state: B256,
) -> Vec<GateInput> {
    let chain = request.record.deployment.chain;
    let posted = request.posted.as_ref().ok().and_then(Option::as_ref);
    let input =
        |kind: &str, block, digest| GateInput { kind: kind.to_owned(), chain, block, digest };
    let mut inputs = vec![
        input("soak/start", start.block, start.block.hash),
        input("soak/activity", head.block, activity),
        input("soak/state", head.block, state),
        input("soak/terminal", head.block, head.block.hash),
    ];
    inputs.extend(posted.and_then(StartPost::input));
    inputs
}
