//! By which blocks statements are dated, read from the chains of their targets.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tidegate_chain::Network;
use tidegate_gates::{Dating, Observed, dating};
use tidegate_model::statement::{Statement, WRITTEN_SECS_MAX};
use tidegate_model::units::format_utc;
use tidegate_model::{ChainId, Head, Reason, ReasonCode, StatementDigest};

use crate::order::in_turn;
use crate::{Doubt, Doubtful, StatementSet};

/// Of one chain, at most so many different blocks are read in one evaluation. Authors take turns,
/// and of each what was looked at before comes first, then the newest.
const BLOCKS_MAX: usize = 4_096;

/// The finalized head of a chain, and its blocks at the heights that statements name.
#[derive(Debug, Clone)]
pub struct ChainDates {
    finalized: Observed<Head>,
    found: BTreeMap<u64, Observed<Option<Head>>>,
}

impl ChainDates {
    /// A chain that cannot be read.
    pub const fn unread(why: Reason) -> Self {
        Self { finalized: Err(why), found: BTreeMap::new() }
    }

    /// Whether typed data may still become a statement: its block stands, and what is final now is
    /// not two days later.
    ///
    /// # Errors
    /// If it may not, in words.
    pub fn require_recent(&self, statement: &Statement) -> Result<(), String> {
        let written = statement.issued_at();
        let now = self.finalized.as_ref().map_or(u64::MAX, |head| head.timestamp);
        match self.of(statement) {
            Dating::Stands if now.saturating_sub(written) <= WRITTEN_SECS_MAX => Ok(()),
            Dating::Stands => {
                Err(format!("that was written {}, more than two days ago", format_utc(written)))
            }
            Dating::Void(why) | Dating::Unread(why) | Dating::Ahead(why) => {
                Err(format!("the typed data has no date: {why}"))
            }
        }
    }

    /// The judgement of a statement's date by this chain.
    pub fn of(&self, statement: &Statement) -> Dating {
        dating(statement, &self.finalized, self.found.get(&statement.at().number))
    }
}

/// Reads the blocks at the first of these heights, up to a finalized one, by the network's quorum.
pub async fn read_dates(network: &Network, finalized: Head, heights: &[u64]) -> ChainDates {
    let known = heights.iter().filter(|height| **height < finalized.block.number);
    let wanted: Vec<_> = known.take(BLOCKS_MAX).copied().collect();
    let mut found = BTreeMap::from([(finalized.block.number, Ok(Some(finalized)))]);
    match network.heads_at(&wanted).await {
        Ok(heads) => found.extend(wanted.into_iter().zip(heads.into_iter().map(Ok))),
        Err(error) => {
            let why = Reason::unreadable(error.to_string());
            found.extend(wanted.into_iter().map(|height| (height, Err(why.clone()))));
        }
    }
    ChainDates { finalized: Ok(finalized), found }
}

impl StatementSet {
    /// The heights of the blocks that statements of these signers name, by chain, in the order in
    /// which they are read. What strangers sign binds nobody, and costs no question.
    pub fn named_heights(&self, is_known: impl Fn(Address) -> bool) -> BTreeMap<ChainId, Vec<u64>> {
        let first = self.looked_at(&is_known);
        let mut authors: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        for (digest, statement) in self.dated(&is_known) {
            if let Some(block) = statement.at().block() {
                let of_chain = authors.entry(statement.at().chain).or_default();
                let heights = of_chain.entry(statement.signer()).or_default();
                heights.insert((first.contains(&digest), block.number));
            }
        }
        let order = |heights: BTreeSet<(bool, u64)>| {
            heights.into_iter().rev().map(|(_, height)| height).collect()
        };
        let in_order = authors
            .into_iter()
            .map(|(chain, authors)| (chain, in_turn(authors.into_values().map(order))));
        in_order.collect()
    }

