//! Accounts and commodities.

use std::fmt;

use alloy_primitives::{Address, hex};
use serde::{Serialize, Serializer};
use tidegate_model::{ChainId, StatementDigest};

/// Decimal places of every chain's own coin.
pub(crate) const NATIVE_DECIMALS: usize = 18;

/// The bytes of a request's digest that name its account.
const REQUEST_BYTES: usize = 8;

/// The coin of one chain. Coins of two chains are two commodities, so nothing can add them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commodity(pub ChainId);

/// A network's name as part of an account's: letters, digits and `-`, with a capital or digit
/// first, which every accounting program accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkLabel(String);

/// An account of the books; its text form is in `docs/formats.md`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The fund's own wallet or Safe.
    Treasury(NetworkLabel, Address),
    /// A deployer's or tester's key.
    Wallet(NetworkLabel, Address),
    /// Value that lies in a contract of ours and can still come back.
    InContract(NetworkLabel, Address),
    /// Execution fees of transactions that succeeded.
    GasExecution,
    /// What a rollup charges for data on the chain below.
    GasL1Data,
    /// What a rollup's operator charges.
    GasOperator,
    /// All fees of transactions that failed.
    GasReverted,
    /// Value that was sent to somebody outside.
    TestTransfers,
    /// Value that came from somebody outside.
    Unsolicited,
    /// What a network's wallets held before their first entry.
    Opening(NetworkLabel),
    /// Spend that no request covers.
    OwnFunds,
    /// Budget that is free.
    EncumbranceOpen,
    /// Budget that an approval reserves.
    Encumbrance(StatementDigest),
    /// Where the chain and the known transactions disagree.
    Unreconciled(NetworkLabel),
}

impl NetworkLabel {
    /// The label of a network's configured name: `op-sepolia` becomes `Op-sepolia`.
    pub fn new(name: &str) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let mut label: String = name.chars().map(plain).collect();
        if label.starts_with('-') || label.is_empty() {
            label.insert(0, 'N');
        }
        label[..1].make_ascii_uppercase();
        Self(label)
    }
}

impl Account {
    /// Whether it holds value that we control, and so can never be negative.
    pub(crate) const fn is_controlled(&self) -> bool {
        matches!(self, Self::Treasury(..) | Self::Wallet(..) | Self::InContract(..))
    }
}

impl fmt::Display for Commodity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ETH-{}", self.0)
    }
}

impl fmt::Display for NetworkLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Treasury(network, at) => write!(f, "Assets:TestFund:{network}:Treasury:{at}"),
            Self::Wallet(network, at) => write!(f, "Assets:TestFund:{network}:Wallet:{at}"),
            Self::InContract(network, at) => {
                write!(f, "Assets:TestFund:{network}:InContract:{at}")
            }
            Self::GasExecution => f.write_str("Expenses:Gas:Execution"),
            Self::GasL1Data => f.write_str("Expenses:Gas:L1Data"),
            Self::GasOperator => f.write_str("Expenses:Gas:Operator"),
            Self::GasReverted => f.write_str("Expenses:Gas:Reverted"),
            Self::TestTransfers => f.write_str("Expenses:Test:Transfers"),
            Self::Unsolicited => f.write_str("Income:Unsolicited"),
            Self::Opening(network) => write!(f, "Equity:Opening:{network}"),
            Self::OwnFunds => f.write_str("Equity:OwnFunds"),
            Self::EncumbranceOpen => f.write_str("Equity:Encumbrance:Open"),
            Self::Encumbrance(request) => {
                let id = hex::encode(&request.0[..REQUEST_BYTES]);
                write!(f, "Equity:Encumbrance:Request-{id}")
            }
            Self::Unreconciled(network) => write!(f, "Equity:Unreconciled:{network}"),
        }
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Commodity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_account_parts() {
        let cases = [
            ("sepolia", "Sepolia"),
            ("op-sepolia", "Op-sepolia"),
            ("31337", "31337"),
            ("a:b c;é", "A-b-c--"),
            ("", "N"),
            ("_x", "N-x"),
        ];
        for (name, label) in cases {
            assert_eq!(NetworkLabel::new(name).to_string(), label);
        }
    }
}
