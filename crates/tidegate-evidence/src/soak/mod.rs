//! What a soak network shows of one deployment: anchor, headers, events, state, use.

mod looks;
mod resets;
mod silent;
mod start;
mod state;
mod used;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tidegate_chain::{Network, ReadError};
use tidegate_gates::{
    EndOfLife, Observed, PolicyRules, Reset, SoakFacts, StartPost, WINDOW_SECS, Who, Window,
    WithdrawalFact, changed_by_samples,
};
use tidegate_model::record::DeploymentRecord;
use tidegate_model::statement::SoakSample;
use tidegate_model::units::format_utc;
use tidegate_model::{GateInput, Head, StatementDigest};

pub(crate) use self::resets::named;
use self::start::Anchored;
pub(crate) use self::start::created;
use crate::activity::CountedContract;

/// The most windows that are counted, about two years.
const WINDOWS_MAX: u64 = 750;

/// The most questions that are asked of an endpoint at once.
const READS_AT_ONCE_MAX: usize = 16;

/// What to observe.
#[derive(Debug)]
pub struct SoakRequest<'a> {
    /// The network's name, for people.
    pub name: &'a str,
    /// A past block at which to look, instead of the finalized head.
    pub at: Option<Head>,
    /// The deployment's record; a claim until the chain confirms it.
    pub record: &'a DeploymentRecord,
    /// Expected seconds between blocks.
    pub block_time_secs: u64,
    /// When the network ends, where that is known.
    pub end_of_life: Option<EndOfLife>,
    /// The last block up to which use counts, where it is not the newest final one.
    pub counted_to: Option<u64>,
    /// When its start was posted on the target; `None` where that is not asked.
    pub posted: &'a Observed<Option<StartPost>>,
    /// How much use is asked for: more is not looked for.
    pub rules: &'a PolicyRules,
    /// The plan's contracts and the functions that count.
    pub contracts: &'a [CountedContract],
    /// The plan's calls: name, target and calldata.
    pub calls: &'a [(String, Address, Bytes)],
    /// The plan's `expect` calls.
    pub probes: &'a [Probe],
    /// The slots that are watched.
    pub watched: &'a [Watched],
    /// Resets that happened elsewhere: revoked audits, findings. Their times are chain times.
    pub external_resets: &'a [Reset],
    /// Whom the project knows, by address.
    pub known: &'a BTreeMap<Address, Who>,
    /// What people of the policy signed of this deployment.
    pub samples: &'a [SeenSample],
    /// Which of their own people of the policy have taken back.
    pub withdrawals: &'a [WithdrawalFact],
}

/// A view call of the plan.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Its step.
    pub step: String,
    /// The function, for people.
    pub signature: String,
    /// The contract.
    pub to: Address,
    /// The calldata.
    pub data: Bytes,
    /// What the step checks that it returns.
    pub returns: Bytes,
    /// That value for people.
    pub expected: String,
}

/// A slot that is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// What it holds, for people.
    pub name: String,
    /// The contract.
    pub address: Address,
    /// The slot.
    pub slot: B256,
}

/// A sample by somebody of the policy.
#[derive(Debug, Clone)]
pub struct SeenSample {
    /// The statement.
    pub digest: StatementDigest,
    /// The person.
    pub by: String,
    /// The key.
    pub signer: Address,
    /// What they say.
    pub says: SoakSample,
}

/// What was observed: the facts, or what is missing to state them.
pub type SoakObservation = Observed<SoakFacts>;

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

/// A window, and its first block.
struct Span {
    window: Window,
    first: u64,
}

/// Counts the blocks of each window from the start to the finalized head.
async fn windows(network: &Network, start: Head, head: Head) -> Result<Vec<Span>, ReadError> {
    let mut spans = Vec::new();
    let mut first = start.block.number;
    for index in 0..WINDOWS_MAX {
        let from = start.timestamp + index * WINDOW_SECS;
        if from >= head.timestamp {
            break;
        }
        let until = from + WINDOW_SECS;
        if until > head.timestamp {
            let blocks = head.block.number + 1 - first;
            let window = Window { blocks, elapsed_secs: head.timestamp - from };
            spans.push(Span { window, first });
            break;
        }
        let next = network.first_block_at_or_after(until, head).await?;
        let next = next.map_or(head.block.number + 1, |next| next.block.number);
        let window = Window { blocks: next - first, elapsed_secs: WINDOW_SECS };
        spans.push(Span { window, first });
        first = next;
    }
    tracing::debug!(start = %format_utc(start.timestamp), windows = spans.len(), "soak");
    Ok(spans)
}

/// Reads many things, some at once, and gives them in order.
pub(crate) async fn all<T, R>(
    items: impl IntoIterator<Item = T>,
    read: impl AsyncFn(T) -> Result<R, ReadError>,
) -> Result<Vec<R>, ReadError> {
    stream::iter(items).map(|item| read(item)).buffered(READS_AT_ONCE_MAX).try_collect().await
}