    /// Sets aside what these signers said and is dated by no final block of a target. An
    /// attestation that is dated after `gate_time` stays: it waits for its day. What was set
    /// aside, with why.
    pub fn date(
        &mut self,
        is_known: impl Fn(Address) -> bool,
        chains: &BTreeMap<ChainId, ChainDates>,
        gate_time: Option<u64>,
    ) -> Vec<(StatementDigest, Doubt)> {
        let judged = self.dated(is_known).filter_map(|(digest, statement)| {
            let (chain, time) = (statement.at().chain, statement.issued_at());
            let unread = ChainDates::unread(Reason::unreadable("no target here is on that chain"));
            let dates = chains.get(&chain).unwrap_or(&unread);
            let (kind, code, why) = match dates.of(statement) {
                Dating::Stands => return None,
                Dating::Ahead(why) => {
                    let waits = matches!(statement, Statement::AuditAttestation(_));
                    if waits && gate_time.is_none_or(|gate_time| time > gate_time) {
                        return None;
                    }
                    (Doubtful::Unasked, ReasonCode::DateAhead, why)
                }
                Dating::Void(why) => (Doubtful::Void, ReasonCode::DateVoid, why),
                Dating::Unread(why) => (Doubtful::Unasked, ReasonCode::DateUnread, why),
            };
            Some((digest, Doubt { why: Reason::new(code, why), kind }))
        });
        let judged: Vec<_> = judged.collect();
        for (digest, doubt) in &judged {
            self.set_aside(*digest, doubt.clone());
        }
        judged
    }

