//! What sets the clock back: events, probes that changed, and what others say.

use std::collections::BTreeSet;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, Bytes, b256, hex};
use tidegate_chain::{CallOutcome, Log, LogQuery, Network, ReadError};
use tidegate_gates::Reset;
use tidegate_model::statement::ProbeValue;
use tidegate_model::{BlockRef, Head, Reason, ReasonCode};

use super::start::Start;
use super::{Probe, SoakRequest, all};

/// Events after which a release no longer is what the anchor said: upgrades, admin, ownership
/// and role changes. The slots are the evidence; these are the alarm.
const RESET_TOPICS: [(B256, &str); 7] = [
    (UPGRADED, "Upgraded"),
    (BEACON_UPGRADED, "BeaconUpgraded"),
    (ADMIN_CHANGED, "AdminChanged"),
    (
        b256!("8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0"),
        "OwnershipTransferred",
    ),
    (b256!("2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d"), "RoleGranted"),
    (b256!("f6391f5c32d9c69d2a47ea670b442974b53935d1edc7fd64eb21e047a839171b"), "RoleRevoked"),
    (b256!("c7f505b2f371ae2175ee4913f4499e1f2633a7b5936321eed1cdaeb6115181d2"), "Initialized"),
];

pub(super) const UPGRADED: B256 =
    b256!("bc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b");
pub(super) const BEACON_UPGRADED: B256 =
    b256!("1cf3b03a6cf19fa2baba4df148e9dcabedea7f8a5c07840e207e5c089be95d3e");
pub(super) const ADMIN_CHANGED: B256 =
    b256!("7e644d79422f17c01e4894b5f4f588d331ebfa28653d42ae832dc59e38c9798f");

/// The most resets that are dated and listed, the latest ones.
const RESETS_MAX: usize = 100;
/// Blocks whose events are asked for at once.
const BLOCKS_AT_ONCE: u64 = 20_000;
/// The most halvings in search of the block in which a probe changed.
const HALVINGS_MAX: usize = 64;
/// The most bytes of an answer that a sentence shows.
const SHOWN_BYTES_MAX: usize = 32;

/// Events outside the plan, each block's once, the latest ones with their time. They are asked for
/// by their topics, so that no number of other events is in the way; and from the end, since only
/// the latest ones decide.
pub(super) async fn of_events(
    network: &Network,
    request: &SoakRequest<'_>,
    after: Head,
    head: Head,
) -> Result<Vec<Reset>, ReadError> {
    let topics = vec![RESET_TOPICS.iter().map(|(topic, _)| *topic).collect()];
    let addresses = request.record.deployment.addresses();
    let mut found: BTreeSet<(u64, &str, Address)> = BTreeSet::new();
    // A stack, the latest blocks on top.
    let mut ranges = vec![(after.block.number + 1, head.block.number)];
    while let Some((from, to)) = ranges.pop() {
        if from > to || found.len() >= RESETS_MAX {
            continue;
        }
        if to - from >= BLOCKS_AT_ONCE {
            ranges.push((from, to - BLOCKS_AT_ONCE));
            ranges.push((to - BLOCKS_AT_ONCE + 1, to));
            continue;
        }
        let query = LogQuery { addresses: addresses.clone(), topics: topics.clone(), from, to };
        match network.logs(&query).await {
            Ok(logs) => found.extend(logs.iter().filter_map(named)),
            Err(error) if from < to && error.is_too_much() => {
                let middle = from + (to - from) / 2;
                ranges.push((from, middle));
                ranges.push((middle + 1, to));
            }
            Err(error) => return Err(error),
        }
    }
    let latest = found.into_iter().rev().take(RESETS_MAX);
    all(latest, |(block, event, address)| async move {
        let time = network.head_at(block).await?.timestamp;
        let reason = format!("{event} of {address} outside the plan in block {block}");
        Ok(Reset { time, block: Some(block), reason })
    })
    .await
}

