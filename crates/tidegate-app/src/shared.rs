//! Contracts of a plan that another release made: the plan goes on from what that one left, and
//! what then stands is not what a first deployment leaves.

mod lost;
mod repeats;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use tidegate_chain::{Network, Transaction};
use tidegate_engine::EngineError;
use tidegate_model::Head;
use tidegate_model::record::{ANCHOR_OP, DeploymentRecord, FOREIGN_OP};
use tidegate_plan::{Due, Expected, Moment, OpKind, due, stored};

use crate::deployment::{Prepared, simulate, standing_creations};
use crate::error::{AppResult, Kind, OrKind};
use crate::follow::{second, version};
use crate::project::Project;
use crate::records::{self, is_of, last_block};
use crate::release::Built;
use crate::sending::explained;
use crate::wiped;

/// Larger numbers are addresses or hashes.
const DECIMAL_MAX: U256 = U256::from_limbs([u64::MAX, u64::MAX, 0, 0]);
/// The most slots that are named.
const NAMED_MAX: usize = 4;
/// The most transactions of other records that are read.
const READ_MAX: usize = 256;

/// A plan on one network of which something stands already.
#[derive(Clone, Copy)]
pub(crate) struct Begun<'a> {
    pub(crate) project: &'a Project,
    pub(crate) place: (&'a str, &'a Network),
    pub(crate) built: &'a Built,
    pub(crate) plan: (&'a Prepared, &'a Expected),
    /// Its deployment id.
    pub(crate) id: u64,
    /// The operations that need not be done.
    pub(crate) done: &'a BTreeSet<String>,
    pub(crate) head: Head,
}

