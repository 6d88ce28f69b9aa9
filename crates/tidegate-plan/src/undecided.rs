//! What others decide by state outside the plan is shown by an `expect`, which the batch requires:
//! else it could change between the owners' signatures and the execution, and nobody would notice.
//!
//! It is judged by trial: the plan runs once more with each thing that it looked at being
//! something else. Code that cannot change any more is not varied, so what an external's code alone
//! gives, such as an immutable, needs no `expect`: the batch requires that code.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256, address, hex};
use tidegate_evm::{EvmError, Part, Sandbox};
use tidegate_model::ports::{AccountState, StateKey};

use crate::expected::{Created, Expected};
use crate::foreign::is_precompile;
use crate::resolve::{Op, OpKind};
use crate::run::{Before, Run};

/// The most things outside the plan that are varied one by one.
const READS_MAX: usize = 128;
/// The most words of one slot that are tried because it was compared with them.
const COMPARED_MAX: usize = 48;
/// A word that no chain holds, in place of an address or a number.
const STRANGE: Address = address!("7469646567617465000000000000000000057a7e");
/// Code that an account may be given: it does nothing, it fails, it answers 1.
const CODES: [&[u8]; 3] = [&hex!("00"), &hex!("5f5ffd"), &hex!("60015f5260205ff3")];
/// How code begins that borrows another account's, by EIP-7702.
const DELEGATION: [u8; 3] = hex!("ef0100");

/// Something outside the plan that it looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    /// A slot.
    Slot(Address, U256),
    /// A balance; of a contract of the plan what lay there before its creation.
    Balance(Address),
    /// Whether there is code, where it may still come or go.
    Code(Address),
    /// A slot of a contract of the plan that anybody may create and use before the operation with
    /// this index, which creates another one.
    Used(usize, Address, U256),
}

/// What stands in place of something that was read.
#[derive(Debug, Clone)]
enum Other {
    Word(U256),
    Code(Bytes),
}

/// Refuses a plan of which a created contract would be or hold something else if state outside the
/// plan did, while no operation and no `expect` fails then. `created` is what the run gives.
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
    let mut trial = Trial { run, created, missing: BTreeSet::new() };
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
    for round in 0..rounds {
        let pick = |(read, values): &'_ (Read, Vec<Other>)| {
            Some((*read, values.get(round).or(values.first())?.clone()))
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
        found.extend(trial.calls_of_others(expected));
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

/// What an operation that creates reads of contracts that stand there before it. Nobody comes between
/// what only the executor can create and what follows.
fn used(run: &Run<'_>, slots: &[BTreeSet<(Address, U256)>], expected: &Expected) -> BTreeSet<Read> {
    let mut reads = BTreeSet::new();
    let mut before = BTreeSet::new();
    for (index, (op, slots)) in run.resolved.ops.iter().zip(slots).enumerate() {
        if matches!(op.kind, OpKind::Create { .. }) {
            let slots = slots.iter().filter(|(at, _)| before.contains(at));
            reads.extend(slots.map(|(at, slot)| Read::Used(index, *at, *slot)));
        }
        if !matches!(op.kind, OpKind::Create { guarded: Some(_), .. }) {
            let made = expected.created.iter().filter(|(_, made)| made.is_of(&op.id));
            before.extend(made.map(|(at, _)| *at));
        }
    }
    reads
}

/// What else may be there: bounds, a strange address, the least change, and whatever it was compared
/// with, since that is where code turns.
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

struct Trial<'t, 'a> {
    run: &'t Run<'a>,
    created: &'t BTreeMap<Address, Created>,
    missing: BTreeSet<StateKey>,
}

impl<'a> Trial<'_, 'a> {
    /// The operation whose contract is another one then, while nothing fails.
    fn changes(&mut self, others: &[(Read, &Other)]) -> Option<String> {
        let sandbox = others.iter().try_fold(self.run.sandbox.clone(), |sandbox, (read, other)| {
            changed(sandbox, *read, other)
        });
        let before = others.iter().find_map(|(read, other)| match (read, other) {
            (Read::Used(op, at, slot), Other::Word(word)) => {
                Some((*op, Before::Slot(*at, *slot, *word)))
            }
            _ => None,
        });
        self.run_with(sandbox, before)
    }

    /// The call that anybody can make first, after which a contract holds something else.
    fn calls_of_others(&mut self, expected: &Expected) -> Option<String> {
        for (index, op) in self.run.resolved.ops.iter().enumerate() {
            let OpKind::Call { to, .. } = op.kind else { continue };
            // Nobody comes between what only the executor can create and what follows.
            let guarded = |op: &Op| match op.kind {
                OpKind::Create { guarded, address, .. } => guarded.is_some() && address == to,
                OpKind::Call { .. } => false,
            };
            let is_guarded = self.run.resolved.ops.iter().any(guarded);
            if is_guarded || !expected.created.contains_key(&to) {
                continue;
            }
            let sandbox = Ok(self.run.sandbox.clone());
            if let Some(other) = self.run_with(sandbox, Some((index, Before::Call(STRANGE)))) {
                return Some(format!(
                    "anybody can make the call {} first, and then {other} holds something else: \
                     let only the owner call it, or add an `expect` that shows what it leaves",
                    op.id
                ));
            }
        }
        None
    }

    fn run_with(
        &mut self,
        sandbox: Result<Sandbox<'a>, EvmError>,
        before: Option<(usize, Before)>,
    ) -> Option<String> {
        let ran = sandbox
            .and_then(|sandbox| Run { sandbox, before, contexts: false, ..self.run.clone() }.ops());
        let found = match ran {
            Ok(found) if found.faults.is_empty() => found.created,
            Err(EvmError::Missing(keys)) => {
                self.missing.extend(keys);
                return None;
            }
            // The plan fails, and so would the batch.
            Ok(_) | Err(_) => return None,
        };
        let all = self.created.iter().chain(&found);
        let mut other = all.filter(|(at, _)| match (self.created.get(*at), found.get(*at)) {
            (Some(made), Some(other)) => {
                let mut slots = made.slots.keys().chain(other.slots.keys());
                let differs = |slot: &U256| {
                    let (one, other) = (last(made, slot), last(other, slot));
                    // What strangers left there is theirs, as long as nothing follows from it.
                    let left = matches!(
                        before,
                        Some((_, Before::Slot(of, poked, word)))
                            if (of, poked, word) == (**at, *slot, other)
                    );
                    one != other && !left
                };
                made.code != other.code || slots.any(differs)
            }
            _ => true,
        });
        other.next().map(|(_, made)| made.op.clone())
    }
}

