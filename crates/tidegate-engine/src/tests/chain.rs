//! A chain in memory: accounts at each block, a pool of pending transactions, receipts, finality
//! and reorganisations. It goes on by one block whenever the lane pauses, or as a test says.

mod pool;
mod port;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use tidegate_chain::{Receipt, Transaction};
use tidegate_model::{BlockRef, Head};
use tidegate_plan::CREATE2_PROXY;
use tidegate_testkit::checker::Sent;

pub(crate) use self::pool::read;
pub(crate) use self::port::MemoryChain;
use super::simulation::Faults;

/// An account after a block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub(crate) balance: U256,
    pub(crate) nonce: u64,
    pub(crate) code: Bytes,
}

struct Block {
    hash: B256,
    accounts: BTreeMap<Address, Account>,
    included: Vec<(Pending, Receipt)>,
}

/// A transaction as a node reads it from its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) tx: Transaction,
    pub(crate) max_fee: u128,
    pub(crate) tip: u128,
}

/// How the endpoint treats one send. Without any it takes what a node would.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// It says no, and forgets the bytes.
    Refused,
    /// It takes the bytes, and its answer is lost.
    Lost,
    /// The bytes never reach it, and nobody knows.
    Dropped,
}

type Step = Box<dyn FnOnce(&mut World) + Send>;

