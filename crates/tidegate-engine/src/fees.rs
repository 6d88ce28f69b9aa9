//! What a transaction may pay.

use crate::error::EngineError;

/// The highest fee per gas that is ever signed, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeCap(pub u128);

impl FeeCap {
    /// 500 gwei: above it a deployment waits or asks for a decision.
    pub const DEFAULT: Self = Self(500_000_000_000);
}

/// EIP-1559 fees, in wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// The most it pays.
    pub max_fee_per_gas: u128,
    /// What goes to the block's producer.
    pub max_priority_fee_per_gas: u128,
}

impl Fees {
    /// Twice the base fee, so that it outlasts six full blocks, and the priority fee on top.
    ///
    /// # Errors
    /// If that is above the cap.
    pub fn quote(op: &str, base: u128, priority: u128, cap: FeeCap) -> Result<Self, EngineError> {
        let needed = base.saturating_mul(2).saturating_add(priority);
        Self { max_fee_per_gas: needed, max_priority_fee_per_gas: priority }.within(op, cap)
    }

    /// The fees of a replacement: an eighth above what was signed before, as nodes ask, and at
    /// least what a fresh quote gives.
    ///
    /// # Errors
    /// If that is above the cap.
    pub fn bump(self, op: &str, fresh: Self, cap: FeeCap) -> Result<Self, EngineError> {
        let raise = |fee: u128| fee.saturating_add(fee / 8).saturating_add(1);
        Self {
            max_fee_per_gas: raise(self.max_fee_per_gas).max(fresh.max_fee_per_gas),
            max_priority_fee_per_gas: raise(self.max_priority_fee_per_gas)
                .max(fresh.max_priority_fee_per_gas),
        }
        .within(op, cap)
    }

    fn within(self, op: &str, cap: FeeCap) -> Result<Self, EngineError> {
        let needed = self.max_fee_per_gas;
        if needed <= cap.0 {
            return Ok(self);
        }
        Err(EngineError::FeeCap { op: op.to_owned(), needed, cap: cap.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_never_pass_the_cap() {
        let cap = FeeCap(100);
        let fees = Fees::quote("x", 30, 10, cap).unwrap();
        assert_eq!(fees, Fees { max_fee_per_gas: 70, max_priority_fee_per_gas: 10 });
        let bumped = fees.bump("x", fees, cap).unwrap();
        assert_eq!(bumped, Fees { max_fee_per_gas: 79, max_priority_fee_per_gas: 12 });
        assert!(Fees::quote("x", 46, 10, cap).is_err());
        assert!(Fees::quote("x", u128::MAX, 10, cap).is_err());
        assert!(Fees { max_fee_per_gas: 95, ..fees }.bump("x", fees, cap).is_err());
    }
}
