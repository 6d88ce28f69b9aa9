//! A small plan on an invented chain, for the tests of this crate.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, address, hex};
use tidegate_evm::{Errors, EvmError, Progress, Rounds};
use tidegate_model::ports::{AccountState, StateKey, StateSnapshot};
use tidegate_model::{BlockRef, ChainId, Fqn, Head};

use crate::execute::expected_code;
use crate::expected::{Expected, When};
use crate::resolve::{CREATE2_PROXY, Executor, Guarded, Op, OpKind, Resolved};

/// A configuration with a step of every kind; `crate::example` has its contracts.
pub(crate) const ALL: &str = include_str!("../tests/corpus/config/all.toml");
pub(crate) const OTHER: Address = address!("00000000000000000000000000000000c0ffee11");
/// Answers with its slot 0.
pub(crate) const ANSWER: [u8; 11] = hex!("60005460005260206000f3");

/// The block in which the plans of the tests run.
pub(crate) const HEAD: Head =
    Head { block: BlockRef { number: 100, hash: B256::repeat_byte(2) }, timestamp: 1_800_000_000 };
const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

pub(crate) fn balance_of_other() -> Vec<u8> {
    [&hex!("73")[..], OTHER.as_slice(), &hex!("31")].concat()
}

/// A static call without arguments; its answer stays on the stack.
pub(crate) fn answer_of_other() -> Vec<u8> {
    let call = [&hex!("602060006000600073")[..], OTHER.as_slice(), &hex!("5afa50")];
    [&call.concat()[..], &hex!("600051")].concat()
}

/// Initcode of a contract that keeps what this code leaves on the stack in its slot 0 and answers
/// with it.
pub(crate) fn reader(read: &[u8], keeps: bool) -> Bytes {
    let keep = if keeps { hex!("600055") } else { hex!("505b5b") };
    let runtime = [&hex!("6a")[..], &ANSWER, &hex!("600052600b6015f3")].concat();
    [read, &keep, &runtime].concat().into()
}

/// Initcode that leaves this code.
pub(crate) fn leaving(runtime: &[u8]) -> Bytes {
    let [high, low] = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    let copy = [0x61, high, low, 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    [&copy[..], runtime].concat().into()
}

/// Code that creates a contract from this initcode.
pub(crate) fn factory(initcode: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(initcode.len()).unwrap().to_be_bytes();
    let copy = [0x61, high, low, 0x60, 0x0e, 0x5f, 0x39];
    let create = [0x61, high, low, 0x5f, 0x5f, 0xf0, 0x00];
    [&copy[..], &create, initcode].concat()
}

/// A creation, by the helper for the executor alone where it is guarded.
pub(crate) fn creation(id: &str, initcode: Bytes, guarded: bool) -> Op {
    let (salt, contract) = (B256::ZERO, Fqn("src/R.sol:R".to_owned()));
    let executor = Address::repeat_byte(1);
    let address = match guarded {
        true => Guarded::address(executor, salt, &initcode),
        false => CREATE2_PROXY.create2_from_code(salt, &initcode),
    };
    let guarded = guarded.then_some(Guarded { value: U256::ZERO });
    let kind = OpKind::Create { contract, address, salt, initcode, guarded };
    Op { id: id.to_owned(), step: id.to_owned(), kind }
}

/// A call without arguments.
pub(crate) fn call(id: &str, to: Address) -> Op {
    let (value, data, signature) = (U256::ZERO, Bytes::new(), "go()".to_owned());
    Op { id: id.to_owned(), step: id.to_owned(), kind: OpKind::Call { to, value, data, signature } }
}

/// The address of an operation's contract.
pub(crate) fn at(op: &Op) -> Address {
    let OpKind::Create { address, .. } = op.kind else { panic!("a creation") };
    address
}

/// A plan of these operations by a key, which names nothing outside.
pub(crate) fn plan_of(ops: Vec<Op>) -> Resolved {
    Resolved {
        executor: Executor::Key(Address::repeat_byte(1)),
        ops,
        checks: Vec::new(),
        places: BTreeMap::new(),
        libraries: BTreeMap::new(),
        params: BTreeMap::new(),
        slots: Vec::new(),
        starts: Vec::new(),
        outside: BTreeMap::new(),
        errors: Errors::default(),
    }
}

/// A plan with one [`reader`].
pub(crate) fn plan(read: &[u8], keeps: bool) -> Resolved {
    plan_of(vec![creation("reader", reader(read, keeps), false)])
}

/// The faults of a plan if `OTHER` has this code and the word 5 in its slot 0.
pub(crate) fn faults(plan: &Resolved, code: &[u8], when: When) -> Vec<String> {
    found(plan, code, when).faults
}

/// The result of a plan if `OTHER` has this code and every slot holds 5.
pub(crate) fn found(plan: &Resolved, code: &[u8], when: When) -> Expected {
    World::of(code).found(plan, when)
}

/// What is there before a plan. Who acts has one ether, and every slot that is not named holds 5.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) code: BTreeMap<Address, Vec<u8>>,
    pub(crate) slots: BTreeMap<(Address, U256), U256>,
}

impl World {
    /// `OTHER` with this code.
    pub(crate) fn of(code: &[u8]) -> Self {
        Self { code: [(OTHER, code.to_vec())].into(), ..Self::default() }
    }

    pub(crate) fn found(&self, plan: &Resolved, when: When) -> Expected {
        self.settled(|snapshot| expected_code(plan, snapshot, when))
    }

    /// Runs with all that it asks for.
    pub(crate) fn settled<T>(&self, run: impl Fn(&StateSnapshot) -> Result<T, EvmError>) -> T {
        let mut snapshot = StateSnapshot::empty(ChainId(1), HEAD);
        let mut rounds = Rounds::new();
        loop {
            match rounds.step(run(&snapshot)).unwrap() {
                Progress::Done(done) => return done,
                Progress::Fetch(keys) => keys.into_iter().for_each(|key| match key {
                    StateKey::Account(at) => {
                        let code = self.code.get(&at).cloned().unwrap_or_default().into();
                        let is_executor = at == Address::repeat_byte(1);
                        let balance = if is_executor { ETHER } else { U256::ZERO };
                        let account = AccountState { code, balance, ..Default::default() };
                        snapshot.accounts.insert(at, account);
                    }
                    StateKey::Slot(at, slot) => {
                        let word = self.slots.get(&(at, slot)).copied();
                        snapshot.slots.insert((at, slot), word.unwrap_or(U256::from(5)));
                    }
                    StateKey::BlockHash(number) => {
                        snapshot.block_hashes.insert(number, B256::ZERO);
                    }
                }),
            }
        }
    }
}