/// An event that sets a soak back: its block, its name and its contract.
pub(crate) fn named(log: &Log) -> Option<(u64, &'static str, Address)> {
    let topic = log.topics.first()?;
    let (_, event) = RESET_TOPICS.iter().find(|(reset, _)| reset == topic)?;
    Some((log.block.number, *event, log.address))
}

/// The present answers of the plan's `expect` calls, and where they show a change since the start.
#[derive(Default)]
pub(super) struct Probed {
    pub(super) values: Vec<ProbeValue>,
    pub(super) resets: Vec<Reset>,
    pub(super) faults: Vec<Reason>,
    pub(super) missing: Vec<Reason>,
}

/// Calls each probe at the finalized head, and where the endpoints keep it at the start.
pub(super) async fn of_probes(
    network: &Network,
    request: &SoakRequest<'_>,
    start: Head,
    head: Head,
) -> Result<Probed, ReadError> {
    let mut probed = Probed::default();
    for probe in request.probes {
        let now = returned(network, probe, head.block).await?;
        let then = returned(network, probe, start.block).await.ok();
        probed.values.push(ProbeValue {
            to: probe.to,
            data: probe.data.clone(),
            returned: now.clone(),
        });
        let as_planned = now.as_ref() == Some(&probe.returns);
        let name = format!("{} of {}", probe.signature, probe.step);
        match then {
            Some(then) if then != now => {
                let (was, is) = (shown(probe, then.as_ref()), shown(probe, now.as_ref()));
                match changed_in(network, probe, (start, head), &now).await? {
                    Some(at) => probed.resets.push(Reset {
                        time: at.timestamp,
                        block: Some(at.block.number),
                        reason: format!(
                            "{name} became {is} in block {} outside the plan",
                            at.block.number
                        ),
                    }),
                    None => {
                        let text =
                            format!("{name} has changed since the start, and when cannot be read");
                        probed.missing.push(Reason::new(ReasonCode::ProbeChanged, text));
                    }
                }
                if !as_planned {
                    let network = request.name;
                    let text =
                        format!("{name} on {network} is {is}; when the soak started it was {was}");
                    probed.faults.push(Reason::new(ReasonCode::ProbeDiffers, text));
                }
            }
            None if !as_planned => {
                let text = format!(
                    "{name} is {}, the plan expects {}; what it was when the soak started cannot \
                     be read, which needs endpoints that keep the state of old blocks",
                    shown(probe, now.as_ref()),
                    probe.expected
                );
                probed.missing.push(Reason::new(ReasonCode::ProbeUnknown, text));
            }
            // The plan itself may have changed it after its step; without old state, nothing
            // hints that somebody else did.
            _ => {}
        }
    }
    Ok(probed)
}

/// The answers of the probes at a block.
pub(super) async fn values(
    network: &Network,
    probes: &[Probe],
    at: BlockRef,
) -> Result<Vec<ProbeValue>, ReadError> {
    all(probes, |probe| async move {
        let returned = returned(network, probe, at).await?;
        Ok(ProbeValue { to: probe.to, data: probe.data.clone(), returned })
    })
    .await
}

async fn returned(
    network: &Network,
    probe: &Probe,
    at: BlockRef,
) -> Result<Option<Bytes>, ReadError> {
    Ok(match network.try_call(probe.to, &probe.data, at).await? {
        CallOutcome::Returned(bytes) => Some(bytes),
        CallOutcome::Reverted(_) => None,
    })
}

