//! What others decide by state outside the plan is shown by an `expect`, which the batch requires:
//! else it could change between the owners' signatures and the execution, and nobody would notice.
//!
//! It is judged by trial: the plan runs once more with each thing that it looked at being
//! something else. Code that cannot change any more is not varied, so what an external's code alone
//! gives, such as an immutable, needs no `expect`: the batch requires that code.

mod standing;
mod strangers;
#[cfg(test)]
mod tests;
mod vary;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256, address, hex};
use tidegate_evm::{EvmError, Part};

use self::strangers::what_others_do_first;
use self::vary::Trial;
use crate::expected::{Created, Expected};
use crate::foreign::is_precompile;
use crate::resolve::OpKind;
use crate::run::Run;

/// The most things outside the plan that are varied one by one.
const READS_MAX: usize = 128;
/// The most words of one slot that are tried because it was compared with them.
const COMPARED_MAX: usize = 48;
/// A word that no chain holds, in place of an address or a number.
const STRANGE: Address = address!("7469646567617465000000000000000000057a7e");
/// Code that an account may be given: it does nothing, it fails, it answers 1.
const CODES: [&[u8]; 3] = [&hex!("00"), &hex!("5f5ffd"), &hex!("60015f5260205ff3")];
/// The prefix of code that borrows another account's (EIP-7702).
const DELEGATION: [u8; 3] = hex!("ef0100");

/// Something outside the plan that it looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    Slot(Address, U256),
    /// A balance; of a contract of the plan what lay there before its creation.
    Balance(Address),
    /// Whether there is code, where it may still come or go.
    Code(Address),
    /// A slot of a contract of the plan that anybody may create and use before the operation with
    /// this index, which creates another one.
    Used(usize, Address, U256),
}

/// A value or code in place of what was read.
#[derive(Debug, Clone)]
enum Other {
    Word(U256),
    Code(Bytes),
}

/// Refuses a plan of which a contract, created or there already, would be or hold something else if
/// state outside the plan did, while no operation and no `expect` fails then. `created` is what the
/// run gives. A slot of a contract that is there already may go on from what it held itself.
pub(crate) fn refuse_undecided(
    run: &Run<'_>,
    slots: &[BTreeSet<(Address, U256)>],
    created: &BTreeMap<Address, Created>,
    expected: &mut Expected,
) -> Result<(), EvmError> {
    let mut reads = reads(run, expected)?;
    reads.extend(used(run, slots, expected));
    if reads.len() > READS_MAX {
        let count = reads.len();
        expected.faults.push(format!(
            "looks at {count} things outside the plan, of which at most {READS_MAX} can be judged"
        ));
        return Ok(());
    }
    let points = points(run, &reads, expected)?;
    let outside = expected.outside.clone();
    let mut trial =
        Trial { run, created, outside: &outside, points: &points, missing: BTreeSet::new() };
    let mut found = Vec::new();
    let mut others = Vec::new();
    for read in reads {
        let values = others_of(run, read, expected)?;
        let op = values.iter().find_map(|other| trial.changes(&[(read, other)]));
        found.extend(op.map(|op| sentence(run, expected, &op, read)));
        others.push((read, values));
    }
    // Several at once, for what takes more than one.
    let most = others.iter().map(|(_, values)| values.len()).max().unwrap_or_default();
    let rounds = if found.is_empty() { most } else { 0 };
    // Without what says whose code runs too, since nothing shows where another one does.
    let again = if points.is_empty() { 1 } else { 2 };
    for round in 0..rounds * again {
        let (round, all) = (round / again, round % again == 0);
        let pick = |(read, values): &'_ (Read, Vec<Other>)| {
            let is_meant = all || !points.contains(read);
            is_meant.then(|| Some((*read, values.get(round).or(values.first())?.clone())))?
        };
        let picked: Vec<_> = others.iter().filter_map(pick).collect();
        let picked: Vec<_> = picked.iter().map(|(read, other)| (*read, other)).collect();
        if let Some(op) = trial.changes(&picked) {
            found.push(format!(
                "{op} holds what several values outside the plan decide together: add an `expect` \
                 that shows it, since they may change before the batch runs"
            ));
            break;
        }
    }
    if found.is_empty() {
        found.extend(what_others_do_first(&mut trial, expected));
    }
    if found.is_empty() {
        found.extend(trial.other_chains(&expected.seen.compared));
    }
    if !trial.missing.is_empty() {
        return Err(EvmError::Missing(trial.missing.into_iter().collect()));
    }
    expected.faults.extend(found);
    Ok(())
}

/// Everything outside the plan that was looked at and may change.
fn reads(run: &Run<'_>, expected: &Expected) -> Result<BTreeSet<Read>, EvmError> {
    let is_own = |at: &Address| expected.created.contains_key(at);
    let slots = expected.seen.slots.iter().filter(|(at, _)| !is_own(at));
    let mut reads: BTreeSet<_> = slots.map(|(at, slot)| Read::Slot(*at, *slot)).collect();
    for look in &expected.seen.looks {
        match look.part {
            Part::Balance => {
                reads.insert(Read::Balance(look.at));
            }
            Part::Runs | Part::Code if is_own(&look.at) || is_precompile(look.at) => {}
            Part::Runs | Part::Code => {
                let code = run.sandbox.code(look.at)?;
                if code.is_empty() || code.starts_with(&DELEGATION) {
                    reads.insert(Read::Code(look.at));
                }
            }
        }
    }
    Ok(reads)
}

