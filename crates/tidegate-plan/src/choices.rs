//! What externals read of the transaction and its block decides nothing.
//!
//! Whoever has the owners' signatures sends on the target, and chooses gas price, block and maker.
//! A contract of the plan that asks for it is refused; so is one that rests on an external which
//! does. What such an external does for itself is varied.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256, address};
use tidegate_evm::{Asked, EvmError};

use crate::expected::{Asking, Expected};
use crate::run::Run;
use crate::senders::other_than;

/// The most words that are tried because something was compared with them.
const COMPARED_MAX: usize = 48;
/// No chain's coinbase, price or randomness.
const STRANGE: Address = address!("7469646567617465000000000000000000057a7e");
/// The advice of the error.
const INSTEAD: &str = "do without it while the plan is created and set up";

/// Refuses a plan that rests on externals which ask for what the sender, or the block's maker,
/// chooses; and one whose externals leave something else, anywhere, where that is chosen otherwise.
pub(crate) fn refuse_choices(
    plain: &Run<'_>,
    before: &Expected,
    expected: &mut Expected,
) -> Result<(), EvmError> {
    let blobs = expected.seen.asked.iter().find(|(_, what)| *what == Asked::Blobs);
    let blobs = blobs.map(|(at, what)| Asking { op: "the plan".to_owned(), at: *at, what: *what });
    if let Some(Asking { op, at, what }) = expected.asking.first().cloned().or(blobs) {
        let outside = &plain.resolved.outside;
        let named = outside.iter().find(|(_, named)| **named == at);
        let name = named.map_or_else(|| at.to_string(), |(name, _)| format!("@{name}"));
        expected.faults.push(format!(
            "{op} rests on {name}, which asks for {what}: that is the choice of who sends the \
             transaction or makes its block; {INSTEAD}"
        ));
        return Ok(());
    }
    let asked: BTreeSet<_> = expected.seen.asked.iter().map(|(_, what)| *what).collect();
    for what in asked.into_iter().filter(|what| *what != Asked::Gas) {
        for word in words(plain, expected) {
            let sandbox = plain.sandbox.clone().with_choice(what, word);
            let origin = match what {
                Asked::Origin => Address::from_word(word.into()),
                _ => plain.origin,
            };
            let found = Run { sandbox, origin, ..plain.clone() }.ops()?;
            if let Some(other) = other_than(plain, before, &found) {
                expected.faults.push(format!(
                    "{other} is something else for another choice of {what}, which is left to who \
                     sends the transaction or makes its block; {INSTEAD}"
                ));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The values to try: bounds, a strange word, and whatever the present choice was compared with.
fn words(plain: &Run<'_>, expected: &Expected) -> BTreeSet<U256> {
    let block = plain.sandbox.env().block;
    let word = |at: Address| U256::from_be_slice(at.as_slice());
    let present = [
        word(plain.origin),
        word(block.coinbase),
        block.prevrandao.into(),
        U256::from(block.gas_limit),
        U256::from(block.base_fee),
        U256::from(block.gas_price),
    ];
    let pairs = expected.seen.compared.iter();
    let with: BTreeSet<_> = pairs
        .filter_map(|(a, b)| match (present.contains(a), present.contains(b)) {
            (true, _) => Some(*b),
            (_, true) => Some(*a),
            _ => None,
        })
        .collect();
    // Large words first: those are nobody's by chance.
    let with = with.into_iter().rev().take(COMPARED_MAX);
    let with = with.flat_map(|word| [word, word.wrapping_add(U256::ONE)]);
    [U256::ONE, U256::MAX, word(STRANGE)].into_iter().chain(with).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use crate::expected::When;
    use crate::resolve::Resolved;
    use crate::trial::{
        OTHER, answer_of_other, at, call, creation, faults, leaving, plan_of, reader,
    };

    fn named(mut plan: Resolved) -> Resolved {
        plan.outside.insert("feed".to_owned(), OTHER);
        plan
    }

    /// Answers whether a word is larger than 123 gwei.
    fn answers(read: &[u8]) -> Vec<u8> {
        // PUSH5 123 gwei, the word, GT, kept in memory and returned.
        [&hex!("641ca35f0e00")[..], read, &hex!("1160005260206000f3")].concat()
    }

    #[test]
    fn what_a_creation_rests_on_does_not_ask() {
        let made =
            || named(plan_of(vec![creation("till", reader(&answer_of_other(), true), true)]));
        let reads = [
            (&hex!("3a")[..], "tx.gasprice"),
            (&hex!("32"), "tx.origin"),
            (&hex!("41"), "block.coinbase"),
            (&hex!("44"), "block.coinbase, block.prevrandao"),
            (&hex!("45"), "block.coinbase, block.prevrandao"),
            (&hex!("48"), "block.coinbase, block.prevrandao"),
            (&hex!("4a"), "block.coinbase, block.prevrandao"),
            (&hex!("606340"), "block.coinbase, block.prevrandao"),
            (&hex!("5f49"), "blobhash"),
            (&hex!("5a"), "the gas that is left"),
        ];
        for (read, what) in reads {
            let found = faults(&made(), &answers(read), When::Before);
            assert_eq!(found.len(), 1, "{read:x?}: {found:?}");
            let asks = format!("till rests on @feed, which asks for {what}");
            assert!(found[0].starts_with(&asks), "{found:?}");
        }
        // The time, a slot by nothing but its own code, a constant.
        for read in [&hex!("42")[..], &hex!("43"), &hex!("6007")] {
            assert_eq!(faults(&made(), &answers(read), When::Before), Vec::<String>::new());
        }
    }

    #[test]
    fn what_it_keeps_for_later_is_followed() {
        // Slot 9 holds whether the price is above 123 gwei; any call answers with it.
        let keeps = hex!("3a641ca35f0e00106009556009545f5260205ff3");
        let made = creation("till", reader(&answer_of_other(), true), true);
        let plan = named(plan_of(vec![call("poke", OTHER), made]));
        let found = faults(&plan, &keeps, When::Before);
        assert!(
            found[0].starts_with("till rests on @feed, which asks for tx.gasprice"),
            "{found:?}"
        );
    }

    #[test]
    fn an_external_may_ask_for_itself() {
        let alone = || named(plan_of(vec![call("poke", OTHER)]));
        // It drops the price; then it keeps whether that is above 123 gwei.
        assert_eq!(faults(&alone(), &hex!("3a5000"), When::Before), Vec::<String>::new());
        for read in ["3a", "41", "44", "48", "32"] {
            let read = hex::decode(read).unwrap();
            let keeps = [&hex!("641ca35f0e00")[..], &read, &hex!("1160095500")].concat();
            let found = faults(&alone(), &keeps, When::Before);
            assert_eq!(found.len(), 1, "{read:x?}: {found:?}");
        }
        // Exactly 123 gwei.
        for code in [hex!("641ca35f0e003a1460095500"), hex!("3a641ca35f0e001460095500")] {
            let found = faults(&alone(), &code, When::Before);
            assert!(found[0].contains("for another choice of tx.gasprice"), "{found:?}");
        }
        // A contract of the plan that is called back takes part.
        let made = creation("desk", leaving(&hex!("00")), true);
        let to = at(&made);
        let back = [&hex!("3a505f5f5f5f5f73")[..], to.as_slice(), &hex!("5af100")].concat();
        let plan = named(plan_of(vec![made, call("poke", OTHER)]));
        let found = faults(&plan, &back, When::Before);
        assert!(
            found[0].starts_with("poke rests on @feed, which asks for tx.gasprice"),
            "{found:?}"
        );
    }
}
