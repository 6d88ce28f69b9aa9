//! What is asked first where not everything can be asked: nobody's many words push out another's
//! few, and of one author's words those come first that somebody has looked at before.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::statement::{Body, General, Statement};
use tidegate_model::{Reason, ReasonCode, StatementDigest};

use crate::{Doubt, Doubtful, StatementSet, stands_on};

/// Contracts are asked about at most this many statements.
const QUESTIONS_MAX: usize = 256;

impl StatementSet {
    /// Each pending statement, and why its contract is not asked, if it is not. What strangers
    /// leave here costs no question, and what poses as one contract's word takes none from another.
    pub fn questions(
        &self,
        people: &BTreeMap<String, Person>,
    ) -> Vec<(StatementDigest, Result<(), Doubt>)> {
        let is_known = |key| people.values().any(|person| person.holds(key));
        let first = self.looked_at(is_known);
        let mut by_author: BTreeMap<Address, Vec<_>> = BTreeMap::new();
        let mut answers = BTreeMap::new();
        for (digest, both) in &self.pending {
            let Some((found, _)) = both.first() else { continue };
            let signer = found.signed.signer();
            // Either of two signatures may be the one; what stands nowhere costs no question.
            let mut stands = both.iter().map(|(_, at)| stands_on(people, signer, at.chain));
            let one = stands.next().unwrap_or(Ok(()));
            let stands = stands.fold(one, Result::or);
            if stands.is_ok() {
                by_author.entry(signer).or_default().push((!first.contains(digest), *digest));
            }
            answers.insert(*digest, stands);
        }
        let lists = by_author.into_values().map(|mut list| {
            list.sort_unstable();
            list.into_iter().map(|(_, digest)| digest).collect()
        });
        for digest in in_turn(lists).into_iter().skip(QUESTIONS_MAX) {
            let signer = self.pending[&digest].first().map(|(found, _)| found.signed.signer());
            let who = signer.unwrap_or_default();
            let why = format!("contract {who} is one of more than {QUESTIONS_MAX} questions");
            let why = Reason::new(ReasonCode::ContractUnasked, why);
            answers.insert(digest, Err(Doubt { why, kind: Doubtful::Unasked }));
        }
        answers.into_iter().collect()
    }

    /// The statements that are read first: those that this machine remembers, and those that a go
    /// by one of these keys lists.
    pub(crate) fn looked_at(
        &self,
        is_known: impl Fn(Address) -> bool,
    ) -> BTreeSet<StatementDigest> {
        let goes = self.statements.values().filter_map(|found| match &found.signed.statement {
            Statement::Statement(General { body: Body::Go(go), signer, .. })
                if is_known(*signer) =>
            {
                Some(&go.statements)
            }
            _ => None,
        });
        goes.flatten().chain(&self.remembered).copied().collect()
    }
}