/// The slots that say whose code runs in place of another one's, as a proxy's do.
fn points(
    run: &Run<'_>,
    reads: &BTreeSet<Read>,
    expected: &Expected,
) -> Result<BTreeSet<Read>, EvmError> {
    let mut points = BTreeSet::new();
    for read in reads {
        let Read::Slot(at, slot) = *read else { continue };
        if runs(expected, run.sandbox.storage(at, slot)?) {
            points.insert(*read);
        }
    }
    Ok(points)
}

/// Whether a word is the address of code that ran in place of another one's.
fn runs(expected: &Expected, word: U256) -> bool {
    let code = Address::from_word(word.into());
    expected.seen.borrowed.iter().any(|(_, borrowed)| *borrowed == code)
}

/// What an operation that creates, or calls what is there already, reads of contracts that stand
/// there before it. Nobody comes between what only the executor can create and what follows.
fn used(run: &Run<'_>, slots: &[BTreeSet<(Address, U256)>], expected: &Expected) -> BTreeSet<Read> {
    let mut reads = BTreeSet::new();
    let mut before = BTreeSet::new();
    for (index, (op, slots)) in run.resolved.ops.iter().zip(slots).enumerate() {
        let is_meant = |(at, slot): &&(Address, U256)| match op.kind {
            _ if !before.contains(at) => false,
            OpKind::Create { .. } => true,
            OpKind::Call { to, .. } => {
                let made = expected.created.get(at).and_then(|made| made.slots.get(slot));
                let word = made.and_then(|values| values.last()).copied().unwrap_or_default();
                !expected.created.contains_key(&to) && !runs(expected, word)
            }
        };
        let slots = slots.iter().filter(is_meant);
        reads.extend(slots.map(|(at, slot)| Read::Used(index, *at, *slot)));
        if !matches!(op.kind, OpKind::Create { guarded: Some(_), .. }) {
            let made = expected.created.iter().filter(|(_, made)| made.is_of(&op.id));
            before.extend(made.map(|(at, _)| *at));
        }
    }
    reads
}

/// What else may be there: bounds, a strange address, the least change, and whatever it was
/// compared with, since that is where code turns.
fn others_of(run: &Run<'_>, read: Read, expected: &Expected) -> Result<Vec<Other>, EvmError> {
    let strange = U256::from_be_slice(STRANGE.as_slice());
    let (present, bounds) = match read {
        Read::Used(..) => {
            let words = [U256::ZERO, U256::ONE, U256::MAX, strange, strange ^ U256::ONE];
            return Ok(words.map(Other::Word).to_vec());
        }
        Read::Slot(at, slot) => {
            let present = run.sandbox.storage(at, slot)?;
            (present, vec![U256::ZERO, U256::ONE, present ^ U256::ONE, U256::MAX, strange])
        }
        Read::Balance(at) => {
            let present = run.sandbox.balance(at)?;
            let more = present.saturating_add(U256::ONE);
            (present, vec![U256::ZERO, U256::ONE, more, U256::MAX >> 128])
        }
        Read::Code(at) => {
            let present = run.sandbox.code(at)?;
            let codes = CODES.iter().map(|code| Bytes::from_static(code)).chain([Bytes::new()]);
            return Ok(codes.filter(|code| *code != present).map(Other::Code).collect());
        }
    };
    let pairs = expected.seen.compared.iter();
    let with = pairs.filter_map(|(a, b)| match present {
        _ if *a == present => Some(*b),
        _ if *b == present => Some(*a),
        _ => None,
    });
    // Large words first: those are nobody's by chance.
    let with: BTreeSet<_> = with.collect();
    let with = with.into_iter().rev().take(COMPARED_MAX);
    let with = with.flat_map(|word| [word, word.wrapping_add(U256::ONE)]);
    let mut words = BTreeSet::new();
    let all = bounds.into_iter().chain(with);
    Ok(all.filter(|word| *word != present && words.insert(*word)).map(Other::Word).collect())
}

fn sentence(run: &Run<'_>, expected: &Expected, op: &str, read: Read) -> String {
    let name = |at: Address| {
        let named = run.resolved.outside.iter().find(|(_, named)| **named == at);
        match named {
            Some((name, _)) => format!("@{name}"),
            None if at == run.resolved.executor.address() => "whoever acts".to_owned(),
            None => at.to_string(),
        }
    };
    let what = match read {
        Read::Slot(at, slot) => format!("{} decides by slot {slot}", name(at)),
        Read::Balance(at) => match expected.created.get(&at) {
            Some(made) => {
                format!("lay at {} before it was created, which anybody decides", made.op)
            }
            None => format!("the balance of {} decides", name(at)),
        },
        Read::Used(_, at, slot) => {
            let of = expected.created.get(&at).map_or(at.to_string(), |made| made.op.clone());
            return format!(
                "{op} holds what slot {slot} of {of} decides, and anybody may create and use {of} \
                 before the batch runs: leave out {of}'s `guarded = false`, or add an `expect` \
                 that shows it, by which the batch fails once somebody did"
            );
        }
        Read::Code(at) => format!("code at {} decides, which may come or go", name(at)),
    };
    format!(
        "{op} holds what {what}: add an `expect` that shows it, since it may change before the \
         batch runs"
    )
}
