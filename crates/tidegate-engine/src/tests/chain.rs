//! A chain in memory: accounts at each block, a pool of pending transactions, receipts, finality
//! and reorganisations. It goes on by one block whenever the lane pauses, or as a test says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use tidegate_chain::{
    EndpointError, FeeData, GasQuery, ReadError, Receipt, RedactedUrl, SendOutcome, Subject,
    Transaction,
};
use tidegate_model::{BlockRef, ChainId, Head, NetworkId};
use tidegate_plan::CREATE2_PROXY;

use crate::ports::Chain;

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
    forks: u64,
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
    /// Pauses, in order.
    pub(crate) pauses: Vec<Duration>,
    /// The hashes whose receipts were asked for.
    pub(crate) asked: Vec<B256>,
    /// How often a sender's history was asked for.
    pub(crate) searches: usize,
    /// The blocks at which calls were made.
    pub(crate) called_at: Vec<BlockRef>,
}

/// The chain as the lane sees it.
pub(crate) struct MemoryChain {
    id: NetworkId,
    pub(crate) for_stop: bool,
    world: Mutex<World>,
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
            leaves: BTreeMap::new(),
            views: BTreeMap::new(),
            orphans: BTreeMap::new(),
            lagging: 0,
            broken: BTreeSet::new(),
            answers: VecDeque::new(),
            script: VecDeque::new(),
            sent: Vec::new(),
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
        self.pool.insert(0, Pending { tx, max_fee: u128::MAX, tip: 0 });
        self.mine();
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

    /// Takes bytes into the pool, as nodes do.
    fn take(&mut self, chain: ChainId, raw: &[u8]) -> Result<B256, (i64, &'static str)> {
        let pending = read(chain, raw)?;
        let Pending { tx, max_fee, tip } = &pending;
        let account = self.account(tx.from).clone();
        if tx.nonce < account.nonce {
            return Err((-32_000, "nonce too low"));
        }
        let cost = U256::from(*max_fee) * U256::from(tx.gas_limit) + tx.value;
        if account.balance < cost {
            return Err((-32_000, "insufficient funds"));
        }
        let same = |other: &Pending| (other.tx.from, other.tx.nonce) == (tx.from, tx.nonce);
        if let Some(at) = self.pool.iter().position(same) {
            let old = &self.pool[at];
            if old.tx.hash == tx.hash {
                return Err((-32_000, "already known"));
            }
            if *max_fee < old.max_fee / 10 * 11 || *tip < old.tip / 10 * 11 {
                return Err((-32_000, "replacement transaction underpriced"));
            }
            self.pool.remove(at);
        }
        let hash = tx.hash;
        self.pool.push(pending);
        Ok(hash)
    }

    pub(crate) fn included(&self) -> impl Iterator<Item = (&Pending, &Receipt)> {
        self.blocks.iter().flat_map(|block| &block.included).map(|(tx, receipt)| (tx, receipt))
    }

    fn read(&self, read: &'static str, what: Subject) -> Result<(), ReadError> {
        if self.broken.contains(read) { Err(ReadError::NotFound { what }) } else { Ok(()) }
    }

    fn account_at(
        &self,
        read: &'static str,
        what: Subject,
        address: Address,
        at: BlockRef,
    ) -> Result<Account, ReadError> {
        self.read(read, what)?;
        let block = self.blocks.get(at.number as usize).filter(|block| block.hash == at.hash);
        let block = block.ok_or(ReadError::NotFound { what: Subject::BlockHash(at.hash) })?;
        Ok(block.accounts.get(&address).cloned().unwrap_or_default())
    }
}

/// Reads signed bytes as a node does: the sender is whoever signed them.
pub(crate) fn read(chain: ChainId, raw: &[u8]) -> Result<Pending, (i64, &'static str)> {
    let envelope = TxEnvelope::decode_2718_exact(raw).map_err(|_| (-32_602, "rlp"))?;
    let TxEnvelope::Eip1559(signed) = envelope else { return Err((-32_602, "another type")) };
    if signed.tx().chain_id != chain.0 {
        return Err((-32_000, "invalid chain id"));
    }
    let hash = signed.signature_hash();
    let from = signed.signature().recover_address_from_prehash(&hash);
    let from = from.map_err(|_| (-32_602, "invalid sender"))?;
    let tx = Transaction {
        hash: *signed.hash(),
        from,
        nonce: signed.tx().nonce,
        to: signed.tx().to(),
        value: signed.tx().value,
        input: signed.tx().input.clone(),
        gas_limit: signed.tx().gas_limit,
        authorizations: Vec::new(),
        block: None,
    };
    let (max_fee, tip) = (signed.tx().max_fee_per_gas, signed.tx().max_priority_fee_per_gas);
    Ok(Pending { tx, max_fee, tip })
}

impl MemoryChain {
    /// A chain with one block, on which `rich` has ten ether.
    pub(crate) fn new(chain: u64, rich: Address) -> Self {
        let id = NetworkId { chain: ChainId(chain), genesis: B256::repeat_byte(1) };
        let mut world = World::new();
        world.account(rich).balance = U256::from(10_000_000_000_000_000_000_u64);
        Self { id, for_stop: false, world: Mutex::new(world) }
    }