fn last(made: &Created, slot: &U256) -> U256 {
    made.slots.get(slot).and_then(|values| values.last()).copied().unwrap_or_default()
}

fn changed<'a>(sandbox: Sandbox<'a>, read: Read, other: &Other) -> Result<Sandbox<'a>, EvmError> {
    Ok(match (read, other) {
        (Read::Slot(at, slot), Other::Word(word)) => sandbox.with_slot(at, slot, *word),
        (Read::Balance(at), Other::Word(word)) => {
            let AccountState { nonce, code, .. } = sandbox.account(at)?;
            match nonce == 0 && code.is_empty() {
                // A contract of the plan can still be created there.
                true => sandbox
                    .with_account(at, AccountState { balance: *word, ..AccountState::default() }),
                false => sandbox.with_balance(at, *word),
            }
        }
        (Read::Code(at), Other::Code(code)) => sandbox.with_code(at, code.clone()),
        (_, Other::Word(_) | Other::Code(_)) => sandbox,
    })
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
                 before the batch runs: add an `expect` that shows it, or create {of} with \
                 `guarded = true`"
            );
        }
        Read::Code(at) => format!("code at {} decides, which may come or go", name(at)),
    };
    format!(
        "{op} holds what {what}: add an `expect` that shows it, since it may change before the \
         batch runs"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::expected::When;
    use crate::resolve::{Check, OpKind, Resolved};
    use crate::trial::{
        ANSWER, OTHER, answer_of_other, at, balance_of_other, call, creation, factory, faults,
        found, leaving, plan, plan_of, reader,
    };

    #[test]
    fn what_an_external_decides_is_shown() {
        let mut kept = plan(&answer_of_other(), true);
        kept.outside.insert("usdc".to_owned(), OTHER);
        let found = faults(&kept, &ANSWER, When::Before);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("reader holds what @usdc decides by slot 0"), "{found:?}");
        assert!(faults(&kept, &ANSWER, When::After).is_empty(), "it stands there");

        let (op, ..) = kept.creations().next().unwrap();
        let OpKind::Create { address: to, .. } = op.kind else { panic!("a creation") };
        let returns = U256::from(5).to_be_bytes::<32>().into();
        kept.checks.push(Check {
            step: "reader".to_owned(),
            signature: "kept()".to_owned(),
            to,
            data: Bytes::new(),
            returns,
            value: Value::Null,
        });
        assert!(faults(&kept, &ANSWER, When::Before).is_empty(), "the batch requires it");

        let mut dropped = plan(&answer_of_other(), false);
        dropped.outside.insert("usdc".to_owned(), OTHER);
        assert!(faults(&dropped, &ANSWER, When::Before).is_empty(), "nothing is kept of it");
    }

    /// What is wrong with a plan that names `OTHER`.
    fn judged(mut plan: Resolved, code: &[u8]) -> String {
        plan.outside.insert("usdc".to_owned(), OTHER);
        let found = faults(&plan, code, When::Before);
        assert!(found.len() <= 1, "{found:?}");
        found.first().cloned().unwrap_or_default()
    }

    #[test]
    fn code_that_cannot_change_decides_what_it_likes() {
        let answers_42 = hex!("602a60005260206000f3");
        assert_eq!(judged(plan(&answer_of_other(), true), &answers_42), "");
    }

    #[test]
    fn words_that_are_compared_are_tried() {
        let decides = "reader holds what @usdc decides by slot 0";
        // Is it 0xdeadbeef? Today it is 5.
        for compare in [hex!("63deadbeef14"), hex!("63deadbeef10"), hex!("63deadbeef11")] {
            let read = [answer_of_other(), compare.to_vec()].concat();
            assert!(judged(plan(&read, true), &ANSWER).starts_with(decides), "{compare:?}");
            assert_eq!(judged(plan(&read, false), &ANSWER), "");
        }
        // Either of two words is not enough.
        let both = hex!("6001600054146001600154141660005260206000f3");
        let found = judged(plan(&answer_of_other(), true), &both);
        assert!(found.contains("what several values outside the plan decide together"), "{found}");
    }

    #[test]
    fn balances_and_code_are_tried() {
        let found = judged(plan(&balance_of_other(), true), &ANSWER);
        assert!(found.starts_with("reader holds what the balance of @usdc decides"), "{found}");
        let own = judged(plan(&hex!("47"), true), &[]);
        assert!(own.starts_with("reader holds what lay at reader before it was created"), "{own}");
        // Whether there is code where there is none yet; not where there is some for good.
        let size = [&hex!("73")[..], OTHER.as_slice(), &hex!("3b")].concat();
        let found = judged(plan(&size, true), &[]);
        assert!(found.starts_with("reader holds what code at @usdc decides"), "{found}");
        assert_eq!(judged(plan(&size, true), &ANSWER), "");
        let borrowed = [&DELEGATION[..], &[7; 20]].concat();
        assert!(judged(plan(&size, true), &borrowed).contains("code at @usdc decides"));
    }

    /// A factory, and a step that calls it.
    fn made_by_a_call(child: &Bytes) -> Resolved {
        let maker = creation("maker", leaving(&factory(child)), true);
        let to = at(&maker);
        plan_of(vec![maker, call("make", to)])
    }

    #[test]
    fn what_a_call_creates_is_of_the_plan() {
        let found = found(&made_by_a_call(&reader(&hex!("46"), true)), &[], When::Before);
        assert_eq!(found.faults, Vec::<String>::new());
        let made: Vec<_> = found.created.values().filter(|made| made.nested).collect();
        let [made] = made.as_slice() else { panic!("{:?}", found.created) };
        assert_eq!((made.op.as_str(), made.code.as_ref()), ("make+1", &ANSWER[..]));
        assert_eq!(made.slots[&U256::ZERO].last(), Some(&U256::ONE), "the chain's id");

        let unnamed = made_by_a_call(&reader(&answer_of_other(), true));
        let faults = faults(&unnamed, &ANSWER, When::After);
        assert!(faults[0].starts_with("make+1 reads 0x"), "{faults:?}");
        let decided = judged(unnamed, &ANSWER);
        assert!(decided.starts_with("make+1 holds what @usdc decides by slot 0"), "{decided}");
    }

    #[test]
    fn what_cannot_be_made_again_cannot_be_compared() {
        // By the nonce of a contract that is there already.
        let child = reader(&hex!("46"), true);
        let found = judged(plan_of(vec![call("make", OTHER)]), &factory(&child));
        assert!(found.starts_with("make+1 at 0x"), "{found}");
        assert!(found.contains("let a contract of the plan create it"), "{found}");
    }

    /// What a contract answers whose code this is, kept in slot 0 of another one.
    fn asking(of: Address) -> Bytes {
        let call = [&hex!("602060006000600073")[..], of.as_slice(), &hex!("5afa50600051")];
        reader(&call.concat(), true)
    }

    #[test]
    fn what_strangers_make_of_an_earlier_contract_is_shown() {
        for guarded in [false, true] {
            let board = creation("board", leaving(&ANSWER), guarded);
            let boxed = creation("box", asking(at(&board)), false);
            let to = at(&boxed);
            let mut plan = plan_of(vec![board, boxed]);
            let found = judged(plan.clone(), &[]);
            if guarded {
                assert_eq!(found, "", "nobody comes between");
                continue;
            }
            let says =
                "box holds what slot 0 of board decides, and anybody may create and use board";
            assert!(found.starts_with(says), "{found}");
            plan.checks.push(Check {
                step: "box".to_owned(),
                signature: "kept()".to_owned(),
                to,
                data: Bytes::new(),
                returns: U256::ZERO.to_be_bytes::<32>().into(),
                value: Value::Null,
            });
            assert_eq!(judged(plan, &[]), "");
        }
    }

    #[test]
    fn a_call_that_anybody_makes_first_is_refused_where_it_shows_nowhere() {
        let called = |code: &[u8]| {
            let club = creation("club", leaving(code), false);
            let to = at(&club);
            judged(plan_of(vec![club, call("join", to)]), &[])
        };
        // Slot 0 counts; slot 1 has the first caller; slot 1 has whoever was first, and no second.
        let counts = called(&hex!("5f546001015f5500"));
        assert!(
            counts.starts_with("anybody can make the call join first, and then club"),
            "{counts}"
        );
        assert_eq!(called(&hex!("60015f5500")), "", "it leaves the same");
        assert_eq!(called(&hex!("5f54600a5733" "5f5500" "5b5f5ffd")), "", "the batch fails then");
    }
}
