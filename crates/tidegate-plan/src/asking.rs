//! Who asks for what the sender of a transaction chooses, or who makes its block.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use tidegate_evm::{Outcome, Part};

use crate::expected::{Aside, Asking, Expected};
use crate::resolve::{Op, OpKind};

/// Notes who asks in an operation, and whether code of the plan rests on it: because it runs or is
/// made there, or later reads what was written there.
pub(crate) fn note_asking(op: &Op, outcome: &Outcome, expected: &mut Expected) {
    let is_own = |at: &Address| expected.created.contains_key(at);
    let seen = &outcome.seen;
    let runs_own = match &op.kind {
        OpKind::Create { .. } => true,
        OpKind::Call { to, .. } => {
            let mut looks = seen.looks.iter();
            let runs = looks.any(|l| is_own(&l.from) || (l.part == Part::Runs && is_own(&l.at)));
            runs || is_own(to) || !outcome.created.is_empty()
        }
    };
    if !runs_own {
        let (asked, written) = (seen.asked.clone(), seen.written.clone());
        return expected.aside.push(Aside { asked, written });
    }
    let read = expected.aside.iter().filter(|aside| !aside.written.is_disjoint(&seen.slots));
    let asked: BTreeSet<_> = read.flat_map(|aside| &aside.asked).chain(&seen.asked).collect();
    let asking: Vec<_> = asked
        .into_iter()
        .filter(|(at, _)| !is_own(at))
        .map(|(at, what)| Asking { op: op.id.clone(), at: *at, what: *what })
        .collect();
    expected.asking.extend(asking);
}
