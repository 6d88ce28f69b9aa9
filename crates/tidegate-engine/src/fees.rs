//! Fee limits of a transaction, and the cost that a person approves.

use alloy_primitives::{B256, U256};
use tidegate_model::digest::JcsError;

use crate::error::EngineError;

/// The fee limits of every signed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeCap {
    /// The highest fee per gas, in wei: above it a transaction waits.
    pub per_gas: u128,
    /// The highest tip per gas, in wei: whoever asks for more gets this.
    pub tip: u128,
    /// The most that one transaction may cost in fees, in wei.
    pub total: U256,
}

impl FeeCap {
    /// 500 gwei, of which 10 gwei are tip, and one ether.
    pub const DEFAULT: Self = Self {
        per_gas: 500_000_000_000,
        tip: 10_000_000_000,
        total: U256::from_limbs([WEI_PER_ETHER, 0, 0, 0]),
    };
}

const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;
/// The least tip, in wei: less than the thousandth part of a gwei is left lying.
const TIP_WEI_MIN: u128 = 1_000_000;
/// Powers of ten up to which ceilings are listed: a million ether.
const CEILING_DIGITS_MAX: u32 = 24;

/// EIP-1559 fees, in wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fees {
    /// The most it pays.
    pub(crate) max_fee_per_gas: u128,
    /// The tip to the block's producer, in wei per gas.
    pub(crate) max_priority_fee_per_gas: u128,
}

impl Fees {
    /// Twice the base fee, so that it outlasts six full blocks, and the tip on top, which is kept
    /// within sane bounds.
    ///
    /// # Errors
    /// If that is above the cap.
    pub(crate) fn quote(op: &str, base: u128, tip: u128, cap: FeeCap) -> Result<Self, EngineError> {
        let tip = tip.max(TIP_WEI_MIN).min(cap.tip);
        let needed = base.saturating_mul(2).saturating_add(tip);
        Self { max_fee_per_gas: needed, max_priority_fee_per_gas: tip }.within(op, base, cap)
    }

    /// The fees of a replacement: an eighth above what was signed before, as nodes ask, and at
    /// least what a fresh quote gives.
    ///
    /// # Errors
    /// If that is above the cap.
    pub(crate) fn bump(self, op: &str, fresh: Self, cap: FeeCap) -> Result<Self, EngineError> {
        let base = fresh.max_fee_per_gas.saturating_sub(fresh.max_priority_fee_per_gas) / 2;
        let raise = |fee: u128| fee.saturating_add(fee / 8).saturating_add(1);
        Self {
            max_fee_per_gas: raise(self.max_fee_per_gas).max(fresh.max_fee_per_gas),
            max_priority_fee_per_gas: raise(self.max_priority_fee_per_gas)
                .max(fresh.max_priority_fee_per_gas),
        }
        .within(op, base, cap)
    }

    /// The most that so much gas costs, in wei.
    pub(crate) fn most(self, gas: u64) -> U256 {
        U256::from(gas).saturating_mul(U256::from(self.max_fee_per_gas))
    }

    fn within(self, op: &str, base_fee: u128, cap: FeeCap) -> Result<Self, EngineError> {
        let needed = self.max_fee_per_gas;
        if needed <= cap.per_gas {
            return Ok(self);
        }
        Err(EngineError::FeeCap { op: op.to_owned(), base_fee, needed, cap: cap.per_gas })
    }
}

/// Gas with the margin that a transaction is given.
pub(crate) const fn with_margin(gas: u64) -> u64 {
    gas.saturating_add(gas / 4)
}

/// Whether an endpoint's estimate, with its margin, asks for no more than what local execution
/// measured has with the margin: then the chain counts gas as local execution does.
pub(crate) const fn is_alike(estimated: u64, measured: u64) -> bool {
    estimated <= with_margin(with_margin(measured))
}

/// A most that fees may come to. It is approved with what is sent, so it has few values: 1, 2 and
/// 5 times powers of ten. What was approved under one holds while fees stay below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// The most, in wei.
    pub most: U256,
}

impl Ceiling {
    /// The ceiling to go by, for what needs up to `needed` wei: the one that is `named` by its
    /// hash; else the highest that was approved before and suffices; else the next one.
    ///
    /// # Errors
    /// If none below `cap` suffices, or `hash` fails.
    pub fn choose(
        op: &str,
        needed: U256,
        cap: U256,
        hash: impl Fn(U256) -> Result<B256, JcsError>,
        approved: &[B256],
        named: impl Fn(B256) -> bool,
    ) -> Result<Self, EngineError> {
        let enough = ceilings().filter(|most| *most >= needed && *most <= cap);
        let steps = enough.map(|most| Ok((most, hash(most)?)));
        let steps: Vec<(U256, B256)> = steps.collect::<Result<_, JcsError>>()?;
        let by_name = steps.iter().find(|(_, hash)| named(*hash));
        let before = || steps.iter().rev().find(|(_, hash)| approved.contains(hash));
        match by_name.or_else(before).or(steps.first()) {
            Some((most, _)) => Ok(Self { most: *most }),
            None => Err(EngineError::Ceiling { op: op.to_owned(), needed, most: cap }),
        }
    }
}