    /// What happens on it. Not to be held while a lane works.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl Chain for MemoryChain {
    fn id(&self) -> NetworkId {
        self.id
    }

    fn is_for_stop(&self) -> bool {
        self.for_stop
    }

    async fn latest_head(&self) -> Result<Head, ReadError> {
        let world = self.world();
        world.read("latest_head", Subject::LatestHead)?;
        Ok(world.head())
    }

    async fn finalized_head(&self) -> Result<Head, ReadError> {
        let world = self.world();
        world.read("finalized_head", Subject::FinalizedHead)?;
        Ok(world.head_at(world.finalized))
    }

    async fn is_canonical(&self, block: BlockRef) -> Result<bool, ReadError> {
        let world = self.world();
        Ok(world.blocks.get(block.number as usize).is_some_and(|found| found.hash == block.hash))
    }

    async fn nonce(&self, address: Address, at: BlockRef) -> Result<u64, ReadError> {
        Ok(self.world().account_at("nonce", Subject::Nonce(address), address, at)?.nonce)
    }

    async fn balance(&self, address: Address, at: BlockRef) -> Result<U256, ReadError> {
        Ok(self.world().account_at("balance", Subject::Balance(address), address, at)?.balance)
    }

    async fn code(&self, address: Address, at: BlockRef) -> Result<Bytes, ReadError> {
        Ok(self.world().account_at("code", Subject::Code(address), address, at)?.code)
    }

    async fn call(&self, to: Address, data: &Bytes, at: BlockRef) -> Result<Bytes, ReadError> {
        let mut world = self.world();
        world.called_at.push(at);
        let what = Subject::Call(to);
        let found = world.views.get(&(to, data.clone())).cloned();
        found.ok_or(ReadError::Reverted { what, data: Bytes::new() })
    }

    async fn fee_data(&self) -> Result<FeeData, ReadError> {
        let world = self.world();
        world.read("fee_data", Subject::Fees)?;
        Ok(FeeData { base_fee: world.base_fee, priority_fee: world.tip })
    }

    async fn estimate_gas(&self, query: &GasQuery) -> Result<u64, ReadError> {
        let world = self.world();
        if query.to.is_some_and(|to| world.refusing.contains(&to)) {
            return Err(ReadError::Reverted { what: Subject::Gas, data: Bytes::new() });
        }
        Ok(world.gas)
    }

    async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, ReadError> {
        let mut world = self.world();
        world.read("receipt", Subject::Receipt(hash))?;
        world.asked.push(hash);
        if world.lagging > 0 {
            world.lagging -= 1;
            return Ok(None);
        }
        let mut included = world.included();
        let found = included.find(|(pending, _)| pending.tx.hash == hash);
        Ok(found.map(|(_, receipt)| receipt).or_else(|| world.orphans.get(&hash)).cloned())
    }

    async fn is_known(&self, hash: B256) -> Result<bool, ReadError> {
        let world = self.world();
        let mut known = world.pool.iter().chain(world.included().map(|(pending, _)| pending));
        Ok(known.any(|pending| pending.tx.hash == hash))
    }

    async fn sender_transactions(
        &self,
        sender: Address,
        from: u64,
        to: u64,
        upper: Head,
    ) -> Result<Vec<Transaction>, ReadError> {
        let mut world = self.world();
        world.searches += 1;
        world.read("sender_transactions", Subject::Nonce(sender))?;
        let included = world.included().filter(|(pending, receipt)| {
            let Transaction { from: of, nonce, .. } = pending.tx;
            of == sender
                && (from..to).contains(&nonce)
                && receipt.block.number <= upper.block.number
        });
        let found: Vec<_> = included.map(|(pending, _)| pending.tx.clone()).collect();
        let missing = Subject::SenderNonce(sender, from + found.len() as u64);
        let all = found.len() as u64 == to - from;
        if all { Ok(found) } else { Err(ReadError::NotFound { what: missing }) }
    }

    async fn send_raw(&self, raw: &[u8]) -> SendOutcome {
        let mut world = self.world();
        world.sent.push(keccak256(raw));
        let answer = world.answers.pop_front();
        if let Some(Answer::Refused) = answer {
            return SendOutcome::Rejected { code: -32_005, message: "busy".to_owned() };
        }
        let taken = match answer {
            Some(Answer::Dropped) => Ok(keccak256(raw)),
            _ => world.take(self.id.chain, raw),
        };
        if answer.is_some() {
            let endpoint = RedactedUrl::parse("http://127.0.0.1/").unwrap();
            return SendOutcome::Unknown { cause: EndpointError::Budget { endpoint, secs: 1.0 } };
        }
        match taken {
            Ok(hash) => SendOutcome::Accepted(hash),
            Err((code, text)) => SendOutcome::Rejected { code, message: text.to_owned() },
        }
    }

    async fn pause(&self, time: Duration) {
        let mut world = self.world();
        world.pauses.push(time);
        match world.script.pop_front() {
            Some(step) => step(&mut world),
            None if world.mining => world.mine(),
            None => {}
        }
    }
}