    fn dated(
        &self,
        is_known: impl Fn(Address) -> bool,
    ) -> impl Iterator<Item = (StatementDigest, &Statement)> {
        let counting = self.statements.iter().map(|(digest, found)| (*digest, found));
        let pending = self.pending.iter().filter_map(|(digest, both)| {
            let (found, _) = both.first()?;
            Some((*digest, found))
        });
        let all = counting.chain(pending).map(|(digest, found)| (digest, &found.signed.statement));
        all.filter(move |(_, statement)| is_known(statement.signer()))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use tidegate_model::statement::{
        At, Body, Bug, Freeze, General, NEVER, ProjectRef, Severity, SignedStatement,
    };
    use tidegate_model::{BlockRef, ReleaseRoot};

    use super::*;
    use crate::{Collected, Origin};

    const CHAIN: ChainId = ChainId(1);

    fn head(number: u64) -> Head {
        let hash = B256::repeat_byte(u8::try_from(number).unwrap());
        Head { block: BlockRef { number, hash }, timestamp: number * 100 }
    }

    /// A set in which key 1 says something at each of these blocks, which key 9 repeats.
    fn said(body: &Body, blocks: &[(ChainId, Head)]) -> (StatementSet, Vec<StatementDigest>) {
        let mut set = StatementSet::default();
        let mut digests = Vec::new();
        for (signer, (chain, head)) in
            blocks.iter().flat_map(|block| [(1, block), (9, block)]).map(|(key, b)| (key, *b))
        {
            let statement = Statement::Statement(General {
                signer: Address::with_last_byte(signer),
                project: Some(ProjectRef { name: "vault".to_owned(), safe: Address::ZERO }),
                body: body.clone(),
                at: At::new(chain, head.block),
                issued_at: head.timestamp,
                expires_at: NEVER,
            });
            let digest = statement.digest().unwrap();
            if signer == 1 {
                digests.push(digest);
            }
            let (v, signature) = (SignedStatement::VERSION, vec![1].into());
            let signed = SignedStatement { v, statement, signature, contract: None };
            set.statements.insert(digest, Collected { signed, origin: Origin::File });
        }
        (set, digests)
    }

    fn is_known(key: Address) -> bool {
        key == Address::with_last_byte(1)
    }

    #[test]
    fn what_is_not_dated_by_its_target_counts_for_nothing() {
        let forged = Head { timestamp: 100, ..head(7) };
        let other = B256::repeat_byte(0xee);
        let other = Head { block: BlockRef { hash: other, ..head(6).block }, ..head(6) };
        let unread = head(5);
        let blocks = [head(10), head(4), forged, other, unread, head(11)].map(|h| (CHAIN, h));
        let elsewhere = (ChainId(2), head(4));
        let all: Vec<_> = blocks.into_iter().chain([elsewhere]).collect();
        let freeze = Body::Freeze(Freeze { until: NEVER, reason: String::new() });
        let (mut set, digests) = said(&freeze, &all);
        let heights = set.named_heights(is_known);
        assert_eq!(heights[&CHAIN], [11, 10, 7, 6, 5, 4]);
        let mut found: BTreeMap<_, _> =
            [4, 6, 7, 10].map(|number| (number, Ok(Some(head(number))))).into();
        found.insert(5, Ok(None));
        let dates = ChainDates { finalized: Ok(head(10)), found };
        let doubts = set.date(is_known, &BTreeMap::from([(CHAIN, dates)]), Some(1_000));
        let doubts: BTreeMap<_, _> = doubts.into_iter().map(|(d, doubt)| (d, doubt.kind)).collect();
        let (void, unasked) = (Some(&Doubtful::Void), Some(&Doubtful::Unasked));
        let expected = [None, None, void, void, unasked, unasked, unasked];
        assert_eq!(digests.iter().map(|d| doubts.get(d)).collect::<Vec<_>>(), expected);
        // What strangers said stays as it is.
        assert_eq!(set.statements.len(), 2 + all.len());
        let stops = set.said().filter(|said| is_known(said.signer));
        let confirmed: Vec<_> = stops.map(|said| said.confirmed.is_ok()).collect();
        assert_eq!(confirmed.len(), 5, "a stop is gone only where it never was one");
        assert_eq!(confirmed.iter().filter(|ok| **ok).count(), 2);
    }

    #[test]
    fn typed_data_is_signed_within_two_days() {
        let freeze = Body::Freeze(Freeze { until: NEVER, reason: String::new() });
        let (set, digests) = said(&freeze, &[(CHAIN, head(4))]);
        let statement = &set.statements[&digests[0]].signed.statement;
        let at = |timestamp, found| {
            let finalized = Head { timestamp, ..head(10) };
            let dates = ChainDates { finalized: Ok(finalized), found: [(4, found)].into() };
            dates.require_recent(statement).is_ok()
        };
        let written = head(4).timestamp;
        assert!(at(written, Ok(Some(head(4)))));
        assert!(at(written + WRITTEN_SECS_MAX, Ok(Some(head(4)))));
        assert!(!at(written + WRITTEN_SECS_MAX + 1, Ok(Some(head(4)))));
        assert!(!at(written, Ok(Some(head(5)))));
        assert!(!at(written, Ok(None)));
        assert!(ChainDates::unread(Reason::unreadable("down")).require_recent(statement).is_err());
    }

    #[test]
    fn where_the_chain_is_down_nothing_counts_and_no_stop_is_gone() {
        let release = ReleaseRoot(B256::ZERO);
        let (title, link) = (String::new(), String::new());
        let bug = Bug { release, severity: Severity::High, title, link, blocking: false };
        let (mut set, digests) = said(&Body::Bug(bug), &[(CHAIN, head(4))]);
        let down = ChainDates::unread(Reason::unreadable("no answer"));
        set.date(is_known, &BTreeMap::from([(CHAIN, down)]), None);
        assert!(!set.statements.contains_key(&digests[0]));
        let doubts = set.bugs().filter_map(|(said, _)| said.confirmed.err());
        assert_eq!(doubts.map(|why| why.code).collect::<Vec<_>>(), [ReasonCode::DateUnread]);
    }

    #[test]
    fn many_statements_of_few_blocks_are_few_questions() {
        let freeze = Body::Freeze(Freeze { until: NEVER, reason: String::new() });
        let blocks: Vec<_> = (1..=40).map(|number| (CHAIN, head(number % 4 + 1))).collect();
        let (set, _) = said(&freeze, &blocks);
        assert_eq!(set.named_heights(is_known)[&CHAIN].len(), 4);
    }

    #[test]
    fn one_author_s_many_blocks_push_out_no_other_s() {
        let freeze = Body::Freeze(Freeze { until: NEVER, reason: String::new() });
        let many: Vec<_> = (100..200).map(|number| (CHAIN, head(number))).collect();
        // Of each block two keys have said something; both are known here, and one has said more.
        let (mut set, digests) = said(&freeze, &many);
        let (few, _) = said(&freeze, &[(CHAIN, head(5)), (CHAIN, head(6))]);
        let of_nine =
            few.statements.into_iter().filter(|(_, found)| !is_known(found.signed.signer()));
        set.statements.retain(|_, found| is_known(found.signed.signer()));
        set.statements.extend(of_nine);
        let all = |_: Address| true;
        let heights = set.named_heights(all).remove(&CHAIN).unwrap();
        assert_eq!(heights.len(), 102);
        assert_eq!(heights[..4], [199, 6, 198, 5]);
        // What was remembered before comes before what is newer.
        set.remembered.insert(digests[3]);
        assert_eq!(set.named_heights(all)[&CHAIN][..4], [103, 6, 199, 5]);
    }
}
