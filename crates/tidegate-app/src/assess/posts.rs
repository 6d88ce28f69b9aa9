//! What was posted at the helper, and when.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, keccak256};
use tidegate_chain::{LogQuery, Network};
use tidegate_model::digest::Preimage;
use tidegate_model::{BlockRef, GateInput, Head, StatementDigest};
use tidegate_safe::helper;

use crate::error::{AppResult, Kind, OrKind};
use crate::policy_doc::require_helper;

/// The helper's event: who posts, about what, until when it holds.
static POSTED: LazyLock<B256> = LazyLock::new(|| keccak256("Posted(address,bytes32,uint64)"));

/// Questions to the helper at one block, with its answers as evidence.
pub(super) struct Posts<'a> {
    network: &'a Network,
    at: BlockRef,
    answers: Vec<u8>,
}

impl<'a> Posts<'a> {
    /// Nothing asked yet. Without the helper, nothing can be.
    pub(super) async fn at(network: &'a Network, head: Head) -> AppResult<Self> {
        require_helper(network, head).await?;
        Ok(Self { network, at: head.block, answers: Vec::new() })
    }

    /// Until when somebody has posted about a subject; 0 for never.
    pub(super) async fn until(&mut self, by: Address, subject: StatementDigest) -> AppResult<u64> {
        let call = helper::posted(by, subject);
        let answer = self.network.call(helper::address(), &call, self.at).await?;
        self.answers.extend_from_slice(&answer);
        helper::read_posted(&answer).or_kind(Kind::Chain)
    }

    /// What the next answer is about, where that is part of the evidence.
    pub(super) fn about(&mut self, subject: B256) {
        self.answers.extend_from_slice(subject.as_slice());
    }

    /// One answer about a statement.
    pub(super) fn input_about(&self, kind: &str, about: StatementDigest, until: u64) -> GateInput {
        let (chain, block) = (self.network.id().chain, self.at);
        let digest = Preimage::new().digest(about.0).number(until).keccak();
        GateInput { kind: kind.to_owned(), chain, block, digest }
    }

    /// The block and all answers, end to end.
    pub(super) fn input(&self, kind: &str) -> GateInput {
        let (chain, block) = (self.network.id().chain, self.at);
        GateInput { kind: kind.to_owned(), chain, block, digest: keccak256(&self.answers) }
    }
}

/// When one of these first posted about a subject, at a time or later, by the time of its block.
pub(super) async fn first_posted(
    network: &Network,
    head: Head,
    by: Vec<B256>,
    subject: StatementDigest,
    since: u64,
) -> AppResult<Option<u64>> {
    let Some(first) = network.first_block_at_or_after(since, head).await? else { return Ok(None) };
    let query = LogQuery {
        addresses: vec![helper::address()],
        topics: vec![vec![*POSTED], by, vec![subject.0]],
        from: first.block.number,
        to: head.block.number,
    };
    match network.logs(&query).await?.first() {
        Some(log) => Ok(Some(network.head_at(log.block.number).await?.timestamp)),
        None => Ok(None),
    }
}