/// One of each list in turn, each value once.
pub(crate) fn in_turn<T: Ord + Copy>(lists: impl IntoIterator<Item = Vec<T>>) -> Vec<T> {
    let lists: Vec<_> = lists.into_iter().collect();
    let most = lists.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..most).flat_map(|turn| lists.iter().filter_map(move |list| list.get(turn)));
    let mut seen = BTreeSet::new();
    turns.copied().filter(|value| seen.insert(*value)).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes};
    use tidegate_model::policy::PersonKey;
    use tidegate_model::statement::{
        At, AuditRevocation, ContractSigner, Go, NEVER, SignedStatement,
    };
    use tidegate_model::{BlockRef, ChainId, ReleaseRoot};

    use super::*;
    use crate::{Collected, Origin};

    const CHAIN: ChainId = ChainId(1);

    fn key(byte: u8) -> Address {
        Address::with_last_byte(byte)
    }

    fn general(signer: Address, body: Body, issued_at: u64) -> General {
        let at = At::new(CHAIN, BlockRef { number: 1, hash: B256::ZERO });
        General { signer, project: None, body, at, issued_at, expires_at: NEVER }
    }

    /// A statement that some contract is said to have signed.
    fn said(signer: Address, number: u64) -> (StatementDigest, Collected, ContractSigner) {
        let attestation = StatementDigest(B256::ZERO);
        let body = AuditRevocation { attestation, reason: 0, detail: String::new() };
        let statement = Statement::Statement(general(signer, Body::AuditRevoke(body), number));
        let block = BlockRef { number: 1, hash: B256::ZERO };
        let contract = ContractSigner { chain: CHAIN, block };
        let digest = statement.digest().unwrap();
        let signed = SignedStatement {
            v: SignedStatement::VERSION,
            statement,
            signature: Bytes::new(),
            contract: Some(contract),
        };
        (digest, Collected { signed, origin: Origin::File }, contract)
    }

    fn pending(set: &mut StatementSet, signer: Address, count: u64) -> Vec<StatementDigest> {
        let said = (0..count).map(|number| said(signer, number));
        let digests = said.map(|(digest, found, contract)| {
            set.pending.insert(digest, vec![(found, contract)]);
            digest
        });
        digests.collect()
    }

    fn people() -> BTreeMap<String, Person> {
        let person = |keys| Person { roles: Vec::new(), firm: None, keys };
        let dao = |byte| person(vec![PersonKey::contract(CHAIN, key(byte))]);
        let kim = person(vec![key(7).into()]);
        [("dao".to_owned(), dao(1)), ("club".to_owned(), dao(2)), ("kim".to_owned(), kim)].into()
    }

    fn asked(set: &StatementSet) -> BTreeSet<StatementDigest> {
        let questions = set.questions(&people());
        assert_eq!(questions.len(), set.pending.len(), "each is answered");
        questions.into_iter().filter(|(_, question)| question.is_ok()).map(|(d, _)| d).collect()
    }

    #[test]
    fn strangers_push_out_nobody() {
        let count = |strangers, own| {
            let mut set = StatementSet::default();
            pending(&mut set, key(9), strangers);
            pending(&mut set, key(1), own);
            asked(&set).len()
        };
        let most = QUESTIONS_MAX as u64;
        assert_eq!(count(most * 4, 3), 3);
        assert_eq!(count(3, most + 1), QUESTIONS_MAX);
    }

    #[test]
    fn what_poses_as_one_contract_s_word_pushes_out_no_other_s() {
        let mut set = StatementSet::default();
        pending(&mut set, key(1), 1_000);
        let others = pending(&mut set, key(2), 100);
        let asked = asked(&set);
        assert_eq!(asked.len(), QUESTIONS_MAX);
        assert!(others.iter().all(|digest| asked.contains(digest)));
    }

    #[test]
    fn what_was_looked_at_before_comes_first() {
        let mut set = StatementSet::default();
        let all = pending(&mut set, key(1), 1_000);
        let late: Vec<_> = all.iter().copied().collect::<BTreeSet<_>>().into_iter().rev().collect();
        let (remembered, listed, by_stranger) = (late[0], late[1], late[2]);
        set.remembered.insert(remembered);
        for (signer, digest) in [(7, listed), (9, by_stranger)] {
            let go = Go::over(ReleaseRoot(B256::ZERO), [digest], [], None, String::new());
            let statement = Statement::Statement(general(key(signer), Body::Go(go), 5));
            let (digest, v) = (statement.digest().unwrap(), SignedStatement::VERSION);
            let signed = SignedStatement { v, statement, signature: Bytes::new(), contract: None };
            set.statements.insert(digest, Collected { signed, origin: Origin::File });
        }
        let asked = asked(&set);
        assert!(asked.contains(&remembered) && asked.contains(&listed));
        assert!(!asked.contains(&by_stranger), "a stranger's go lists nothing");
    }

    #[test]
    fn lists_take_turns() {
        let lists = [vec![9, 8, 7, 6], vec![3], vec![], vec![8, 2]];
        assert_eq!(in_turn(lists), [9, 3, 8, 2, 7, 6]);
    }
}