impl Begun<'_> {
    /// What is still due does to what stands.
    pub(crate) async fn due(&self) -> AppResult<Due> {
        let resolved = &self.plan.0.resolved;
        simulate(self.place.1, self.head, |snapshot| due(resolved, snapshot, self.done)).await
    }

    /// Refuses a plan at one of whose addresses other code stands than it leaves there: whoever
    /// sends it would find out when half of it is done.
    pub(crate) async fn refuse_other_code(&self) -> AppResult {
        let (prepared, expected) = self.plan;
        let (name, network) = self.place;
        let there = standing_creations(network, prepared, self.head).await?;
        let creations = prepared.resolved.creations();
        for (op, address, _) in creations.filter(|(op, ..)| there.contains(&op.id)) {
            let expected = expected.created.get(&address).map(|made| made.code_hash);
            let found = network.code_hash(address, self.head.block).await?;
            let Some(expected) = expected.filter(|expected| *expected != found) else { continue };
            let other = EngineError::OtherCode { op: op.id.clone(), address, found, expected };
            let error = explained(other, &prepared.resolved.errors);
            return Err(error.hint(second(self.project, self.built, name, self.id + 1)?));
        }
        Ok(())
    }

    /// What `verify` will refuse of contracts that other releases made, one sentence for each
    /// release, with the way to go on. What is `known` is said elsewhere.
    pub(crate) async fn shared(
        &self,
        due: &Due,
        known: &BTreeSet<(Address, U256)>,
    ) -> AppResult<Vec<String>> {
        let makers = self.makers().await?;
        if makers.is_empty() {
            return Ok(Vec::new());
        }
        let (prepared, expected) = self.plan;
        let mut of: BTreeMap<&str, (&DeploymentRecord, Vec<String>)> = BTreeMap::new();
        for contract in stored(&self.built.release, &prepared.resolved, expected, Moment::Any) {
            let Some(maker) = makers.get(&contract.op) else { continue };
            for slot in &contract.slots {
                let key = (contract.address, slot.slot);
                let written = due.writes.get(&key);
                let holds = match written {
                    Some((_, holds)) => *holds,
                    None => self.place.1.storage(key.0, key.1, self.head.block).await?,
                };
                if slot.values.contains(&holds) || known.contains(&key) {
                    continue;
                }
                let left = slot.values.last().copied().unwrap_or_default();
                let name = format!("{} of {}", slot.name, contract.label);
                let (holds, left) = (word(holds), word(left));
                let said = match written {
                    Some((op, _)) => format!("{op} leaves {holds} in {name}, not {left}"),
                    None => format!("{name} is {holds}, not {left}"),
                };
                of.entry(&maker.name).or_insert((maker, Vec::new())).1.push(said);
            }
        }
        if let (Some(fault), Some(maker)) = (&due.fault, makers.values().next()) {
            let said = &mut of.entry(&maker.name).or_insert((maker, Vec::new())).1;
            said.insert(0, fault.clone());
        }
        Ok(of.into_values().map(|(maker, said)| self.sentence(maker, said)).collect())
    }

    fn sentence(&self, maker: &DeploymentRecord, mut said: Vec<String>) -> String {
        let (project, name) = (self.project, &maker.name);
        let more = said.len().saturating_sub(NAMED_MAX);
        said.truncate(NAMED_MAX);
        if more > 0 {
            said.push(format!("{more} more"));
        }
        let (wanted, fresh) = (version(project, maker), self.id + 1);
        let resolved = &self.plan.0.resolved;
        let makes = resolved.creations().any(|(op, ..)| !self.done.contains(&op.id));
        let goes_on =
            format!("To go on from {name}, write `follows = \"{wanted}\"` under [project]");
        let way = match (makes, self.built.release.plan.follows) {
            (true, None) => format!("{goes_on}; `--id {fresh}` makes contracts of its own"),
            (true, Some(_)) => goes_on,
            // What follows another one and only calls could be neither audited nor soak.
            (false, None) => format!(
                "It only calls what stands, which is no release of its own: `--id {fresh}` makes \
                 contracts of its own"
            ),
            (false, Some(_)) => {
                "It only calls what stands, which is no release of its own".to_owned()
            }
        };
        format!(
            "this plan goes on from contracts that {name} made, and does not leave what a first \
             deployment leaves: {}. `verify` will FAIL. {way}",
            said.join("; ")
        )
    }

    /// The deployments of other releases that made what stands, by operation.
    async fn makers(&self) -> AppResult<BTreeMap<String, DeploymentRecord>> {
        let mut makers = BTreeMap::new();
        let others = self.others().await?;
        for (op, address, _) in self.plan.0.resolved.creations() {
            let made = |record: &&DeploymentRecord| {
                let mut own = record.own_run().iter();
                record.initcodes.contains_key(&address)
                    && own.any(|tx| tx.success && tx.op == op.id)
            };
            if let Some(maker) = others.iter().find(made).filter(|_| self.done.contains(&op.id)) {
                makers.insert(op.id.clone(), maker.clone());
            }
        }
        Ok(makers)
    }

    /// The other deployments on the network that count and that its chain has, newest first.
    async fn others(&self) -> AppResult<Vec<DeploymentRecord>> {
        let root = self.built.roots.release_root;
        let all = records::own(self.project, self.place.0)?.into_iter().map(|(_, record)| record);
        let mut others: Vec<_> =
            all.filter(|of| (of.release_root, of.id) != (root, self.id)).collect();
        others.sort_by_key(|record| std::cmp::Reverse(last_block(record)));
        wiped::there(self.place.1, others).await
    }

    /// The calls of the plan that its executor made for other deployments, as their records say.
    pub(crate) async fn made_calls(&self) -> AppResult<BTreeSet<String>> {
        let (prepared, expected) = self.plan;
        let executor = prepared.resolved.executor.address();
        let mut hashes = BTreeSet::new();
        for record in self.others().await?.iter().filter(|of| of.deployment.executor == executor) {
            let is_call = |op: &str| op != ANCHOR_OP && op != FOREIGN_OP;
            let calls = record.transactions.iter().filter(|tx| tx.success && is_call(&tx.op));
            hashes.extend(calls.map(|tx| tx.hash));
        }
        let mut sent: Vec<Transaction> = Vec::new();
        for hash in hashes.into_iter().take(READ_MAX) {
            sent.extend(self.place.1.transaction(hash).await?);
        }
        let mut made = BTreeSet::new();
        for op in prepared.resolved.freeze(expected).or_kind(Kind::Fail)? {
            if !matches!(op.op().kind, OpKind::Call { .. }) {
                continue;
            }
            // Two equal calls are two transactions.
            if let Some(index) = sent.iter().position(|tx| is_of(tx, &op)) {
                sent.remove(index);
                made.insert(op.id().to_owned());
            }
        }
        Ok(made)
    }
}

/// A word for people: a number, or its bytes.
pub(crate) fn word(word: U256) -> String {
    if word <= DECIMAL_MAX { word.to_string() } else { format!("{word:#x}") }
}
