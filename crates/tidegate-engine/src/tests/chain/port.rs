//! The chain as the lane sees it.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use tidegate_chain::{
    EndpointError, FeeData, GasQuery, ReadError, Receipt, RedactedUrl, SendOutcome, Subject,
    Transaction,
};
use tidegate_model::{BlockRef, ChainId, Head, NetworkId};
use tidegate_testkit::checker::Sent;

use super::{Account, Answer, World};
use crate::ports::Chain;
use crate::tests::simulation::{Fate, Faults};

/// A world behind the port.
pub(crate) struct MemoryChain {
    pub(in crate::tests) id: NetworkId,
    pub(crate) for_stop: bool,
    world: Mutex<World>,
}

impl World {
    fn read(&self, read: &'static str, what: Subject) -> Result<(), ReadError> {
        let fails = self.faults.as_ref().is_some_and(Faults::read) || self.broken.contains(read);
        if fails { Err(ReadError::NotFound { what }) } else { Ok(()) }
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

impl MemoryChain {
    /// A chain with one block, on which `rich` has ten ether.
    pub(crate) fn new(chain: u64, rich: Address) -> Self {
        let id = NetworkId { chain: ChainId(chain), genesis: B256::repeat_byte(1) };
        let mut world = World::new();
        world.account(rich).balance = U256::from(10_000_000_000_000_000_000_u64);
        Self { id, for_stop: false, world: Mutex::new(world) }
    }

    /// Lets another process go on, in a story.
    async fn turn(&self) {
        let turns = self.world().faults.as_ref().map_or(0, Faults::turns);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
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
        self.turn().await;
        let world = self.world();
        world.read("latest_head", Subject::LatestHead)?;
        Ok(world.head())
    }

    async fn finalized_head(&self) -> Result<Head, ReadError> {
        self.turn().await;
        let world = self.world();
        world.read("finalized_head", Subject::FinalizedHead)?;
        Ok(world.head_at(world.finalized))
    }

    async fn is_canonical(&self, block: BlockRef) -> Result<bool, ReadError> {
        self.turn().await;
        let world = self.world();
        world.read("is_canonical", Subject::BlockHash(block.hash))?;
        Ok(world.blocks.get(block.number as usize).is_some_and(|found| found.hash == block.hash))
    }

    async fn nonce(&self, address: Address, at: BlockRef) -> Result<u64, ReadError> {
        self.turn().await;
        Ok(self.world().account_at("nonce", Subject::Nonce(address), address, at)?.nonce)
    }

    async fn balance(&self, address: Address, at: BlockRef) -> Result<U256, ReadError> {
        self.turn().await;
        Ok(self.world().account_at("balance", Subject::Balance(address), address, at)?.balance)
    }

    async fn code(&self, address: Address, at: BlockRef) -> Result<Bytes, ReadError> {
        self.turn().await;
        Ok(self.world().account_at("code", Subject::Code(address), address, at)?.code)
    }

    async fn call(&self, to: Address, data: &Bytes, at: BlockRef) -> Result<Bytes, ReadError> {
        self.turn().await;
        let mut world = self.world();
        world.called_at.push(at);
        let what = Subject::Call(to);
        world.read("call", what)?;
        let found = world.views.get(&(to, data.clone())).cloned();
        found.ok_or(ReadError::Reverted { what, data: Bytes::new() })
    }

    async fn fee_data(&self) -> Result<FeeData, ReadError> {
        self.turn().await;
        let world = self.world();
        world.read("fee_data", Subject::Fees)?;
        Ok(FeeData { base_fee: world.base_fee, priority_fee: world.tip })
    }

    async fn estimate_gas(&self, query: &GasQuery) -> Result<u64, ReadError> {
        self.turn().await;
        let world = self.world();
        world.read("estimate_gas", Subject::Gas)?;
        if query.to.is_some_and(|to| world.refusing.contains(&to)) {
            return Err(ReadError::Reverted { what: Subject::Gas, data: Bytes::new() });
        }
        // Once it is in a block, what reverted there says why to whoever asks.
        let said = query.to.is_some_and(|to| world.explaining.contains(&to));
        if said && !world.asked.is_empty() {
            return Err(ReadError::Reverted {
                what: Subject::Gas,
                data: Bytes::from([0xba, 0xad]),
            });
        }
        Ok(world.gas)
    }

    async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, ReadError> {
        self.turn().await;
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
        self.turn().await;
        let world = self.world();
        world.read("is_known", Subject::Transaction(hash))?;
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
        self.turn().await;
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

    async fn send_all(&self, raws: &[Bytes]) -> Vec<SendOutcome> {
        let mut outcomes = Vec::new();
        for raw in raws {
            outcomes.push(self.send_raw(raw).await);
        }
        outcomes
    }

    async fn pause(&self, time: Duration) {
        self.turn().await;
        let mut world = self.world();
        world.pauses.push(time);
        if world.faults.is_some() {
            return world.happen();
        }
        match world.script.pop_front() {
            Some(step) => step(&mut world),
            None if world.mining => world.mine(),
            None => {}
        }
    }
}

impl MemoryChain {
    async fn send_raw(&self, raw: &[u8]) -> SendOutcome {
        self.turn().await;
        let mut world = self.world();
        world.sent.push(keccak256(raw));
        if let Some(faults) = world.faults.clone().filter(|faults| !faults.is_dead()) {
            let (after, raw) = (faults.durable(), Bytes::copy_from_slice(raw));
            world.left.push(Sent { after, raw });
        }
        let fate = world.faults.as_ref().map(Faults::send);
        let answer = match fate {
            None => world.answers.pop_front(),
            Some(Fate::Answered) => None,
            Some(Fate::AnswerLost) => Some(Answer::Lost),
            Some(Fate::BytesLost) => Some(Answer::Dropped),
            Some(Fate::Refused) => Some(Answer::Refused),
        };
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
}