/// A block in which a probe became what it is now; `None` where old state cannot be read.
async fn changed_in(
    network: &Network,
    probe: &Probe,
    (start, head): (Head, Head),
    now: &Option<Bytes>,
) -> Result<Option<Head>, ReadError> {
    // Invariant: after `low` it was something else, after `high` it is this.
    let (mut low, mut high) = (start.block.number, head);
    for _ in 0..HALVINGS_MAX {
        if high.block.number - low <= 1 {
            return Ok(Some(high));
        }
        let middle = network.head_at(low + (high.block.number - low) / 2).await?;
        match returned(network, probe, middle.block).await {
            Ok(found) if found == *now => high = middle,
            Ok(_) => low = middle.block.number,
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// An answer for people: as a value of the probe's type, else its bytes without leading zeros.
fn shown(probe: &Probe, answer: Option<&Bytes>) -> String {
    let Some(answer) = answer else { return "a revert".to_owned() };
    if let Some(value) = value(&probe.kind, answer) {
        return value;
    }
    let short = &answer[..answer.len().min(SHOWN_BYTES_MAX)];
    let digits = hex::encode(short);
    let digits = digits.trim_start_matches('0');
    let more = if answer.len() > SHOWN_BYTES_MAX { "…" } else { "" };
    format!("0x{}{more}", if digits.is_empty() { "0" } else { digits })
}

/// A plain value as it is written in `tidegate.toml`.
fn value(kind: &str, answer: &[u8]) -> Option<String> {
    let kind = DynSolType::Tuple(vec![DynSolType::parse(kind).ok()?]);
    let value = kind.abi_decode_params(answer).ok()?;
    // Decoding alone takes words with bits that the type does not have.
    if value.abi_encode_params() != answer {
        return None;
    }
    match value.as_tuple()?.first()?.clone() {
        DynSolValue::Bool(is) => Some(is.to_string()),
        DynSolValue::Uint(number, _) => Some(number.to_string()),
        DynSolValue::Int(number, _) => Some(number.to_string()),
        DynSolValue::Address(address) => Some(address.to_string()),
        DynSolValue::FixedBytes(word, size) => Some(hex::encode_prefixed(&word[..size])),
        _ => None,
    }
}

/// The start after all resets: that of the latest one, if it is later.
pub(super) async fn latest_start(
    network: &Network,
    start: Start,
    resets: &[Reset],
    head: Head,
) -> Result<Start, ReadError> {
    let Some(last) = resets.last() else { return Ok(start) };
    if last.time <= start.head.timestamp {
        return Ok(start);
    }
    let at = match last.block {
        Some(block) => network.head_at(block).await?,
        None => network.first_block_at_or_after(last.time, head).await?.unwrap_or(head),
    };
    Ok(Start { head: at, by: last.reason.clone() })
}

/// Resets in order of time, each once, the latest ones.
pub(super) fn ordered(mut resets: Vec<Reset>) -> Vec<Reset> {
    resets.sort_unstable();
    resets.dedup();
    if resets.len() > RESETS_MAX {
        resets.drain(..resets.len() - RESETS_MAX);
    }
    resets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_are_in_order_and_answers_short() {
        let reset = |time, reason: &str| Reset { time, block: None, reason: reason.to_owned() };
        let found = ordered(vec![reset(9, "b"), reset(7, "a"), reset(9, "b")]);
        assert_eq!(found, [reset(7, "a"), reset(9, "b")]);
        let many: Vec<_> = (0..150).map(|time| reset(time, "a")).collect();
        assert_eq!(ordered(many).first().map(|reset| reset.time), Some(50));
        let word = |last: u8| Bytes::from([vec![0; 31], vec![last]].concat());
        let probe = |kind: &str| Probe {
            step: String::new(),
            signature: String::new(),
            to: Address::ZERO,
            data: Bytes::new(),
            returns: Bytes::new(),
            expected: String::new(),
            kind: kind.to_owned(),
        };
        for (kind, last, expected) in [
            ("uint256", 10, "10"),
            ("bool", 1, "true"),
            ("bool", 2, "0x2"),
            ("address", 10, "0x000000000000000000000000000000000000000A"),
            ("string", 10, "0xa"),
            ("uint256", 0, "0"),
            ("", 0, "0x0"),
        ] {
            assert_eq!(shown(&probe(kind), Some(&word(last))), expected, "{kind}");
        }
        assert_eq!(shown(&probe("uint256"), None), "a revert");
    }
}
