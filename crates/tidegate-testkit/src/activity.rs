//! What testers do on a testnet: ordinary use of the example protocol, from keys of their own.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, sol};

use crate::{Anvil, PrivateKeySigner, TestkitError, actor};

sol! {
    interface Token {
        function mint(address to, uint256 amount);
    }
    interface Shares {
        function mint(uint256 shares, address receiver);
    }
    function approve(address spender, uint256 value);
    function deposit(uint256 assets, address receiver);
    function withdraw(uint256 assets, address receiver, address owner);
    function redeem(uint256 shares, address receiver, address owner);
    function transfer(address to, uint256 value);
    function transferFrom(address from, address to, uint256 value);
    function note(address vault, bytes32 topic);
    function follow(address vault, bool on);
}

/// Token units that each tester mints for themself.
const MINTED_UNITS: u64 = 10_000_000;
const DEPOSIT_UNITS: u64 = 1_000_000;
/// The vault gives a million of its smallest units for one of the token's.
const SHARES_A_UNIT: u64 = 1_000_000;

/// One thing a tester does on a plan contract; each is one transaction that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Deposits into the vault.
    Deposit,
    /// Mints shares of the vault.
    Mint,
    /// Withdraws tokens from the vault.
    Withdraw,
    /// Redeems shares of the vault.
    Redeem,
    /// Sends shares to the next tester.
    Transfer,
    /// Allows the next tester to take shares.
    Approve,
    /// Takes shares from the tester before, who must have approved.
    TransferFrom,
    /// Leaves a note in the registry.
    Note,
    /// Follows the vault in the registry.
    Follow,
}

/// The testers and the contracts that they use.
#[derive(Debug)]
pub struct Activity<'a> {
    testnet: &'a Anvil,
    registry: Address,
    vault: Address,
    token: Address,
    testers: [PrivateKeySigner; 3],
}

impl<'a> Activity<'a> {
    /// Twenty-five acts by three testers, over nine functions.
    pub const ACTS: [(usize, Act); 25] = [
        (0, Act::Deposit),
        (1, Act::Deposit),
        (2, Act::Deposit),
        (0, Act::Follow),
        (1, Act::Follow),
        (2, Act::Follow),
        (0, Act::Mint),
        (1, Act::Mint),
        (2, Act::Mint),
        (0, Act::Approve),
        (1, Act::TransferFrom),
        (1, Act::Approve),
        (2, Act::TransferFrom),
        (2, Act::Approve),
        (0, Act::TransferFrom),
        (0, Act::Note),
        (1, Act::Note),
        (2, Act::Note),
        (0, Act::Transfer),
        (1, Act::Transfer),
        (2, Act::Transfer),
        (0, Act::Withdraw),
        (1, Act::Withdraw),
        (2, Act::Redeem),
        (0, Act::Redeem),
    ];

    /// The testers `t1` to `t3` on a deployed example, its token being a mock.
    pub fn new(testnet: &'a Anvil, registry: Address, vault: Address, token: Address) -> Self {
        Self { testnet, registry, vault, token, testers: ["t1", "t2", "t3"].map(actor) }
    }

    /// Gives each tester tokens and lets the vault take them: six transactions that do not count,
    /// as the token is no contract of the plan.
    ///
    /// # Errors
    /// If one fails.
    pub fn prepare(&self) -> Result<(), TestkitError> {
        for tester in &self.testers {
            let amount = U256::from(MINTED_UNITS);
            let call = Token::mintCall { to: tester.address(), amount };
            self.send(tester, self.token, call.abi_encode())?;
            let call = approveCall { spender: self.vault, value: U256::MAX };
            self.send(tester, self.token, call.abi_encode())?;
        }
        Ok(())
    }

    /// Does one act.
    ///
    /// # Errors
    /// If the transaction fails.
    ///
    /// # Panics
    /// If there is no such tester: they are 0, 1 and 2.
    pub fn act(&self, tester: usize, act: Act) -> Result<(), TestkitError> {
        let me = &self.testers[tester];
        let mine = me.address();
        let next = self.testers[(tester + 1) % self.testers.len()].address();
        let before = self.testers[(tester + 2) % self.testers.len()].address();
        let assets = U256::from(DEPOSIT_UNITS);
        let shares = assets * U256::from(SHARES_A_UNIT) / U256::from(10);
        let vault = self.vault;
        let data = match act {
            Act::Deposit => depositCall { assets, receiver: mine }.abi_encode(),
            Act::Mint => Shares::mintCall { shares, receiver: mine }.abi_encode(),
            Act::Withdraw => {
                let assets = assets / U256::from(10);
                withdrawCall { assets, receiver: mine, owner: mine }.abi_encode()
            }
            Act::Redeem => redeemCall { shares, receiver: mine, owner: mine }.abi_encode(),
            Act::Transfer => transferCall { to: next, value: shares }.abi_encode(),
            Act::Approve => approveCall { spender: next, value: shares }.abi_encode(),
            Act::TransferFrom => {
                transferFromCall { from: before, to: mine, value: shares }.abi_encode()
            }
            Act::Note => noteCall { vault, topic: B256::repeat_byte(7) }.abi_encode(),
            Act::Follow => followCall { vault, on: true }.abi_encode(),
        };
        let to = if matches!(act, Act::Note | Act::Follow) { self.registry } else { vault };
        self.send(me, to, data)
    }

    fn send(&self, key: &PrivateKeySigner, to: Address, data: Vec<u8>) -> Result<(), TestkitError> {
        self.testnet.send(key, Some(to), data, U256::ZERO).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_acts_cover_nine_functions_by_three_testers() {
        let mut acts: Vec<_> = Activity::ACTS.iter().map(|(_, act)| format!("{act:?}")).collect();
        acts.sort();
        acts.dedup();
        assert_eq!(acts.len(), 9);
    }
}