fn ceilings() -> impl Iterator<Item = U256> {
    let ten = U256::from(10);
    (0..=CEILING_DIGITS_MAX).flat_map(move |digits| {
        [1_u64, 2, 5].map(|first| U256::from(first).saturating_mul(ten.pow(U256::from(digits))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: FeeCap = FeeCap { per_gas: 100_000_000, tip: 10_000_000, total: U256::MAX };

    #[test]
    fn fees_never_pass_the_cap() {
        let fees = Fees::quote("x", 30_000_000, 10_000_000, CAP).unwrap();
        let expected = Fees { max_fee_per_gas: 70_000_000, max_priority_fee_per_gas: 10_000_000 };
        assert_eq!(fees, expected);
        let bumped = fees.bump("x", fees, CAP).unwrap();
        let expected = Fees { max_fee_per_gas: 78_750_001, max_priority_fee_per_gas: 11_250_001 };
        assert_eq!(bumped, expected);
        assert!(Fees::quote("x", 46_000_000, 10_000_000, CAP).is_err());
        assert!(Fees::quote("x", u128::MAX, 10, CAP).is_err());
        assert!(Fees { max_fee_per_gas: 95_000_000, ..fees }.bump("x", fees, CAP).is_err());
    }

    #[test]
    fn the_cap_itself_may_be_paid() {
        let at = |base| Fees::quote("x", base, 10_000_000, CAP);
        assert_eq!(at(45_000_000).unwrap().max_fee_per_gas, CAP.per_gas);
        let refused = at(45_000_001);
        assert!(
            matches!(&refused, Err(EngineError::FeeCap { op, needed: 100_000_002, cap, .. })
                if op == "x" && *cap == CAP.per_gas),
            "{refused:?}"
        );
    }

    #[test]
    fn a_replacement_pays_an_eighth_more_and_at_least_a_fresh_quote() {
        let old = Fees { max_fee_per_gas: 800, max_priority_fee_per_gas: 80 };
        let bump = |fee, tip| {
            let fresh = Fees { max_fee_per_gas: fee, max_priority_fee_per_gas: tip };
            let fees = old.bump("x", fresh, CAP).unwrap();
            (fees.max_fee_per_gas, fees.max_priority_fee_per_gas)
        };
        assert_eq!(bump(1, 1), (901, 91));
        assert_eq!(bump(902, 1), (902, 91));
        assert_eq!(bump(1, 92), (901, 92));
    }

    #[test]
    fn gas_has_a_quarter_more_and_each_costs_the_most_it_may() {
        assert_eq!([0, 3, 4, 100_000, u64::MAX].map(with_margin), [0, 3, 5, 125_000, u64::MAX]);
        let fees = Fees { max_fee_per_gas: 7, max_priority_fee_per_gas: 3 };
        assert_eq!(fees.most(100), U256::from(700));
    }

    #[test]
    fn nothing_costs_more_than_an_ether_or_500_gwei_a_gas() {
        let FeeCap { per_gas, tip, total } = FeeCap::DEFAULT;
        let gwei = 1_000_000_000;
        assert_eq!((per_gas, tip), (500 * gwei, 10 * gwei));
        assert_eq!(total, U256::from(gwei * gwei));
    }

    #[test]
    fn tips_are_kept_sane() {
        let tip = |asked| Fees::quote("x", 1, asked, CAP).unwrap().max_priority_fee_per_gas;
        assert_eq!(
            [tip(0), tip(2_000_000), tip(500_000_000_000), tip(u128::MAX)],
            [TIP_WEI_MIN, 2_000_000, 10_000_000, 10_000_000]
        );
    }

    #[test]
    fn a_ceiling_is_what_was_approved_or_named_or_the_next() {
        let hash = |most: U256| B256::from(most);
        let wei = U256::from::<u64>;
        let choose = |needed: u64, approved: &[u64], named: u64| {
            let approved: Vec<_> = approved.iter().map(|most| hash(wei(*most))).collect();
            let hashed = |most| Ok(hash(most));
            Ceiling::choose("x", wei(needed), wei(1_000), hashed, &approved, |found| {
                found == hash(wei(named))
            })
            .map(|ceiling| ceiling.most.to::<u64>())
        };
        assert_eq!(choose(101, &[], 0).unwrap(), 200);
        assert_eq!(choose(200, &[], 0).unwrap(), 200);
        // Fees fell since it was named: it still names what it named.
        assert_eq!(choose(101, &[], 500).unwrap(), 500);
        assert_eq!(choose(101, &[500], 200).unwrap(), 200);
        // They rose above it, or it names nothing: the next one is asked for.
        assert_eq!(choose(101, &[], 100).unwrap(), 200);
        assert_eq!(choose(101, &[100, 500], 0).unwrap(), 500);
        assert_eq!(choose(501, &[100, 500], 0).unwrap(), 1_000);
        assert_eq!(choose(0, &[100, 200], 0).unwrap(), 200);
        let refused = choose(1_001, &[], 0);
        let (wanted, cap) = (wei(1_001), wei(1_000));
        assert!(
            matches!(&refused, Err(EngineError::Ceiling { op, needed, most })
                if op == "x" && *needed == wanted && *most == cap),
            "{refused:?}"
        );
        // What is named or was approved above the cap counts no more than below what is needed.
        assert_eq!(choose(300, &[2_000], 5_000).unwrap(), 500);
    }
}
