//! A chain to fetch from, and an assembler for the little there is to assemble.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, address, hex, keccak256};
use tidegate_evm::{CREATE2_PROXY, CREATE2_PROXY_CODE, Creation, EvmError, TX_GAS_MAX, settle};
use tidegate_model::ports::{AccountState, StateKey, StateSnapshot};
use tidegate_model::{BlockRef, ChainId, Head};

pub(crate) const EXECUTOR: Address = address!("00000000000000000000000000000000000e0ec1");
pub(crate) const SAFE: Address = address!("000000000000000000000000000000000005afe0");
pub(crate) const TARGET: Address = address!("00000000000000000000000000000000000ca110");
pub(crate) const OTHER: Address = address!("000000000000000000000000000000000000b0b0");

/// The vector that anvil confirmed: a contract that answers 42.
pub(crate) const ANSWER_INIT: [u8; 22] = hex!("600a600c600039600a6000f3602a60005260206000f3");
pub(crate) const ANSWER: [u8; 10] = hex!("602a60005260206000f3");

/// Everything that can be fetched; what is not listed is empty, as on a chain.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    pub(crate) accounts: BTreeMap<Address, AccountState>,
    pub(crate) slots: BTreeMap<(Address, U256), U256>,
}

impl Chain {
    /// A chain with the deterministic deployment proxy.
    pub(crate) fn new() -> Self {
        Self::default().with_code(CREATE2_PROXY, CREATE2_PROXY_CODE)
    }

    pub(crate) fn with_code(mut self, address: Address, code: impl AsRef<[u8]>) -> Self {
        let account = self.accounts.entry(address).or_default();
        account.code = Bytes::copy_from_slice(code.as_ref());
        account.nonce = 1;
        self
    }

    pub(crate) fn with_balance(mut self, address: Address, balance: u64) -> Self {
        self.accounts.entry(address).or_default().balance = U256::from(balance);
        self
    }

    pub(crate) fn with_slot(mut self, address: Address, slot: u64, value: u64) -> Self {
        self.slots.insert((address, U256::from(slot)), U256::from(value));
        self
    }

    pub(crate) fn fetch(&self, snapshot: &mut StateSnapshot, keys: &[StateKey]) {
        for key in keys {
            match *key {
                StateKey::Account(address) => {
                    let account = self.accounts.get(&address).cloned().unwrap_or_default();
                    snapshot.accounts.insert(address, account);
                }
                StateKey::Slot(address, slot) => {
                    let value = self.slots.get(&(address, slot)).copied().unwrap_or_default();
                    snapshot.slots.insert((address, slot), value);
                }
                StateKey::BlockHash(number) => {
                    snapshot.block_hashes.insert(number, keccak256(format!("block {number}")));
                }
            }
        }
    }

    /// Runs with an empty snapshot that is filled as needed; returns how often it was.
    pub(crate) fn rounds<T>(
        &self,
        run: impl FnMut(&StateSnapshot) -> Result<T, EvmError>,
    ) -> (u32, Result<T, EvmError>) {
        let mut rounds = 0;
        let settled = settle(&mut empty(), run, |snapshot, keys| {
            rounds += 1;
            self.fetch(snapshot, keys);
            Ok::<_, std::convert::Infallible>(())
        });
        let result = settled.map_err(|error| match error {
            tidegate_evm::SettleError::Run(error) => error,
            tidegate_evm::SettleError::Fetch(never) => match never {},
        });
        (rounds, result)
    }

    pub(crate) fn run<T>(
        &self,
        run: impl FnMut(&StateSnapshot) -> Result<T, EvmError>,
    ) -> Result<T, EvmError> {
        self.rounds(run).1
    }
}

/// An empty snapshot of a simulated chain at block 1000.
pub(crate) fn empty() -> StateSnapshot {
    let block = BlockRef { number: 1000, hash: B256::repeat_byte(0xb1) };
    StateSnapshot::empty(ChainId(31337), Head { block, timestamp: 1_767_657_600 })
}

/// Initcode that first executes `prefix` and then leaves `runtime` as the code.
pub(crate) fn init(prefix: &[u8], runtime: &[u8]) -> Vec<u8> {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    let offset = u16::try_from(prefix.len() + 11).unwrap().to_be_bytes();
    let mut code = prefix.to_vec();
    code.push(0x61); // PUSH2 length
    code.extend(length);
    code.extend([0x80, 0x61]); // DUP1 PUSH2 offset
    code.extend(offset);
    code.extend([0x5f, 0x39, 0x5f, 0xf3]); // PUSH0 CODECOPY PUSH0 RETURN
    code.extend(runtime);
    code
}

/// Code that calls (0xf1) or delegate-calls (0xf4) an address with its own calldata and,
/// if that fails, ends with `after`.
pub(crate) fn forward(opcode: u8, to: Address, after: &[u8]) -> Vec<u8> {
    let mut code = hex!("365f5f37").to_vec(); // CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY
    code.extend(hex!("5f5f365f")); // output 0,0; input 0,CALLDATASIZE
    if opcode == 0xf1 {
        code.push(0x5f); // no value
    }
    code.push(0x73); // PUSH20
    code.extend(to);
    code.extend([0x5a, opcode]); // GAS, the call
    let end = u8::try_from(code.len() + 3 + after.len()).unwrap();
    code.extend([0x60, end, 0x57]); // PUSH1 end JUMPI
    code.extend(after);
    code.extend([0x5b, 0x00]); // JUMPDEST STOP
    code
}

/// Code that reverts with the given data.
pub(crate) fn revert_with(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    // PUSH2 length PUSH1 12 PUSH0 CODECOPY PUSH2 length PUSH0 REVERT
    let mut code = vec![0x61, length[0], length[1], 0x60, 0x0c, 0x5f, 0x39];
    code.extend([0x61, length[0], length[1], 0x5f, 0xfd]);
    code.extend(data);
    code
}

/// A creation by [`EXECUTOR`].
pub(crate) fn creation(init_code: impl AsRef<[u8]>) -> Creation {
    Creation {
        executor: EXECUTOR,
        salt: keccak256("vault-v2"),
        init_code: Bytes::copy_from_slice(init_code.as_ref()),
        gas_limit: TX_GAS_MAX,
    }
}
