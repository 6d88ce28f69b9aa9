//! What a plan writes in contracts that are there already, on its target and where it soaked.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use tidegate_model::release::Release;
use tidegate_model::units::counted;

use crate::kept::Kept;
use crate::label::label;
use crate::outside::{Compared, Unlike};
use crate::resolve::Resolved;
use crate::same::{Names, Side};

/// The most differences that are named of one contract.
const NAMED_MAX: usize = 8;

/// A slot of a contract that is there already, which a plan writes on its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The contract: `@` and its name, or its address where the plan does not name it.
    pub contract: String,
    pub slot: B256,
    /// Its name in the storage layout, if known.
    pub label: Option<String>,
    /// What it holds before and after on the target; none where only the rehearsal changed it.
    pub target: Option<Kept>,
    /// The same where the plan was rehearsed, if that is known.
    pub soaked: Option<Kept>,
}

/// Every slot that a plan writes in contracts that are there already. `rehearsed` is the network
/// where it soaked, from the state before it ran there, with the names whose slots mean the same.
pub fn writes(
    release: &Release,
    rehearsed: Option<(Side<'_>, &BTreeSet<String>)>,
    target: Side<'_>,
) -> Vec<Write> {
    let own = &target.expected.outside;
    let changed = own.iter().filter(|(_, kept)| kept.is_changed()).map(|((at, _), _)| *at);
    let mut all: BTreeSet<Address> = changed.collect();
    let names = rehearsed.map(|(side, _)| Names::of(release, side, target)).unwrap_or_default();
    let mut found = Vec::new();
    if let Some((side, compared)) = rehearsed {
        for (name, a, b) in places(side.resolved, target.resolved, compared) {
            let pairs = Compared::new(&names, (&side.expected.outside, a), (own, b)).pairs();
            all.remove(&b);
            found.extend(pairs.into_iter().map(|Unlike { slot, one, other }| Write {
                contract: format!("@{name}"),
                slot: slot.into(),
                label: label(release, if one.is_some() { side } else { target }, name, slot),
                target: other,
                soaked: one,
            }));
        }
    }
    for at in all {
        let named = target.resolved.outside.iter().find(|(_, named)| **named == at);
        let slots = own.iter().filter(|((of, _), kept)| *of == at && kept.is_changed());
        found.extend(slots.map(|((_, slot), kept)| Write {
            contract: named.map_or(at.to_string(), |(name, _)| format!("@{name}")),
            slot: (*slot).into(),
            label: named.and_then(|(name, _)| label(release, target, name, *slot)),
            target: Some(*kept),
            soaked: None,
        }));
    }
    found
}

/// The writes of a plan to contracts that are there already which it did not make where it soaked,
/// one sentence each.
pub fn unrehearsed(
    release: &Release,
    rehearsed: Side<'_>,
    target: Side<'_>,
    compared: &BTreeSet<String>,
) -> Vec<String> {
    let names = Names::of(release, rehearsed, target);
    let mut found = Vec::new();
    for (name, a, b) in places(rehearsed.resolved, target.resolved, compared) {
        let (one, other) = (&rehearsed.expected.outside, &target.expected.outside);
        let unlike = Compared::new(&names, (one, a), (other, b)).unlike();
        let more = unlike.len().saturating_sub(NAMED_MAX);
        let shown = |kept: Option<Kept>| match kept {
            Some(kept) => format!("{:#x}, before {:#x},", kept.after, kept.before),
            None => "what nobody looked at".to_owned(),
        };
        found.extend(unlike.into_iter().take(NAMED_MAX).map(|Unlike { slot, one, other }| {
            format!(
                "@{name}: after the plan slot {slot:#x} holds {} where it soaked and {} on the \
                 target, and nothing that the plan names explains it; pass what differs as a \
                 parameter",
                shown(one),
                shown(other)
            )
        }));
        if more > 0 {
            found.push(format!("@{name} differs in {}", counted(more, "more slot")));
        }
    }
    found
}

/// The addresses of the compared contracts on both networks, by name.
fn places<'a>(
    one: &'a Resolved,
    other: &'a Resolved,
    compared: &'a BTreeSet<String>,
) -> impl Iterator<Item = (&'a str, Address, Address)> {
    compared.iter().filter_map(|name| {
        Some((name.as_str(), *one.outside.get(name)?, *other.outside.get(name)?))
    })
}