/// Everything that happens, and what a test may decide about it.
pub(crate) struct World {
    blocks: Vec<Block>,
    pub(crate) forks: u64,
    /// The number of the latest final block.
    pub(crate) finalized: u64,
    pub(crate) pool: Vec<Pending>,
    pub(crate) base_fee: u128,
    pub(crate) tip: u128,
    /// What each transaction uses.
    pub(crate) gas: u64,
    /// Whether a pause makes a block.
    pub(crate) mining: bool,
    /// Targets whose estimate reverts.
    pub(crate) refusing: BTreeSet<Address>,
    /// Targets that revert in a block only.
    pub(crate) reverting: BTreeSet<Address>,
    /// Recipients that say why to whoever asks once a transaction to them is in a block.
    pub(crate) explaining: BTreeSet<Address>,
    /// What creations leave at an address, where that is not their initcode.
    pub(crate) leaves: BTreeMap<Address, Bytes>,
    /// What calls return.
    pub(crate) views: BTreeMap<(Address, Bytes), Bytes>,
    /// Receipts of blocks that are gone, which a node still gives.
    pub(crate) orphans: BTreeMap<B256, Receipt>,
    /// How many of the next questions for receipts a node that lags behind answers.
    pub(crate) lagging: usize,
    /// Reads that fail.
    pub(crate) broken: BTreeSet<&'static str>,
    /// How the next sends are treated.
    pub(crate) answers: VecDeque<Answer>,
    /// What happens at the next pauses, instead of a block.
    pub(crate) script: VecDeque<Step>,
    /// The hashes of all bytes that were sent, in order.
    pub(crate) sent: Vec<B256>,
    /// The bytes that reached a node, and how much was durable then.
    pub(crate) left: Vec<Sent>,
    /// What goes wrong, in a story of [`super::simulation`].
    pub(crate) faults: Option<Faults>,
    /// The sender that a story is about.
    pub(crate) watched: Address,
    /// Pauses, in order.
    pub(crate) pauses: Vec<Duration>,
    /// The hashes whose receipts were asked for.
    pub(crate) asked: Vec<B256>,
    /// How often a sender's history was asked for.
    pub(crate) searches: usize,
    /// The blocks at which calls were made.
    pub(crate) called_at: Vec<BlockRef>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            blocks: Vec::new(),
            forks: 0,
            finalized: 0,
            pool: Vec::new(),
            base_fee: 1_000_000_000,
            tip: 100_000_000,
            gas: 100_000,
            mining: true,
            refusing: BTreeSet::new(),
            reverting: BTreeSet::new(),
            explaining: BTreeSet::new(),
            leaves: BTreeMap::new(),
            views: BTreeMap::new(),
            orphans: BTreeMap::new(),
            lagging: 0,
            broken: BTreeSet::new(),
            answers: VecDeque::new(),
            script: VecDeque::new(),
            sent: Vec::new(),
            left: Vec::new(),
            faults: None,
            watched: Address::ZERO,
            pauses: Vec::new(),
            asked: Vec::new(),
            searches: 0,
            called_at: Vec::new(),
        };
        world.mine();
        world
    }

    pub(crate) fn head(&self) -> Head {
        self.head_at(self.blocks.len() as u64 - 1)
    }

    fn head_at(&self, number: u64) -> Head {
        let hash = self.blocks[number as usize].hash;
        Head { block: BlockRef { number, hash }, timestamp: number * 12 }
    }

    /// An account after the latest block, to change it without a transaction.
    pub(crate) fn account(&mut self, address: Address) -> &mut Account {
        let latest = self.blocks.last_mut().expect("there is a first block");
        latest.accounts.entry(address).or_default()
    }

    /// Makes a block of what is pending and can pay the base fee.
    pub(crate) fn mine(&mut self) {
        let number = self.blocks.len() as u64;
        let hash = keccak256([number.to_be_bytes(), self.forks.to_be_bytes()].concat());
        let accounts = self.blocks.last().map(|block| block.accounts.clone()).unwrap_or_default();
        let mut block = Block { hash, accounts, included: Vec::new() };
        while let Some(at) = self.pool.iter().position(|pending| self.is_next(pending, &block)) {
            let pending = self.pool.remove(at);
            let receipt = self.execute(&pending.tx, pending.max_fee, number, &mut block);
            block.included.push((pending, receipt));
        }
        let nonce = |of| block.accounts.get(&of).map_or(0, |account: &Account| account.nonce);
        self.pool.retain(|pending| pending.tx.nonce >= nonce(pending.tx.from));
        self.blocks.push(block);
    }

    fn is_next(&self, pending: &Pending, block: &Block) -> bool {
        let Pending { tx, max_fee, .. } = pending;
        let account = block.accounts.get(&tx.from).cloned().unwrap_or_default();
        tx.nonce == account.nonce && *max_fee >= self.base_fee
    }

    fn execute(&self, tx: &Transaction, max_fee: u128, number: u64, block: &mut Block) -> Receipt {
        let created = (tx.to == Some(CREATE2_PROXY)).then(|| {
            let (salt, initcode) = tx.input.split_at(32);
            let address = CREATE2_PROXY.create2_from_code(B256::from_slice(salt), initcode);
            let code = Bytes::copy_from_slice(initcode);
            (address, self.leaves.get(&address).cloned().unwrap_or(code))
        });
        let holds = |address| block.accounts.get(&address).is_some_and(|a| !a.code.is_empty());
        let fits = created.as_ref().is_none_or(|(address, _)| !holds(*address));
        let status = fits && tx.to.is_none_or(|to| !self.reverting.contains(&to));
        let price = max_fee.min(self.base_fee + self.tip);
        let value = if status { tx.value } else { U256::ZERO };
        let sender = block.accounts.entry(tx.from).or_default();
        sender.nonce += 1;
        sender.balance = sender.balance - value - U256::from(self.gas) * U256::from(price);
        if status && let Some((address, code)) = created {
            block.accounts.entry(address).or_default().code = code;
        }
        Receipt {
            transaction: tx.hash,
            block: BlockRef { number, hash: block.hash },
            index: block.included.len() as u64,
            from: tx.from,
            to: tx.to,
            status,
            gas_used: self.gas,
            effective_gas_price: price,
            contract_address: None,
            logs: Vec::new(),
        }
    }

    /// Mines a transaction that no lane sent.
    pub(crate) fn foreign(&mut self, from: Address) {
        let nonce = self.account(from).nonce;
        self.waits(from, nonce);
        self.mine();
    }

    /// Puts one into the pool, which pays more than any of ours.
    pub(crate) fn waits(&mut self, from: Address, nonce: u64) {
        let tx = Transaction {
            hash: keccak256([from.as_slice(), &nonce.to_be_bytes()].concat()),
            from,
            nonce,
            to: Some(Address::ZERO),
            value: U256::ZERO,
            input: Bytes::new(),
            gas_limit: self.gas,
            authorizations: Vec::new(),
            block: None,
        };
        self.pool.insert(0, Pending { tx, max_fee: u128::MAX / 100, tip: 0 });
    }

    /// Replaces the last blocks by as many empty ones. What they held is pending again.
    pub(crate) fn reorganise(&mut self, depth: usize) {
        self.forks += 1;
        let gone = self.blocks.split_off(self.blocks.len() - depth);
        let height = self.blocks.len() + depth;
        let pool = std::mem::take(&mut self.pool);
        while self.blocks.len() < height {
            self.mine();
        }
        self.pool = pool;
        for (pending, receipt) in gone.into_iter().flat_map(|block| block.included) {
            self.orphans.insert(pending.tx.hash, receipt);
            self.pool.push(pending);
        }
    }

    pub(crate) fn included(&self) -> impl Iterator<Item = (&Pending, &Receipt)> {
        self.blocks.iter().flat_map(|block| &block.included).map(|(tx, receipt)| (tx, receipt))
    }
}
