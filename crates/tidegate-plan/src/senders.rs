//! Who sends the transaction decides nothing.
//!
//! A key sends on the testnet. On the target the Safe acts, and whoever has its owners' signatures
//! sends. So what asks for `tx.origin` soaks with one answer and runs with another one.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use tidegate_evm::{AccountDiff, StateDiff};

use crate::expected::{Created, Expected};
use crate::kept::Outside;
use crate::outside::slot_of;
use crate::run::Run;

/// The most slots of an access list; each costs 1,900 gas.
const WARM_MAX: usize = 2_000;
/// The advice of the error.
const INSTEAD: &str = "use msg.sender, or pass what it needs as an argument";

/// Refuses a plan whose own contracts ask who sends the transaction while they are created and set
/// up, and one that changes anything else, anywhere, if somebody else sends it.
pub(crate) fn refuse_senders(
    run: &Run<'_>,
    (sent, by_somebody): (&Run<'_>, &Expected),
    expected: &mut Expected,
) {
    let mut asked = expected.seen.asked.iter();
    let asking = asked.find_map(|(at, what)| Some((expected.created.get(at)?, what)));
    if let Some((made, what)) = asking {
        let op = &made.op;
        expected.faults.push(format!(
            "{op} asks for {what}, which is the choice of who sends the transaction or makes its \
             block, and on the target anybody with the owners' signatures may send; {INSTEAD}"
        ));
        return;
    }
    if let Some(fault) = by_somebody.faults.first() {
        expected.faults.push(format!(
            "{fault}, if somebody else sends the transaction (tx.origin); {INSTEAD}"
        ));
        return;
    }
    let ours = run.effects.iter().zip(&sent.effects);
    for ((op, one), (_, other)) in ours {
        let origins = [run.origin, sent.origin];
        let (one, other) = (changes(one, origins), changes(other, origins));
        let all = one.keys().chain(other.keys());
        let Some(at) = all.into_iter().find(|at| one.get(*at) != other.get(*at)) else { continue };
        let name = expected.created.get(at).map_or(at.to_string(), |made| made.op.clone());
        expected.faults.push(format!(
            "{op} leaves {name} otherwise if somebody else sends the transaction (tx.origin); \
             {INSTEAD}"
        ));
        return;
    }
}

/// Half as much gas again as each operation took, for a run that shows who asks how much is left.
pub(crate) fn tight(gas: &[(String, u64)]) -> BTreeMap<String, u64> {
    gas.iter().map(|(op, gas)| (op.clone(), gas.saturating_add(gas / 2))).collect()
}

/// Everything that a plan looks at, as an access list (EIP-2930) names it.
pub(crate) fn warm(expected: &Expected) -> BTreeMap<Address, BTreeSet<U256>> {
    let mut warm: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
    for (at, slot) in expected.seen.slots.union(&expected.seen.written).take(WARM_MAX) {
        warm.entry(*at).or_default().insert(*slot);
    }
    let accounts = expected.seen.looks.iter().map(|look| look.at);
    for at in accounts.chain(expected.created.keys().copied()) {
        warm.entry(at).or_default();
    }
    warm
}

/// Refuses a plan of which a contract, also one that is there already, is or holds something else
/// with less gas, or where everything that it reads costs less, and nothing fails.
pub(crate) fn refuse_gas(
    run: &Run<'_>,
    found: &Expected,
    (with_less, what): (&Expected, &str),
    expected: &mut Expected,
) {
    if !expected.faults.is_empty() {
        return;
    }
    let Some(other) = other_than(run, found, with_less) else { return };
    expected.faults.push(format!(
        "{other} depends on {what}, which is the choice of who sends the transaction"
    ));
}

/// A contract that is or holds something else after another run in which nothing fails, or a slot
/// of one that is there already. What is known to differ from block to block is left out.
pub(crate) fn other_than(run: &Run<'_>, found: &Expected, otherwise: &Expected) -> Option<String> {
    if !otherwise.faults.is_empty() || otherwise.skipped != found.skipped {
        return None;
    }
    let is_other = |(at, made): &(&Address, &Created)| {
        let Some(other) = otherwise.created.get(*at) else { return true };
        let slots = made.slots.keys().chain(other.slots.keys());
        let mut slots = slots.filter(|slot| !made.varying.contains(slot));
        other.code != made.code || slots.any(|slot| made.slots.get(slot) != other.slots.get(slot))
    };
    if let Some((_, made)) = found.created.iter().find(is_other) {
        return Some(made.op.clone());
    }
    let all = found.outside.iter().chain(&otherwise.outside);
    let mut slots = all.filter(|(_, kept)| kept.is_changed()).map(|(key, _)| key);
    let varies = |key| found.outside.get(key).is_some_and(|kept| kept.varies);
    let after = |outside: &Outside, key| outside.get(key).map(|kept| kept.after);
    let is_other = |key| after(&found.outside, key) != after(&otherwise.outside, key);
    let (at, slot) = slots.find(|key| !varies(key) && is_other(key))?;
    Some(slot_of(run.resolved, *at, *slot))
}

/// The changes of a run, without the nonces of those who may have sent it.
fn changes(diff: &StateDiff, origins: [Address; 2]) -> BTreeMap<Address, AccountDiff> {
    let accounts = diff.accounts.iter().map(|(at, account)| {
        let mut account = account.clone();
        if origins.contains(at) {
            account.nonce = None;
        }
        (*at, account)
    });
    accounts.filter(|(_, account)| !account.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use crate::expected::When;
    use crate::resolve::Resolved;
    use crate::trial::{ANSWER, OTHER, at, call, creation, faults, leaving, plan_of, reader};

    /// Keeps ORIGIN in slot 0.
    const KEEPS: [u8; 4] = hex!("325f5500");
    /// Goes on, whatever ORIGIN is.
    const ASKS: [u8; 3] = hex!("325000");

    fn fault(plan: &Resolved, code: &[u8]) -> String {
        let found = [When::Before, When::After].map(|when| faults(plan, code, when));
        assert_eq!(found[0], found[1]);
        assert!(found[0].len() <= 1, "{found:?}");
        found[0].first().cloned().unwrap_or_default()
    }

    #[test]
    fn own_contracts_do_not_ask_who_sends() {
        let asks = "asks for tx.origin, which is the choice of who sends the transaction";
        let guarded = plan_of(vec![creation("till", reader(&hex!("32"), true), true)]);
        assert!(fault(&guarded, &[]).starts_with(&format!("till {asks}")));
        // Whatever becomes of it: it may be compared with one key.
        let dropped = plan_of(vec![creation("till", reader(&hex!("32"), false), true)]);
        assert!(fault(&dropped, &[]).starts_with(&format!("till {asks}")));
        for code in [&KEEPS[..], &ASKS] {
            let made = creation("desk", leaving(code), false);
            let to = at(&made);
            let called = plan_of(vec![made, call("open", to)]);
            assert!(fault(&called, &[]).starts_with(&format!("desk {asks}")), "{code:?}");
        }
        // A constructor that anybody may run names it as before.
        let open = plan_of(vec![creation("till", reader(&hex!("32"), true), false)]);
        assert!(fault(&open, &[]).contains("depends on the origin (tx.origin)"));
        let asking = [
            (hex!("3a5000"), "tx.gasprice"),
            (hex!("5f4950"), "blobhash"),
            (hex!("415000"), "block.coinbase"),
            (hex!("5f4050"), "block.coinbase, block.prevrandao, blockhash"),
        ];
        for (asking, what) in asking {
            let made = creation("desk", leaving(&asking), false);
            let to = at(&made);
            let called = plan_of(vec![made, call("open", to)]);
            assert!(fault(&called, &[]).starts_with(&format!("desk asks for {what}")));
        }
        // Whether more than 8,000,000 gas is left, or 1,000; whatever becomes of it.
        for (read, keeps) in [(&hex!("627a12005a11")[..], true), (&hex!("6103e85a11"), false)] {
            let gas = plan_of(vec![creation("till", reader(read, keeps), true)]);
            assert!(fault(&gas, &[]).starts_with("till asks for the gas that is left (gasleft)"));
        }
        let quiet = creation("desk", leaving(&ANSWER), false);
        let to = at(&quiet);
        assert_eq!(fault(&plan_of(vec![quiet, call("open", to)]), &[]), "");
    }

    #[test]
    fn with_less_gas_is_half_as_much_again() {
        let gas = super::tight(&[("go".to_owned(), 100), ("on".to_owned(), u64::MAX)]);
        assert_eq!(gas, [("go".to_owned(), 150), ("on".to_owned(), u64::MAX)].into());
    }

    #[test]
    fn others_may_ask_as_long_as_nothing_follows_from_it() {
        let mut plan = plan_of(vec![call("open", OTHER)]);
        plan.outside.insert("feed".to_owned(), OTHER);
        let other = format!("open leaves {OTHER} otherwise if somebody else sends");
        assert!(fault(&plan, &KEEPS).starts_with(&other));
        assert_eq!(fault(&plan, &ASKS), "");
        // ORIGIN, the executor, EQ, and a failure where they differ.
        let only = [&hex!("3273")[..], &[1; 20], &hex!("14601d575f5ffd5b00")].concat();
        let found = faults(&plan, &only, When::Before);
        assert!(found[0].contains("if somebody else sends the transaction"), "{found:?}");
    }
}
