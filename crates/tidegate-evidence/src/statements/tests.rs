use alloy_primitives::{Address, B256, U256};
use serde_json::json;
use tidegate_model::statement::{
    At, Freeze, FundDenial, FundRequest, FundTransfer, Go, KeyClaim, NEVER, NoGo, ProjectRef,
    Resolution, Severity, Triage,
};
use tidegate_model::{BlockRef, ChainId, NetworkId, ReasonCode};
use tidegate_testkit::{PrivateKeySigner, SignerSync as _};

use super::*;
use crate::exports::tests::attestation;

const BLOCK: BlockRef = BlockRef { number: 1, hash: B256::repeat_byte(1) };

fn project() -> ProjectRef {
    ProjectRef { name: "vault".to_owned(), safe: Address::ZERO }
}

fn says(signer: Address, body: Body) -> Statement {
    let project = Some(project()).filter(|_| !matches!(body, Body::AuditRevoke(_)));
    let (at, expires_at) = (At::new(ChainId(1), BLOCK), body.ends_at(5).unwrap_or(NEVER));
    Statement::Statement(General { signer, project, body, at, issued_at: 5, expires_at })
}

/// What contract 1 is said to have signed.
fn by_contract(body: Body, signature: u8) -> (StatementDigest, Value) {
    let statement = says(Address::with_last_byte(1), body);
    let digest = statement.digest().unwrap();
    let contract = Some(ContractSigner { chain: ChainId(1), block: BLOCK });
    let (v, signature) = (SignedStatement::VERSION, vec![signature].into());
    let signed = SignedStatement { v, statement, signature, contract };
    (digest, serde_json::to_value(&signed).unwrap())
}

fn revocation() -> Body {
    let attestation = StatementDigest(B256::ZERO);
    Body::AuditRevoke(AuditRevocation { attestation, reason: 0, detail: String::new() })
}

fn doubt(kind: Doubtful) -> Doubt {
    Doubt { why: Reason::new(ReasonCode::SignatureRefused, "refuses it"), kind }
}

/// A statement by a contract that does not confirm it.
fn refused(body: Body, kind: Doubtful) -> (StatementDigest, StatementSet) {
    let (digest, value) = by_contract(body, 1);
    let mut set = collect([(file_name(digest), Ok(value))], []);
    set.confirm(digest, Err(doubt(kind)));
    (digest, set)
}

/// A day that no block shows is its author's word: nobody's list is dated back by it.
#[test]
fn what_names_no_block_has_no_date() {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap();
    for (at, date) in [(At::no_block(ChainId(1)), 0), (At::new(ChainId(1), BLOCK), 1_767_225_600)] {
        let attestation = AuditAttestation { at, ..attestation(signer.address()) };
        let statement = Statement::AuditAttestation(attestation);
        let digest = statement.digest().unwrap();
        let signature = signer.sign_hash_sync(&digest.0).unwrap();
        let signed = serde_json::to_value(SignedStatement::by_key(statement, signature)).unwrap();
        let set = collect([(file_name(digest), Ok(signed))], []);
        assert_eq!(set.present(), [(digest, date)].into());
    }
}

#[test]
fn a_stop_that_is_not_confirmed_stays_in_sight() {
    let (release, discipline) = (ReleaseRoot(B256::ZERO), None);
    let reason = String::new;
    let no_go = Body::NoGo(NoGo { release, discipline, reason: reason() });
    let freeze = Body::Freeze(Freeze { until: 9, reason: reason() });
    let go = Body::Go(Go::over(release, [], [], None, reason()));
    let stops = [(no_go.clone(), true), (freeze, true), (revocation(), true), (go, false)];
    for (body, stops) in stops {
        let (digest, set) = refused(body.clone(), Doubtful::Refused);
        let found: Vec<_> = set.said().map(|said| (said.digest, said.confirmed)).collect();
        let doubtful = vec![(digest, Err(doubt(Doubtful::Refused).why))];
        assert_eq!(found, if stops { doubtful } else { Vec::new() });
        assert_eq!(set.general().count(), 0, "it counts for nothing else");
        let (_, void) = refused(body, Doubtful::Void);
        assert_eq!(void.said().count(), 0, "what names no block of its target is no stop");
    }
    let denial = FundDenial { request: StatementDigest(B256::ZERO), reason: reason() };
    for (kind, why) in [(Doubtful::Unasked, Some("refuses it")), (Doubtful::Void, None)] {
        let (_, set) = refused(Body::FundDeny(denial.clone()), kind);
        assert_eq!(set.unasked("fund/").map(|why| why.text.as_str()), why);
        assert_eq!(set.unasked("go"), None);
    }
    for kind in [Doubtful::Refused, Doubtful::Unasked, Doubtful::Void] {
        let (digest, set) = refused(no_go.clone(), kind);
        assert_eq!(set.present().contains_key(&digest), kind == Doubtful::Refused, "{kind:?}");
    }
}

#[test]
fn what_strangers_say_is_not_weighed() {
    let mut set = StatementSet::default();
    let mut say = |signer, body| {
        let statement = says(Address::with_last_byte(signer), body);
        let digest = statement.digest().unwrap();
        let (v, signature) = (SignedStatement::VERSION, vec![1].into());
        let signed = SignedStatement { v, statement, signature, contract: None };
        set.statements.insert(digest, Collected { signed, origin: Origin::Memory });
        digest
    };
    let network = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
    let request = |reason: &str| {
        Body::FundRequest(FundRequest {
            network,
            amount: U256::from(1),
            destination: Address::ZERO,
            release: None,
            reason: reason.to_owned(),
        })
    };
    let release = ReleaseRoot(B256::ZERO);
    let no_go =
        |reason: &str| Body::NoGo(NoGo { release, discipline: None, reason: reason.to_owned() });
    let (kim, stranger) = (1, 9);
    let mut expected = vec![say(kim, request("known")), say(kim, no_go("known"))];
    say(stranger, request("known"));
    say(stranger, no_go("unknown"));
    expected.sort_unstable();
    let is_known = |key| key == Address::with_last_byte(kim);
    let own = project().id(ChainId(1));
    let weighed = set.weighed("vault", own, is_known);
    assert_eq!(weighed.into_iter().collect::<Vec<_>>(), expected);
    // Of another project's only what stops a release wherever it is promoted.
    assert_eq!(set.weighed("other", ProjectId(B256::ZERO), is_known).len(), 1);
}

#[test]
fn what_a_contract_signed_counts_only_once_it_says_so() {
    let (digest, value) = by_contract(revocation(), 1);
    let file = || [(file_name(digest), Ok(value.clone()))];
    let seen = [(digest, by_contract(revocation(), 2).1)];
    let set = collect(file(), seen);
    assert!(set.statements.is_empty() && set.faults.is_empty());
    let origins: Vec<_> = set.pending[&digest].iter().map(|(found, _)| found.origin).collect();
    assert_eq!(origins, [Origin::File, Origin::Memory], "whichever signature it accepts");

    let mut refused = set.clone();
    refused.confirm(digest, Err(doubt(Doubtful::Refused)));
    assert!(refused.revocations().all(|(said, _)| said.confirmed.is_err()));
    assert_eq!(refused.unconfirmed[&digest].doubt, doubt(Doubtful::Refused));
    assert!(refused.present().contains_key(&digest), "its file is still there");
    let mut accepted = set;
    accepted.confirm(digest, Ok((1, None)));
    assert!(accepted.revocations().all(|(said, _)| said.confirmed.is_ok()));
    assert_eq!(accepted.revocations().count(), 1);
    assert_eq!(accepted.statements[&digest].signed.signature.as_ref(), [2]);
    assert!(accepted.pending.is_empty());

    let other = format!("0x{}.json", "00".repeat(32));
    assert_eq!(collect([(other, Ok(value))], []).faults.len(), 1);
}

/// One statement of each kind that decides something, by a key.
fn decisions(signer: Address) -> Vec<Statement> {
    let release = ReleaseRoot(B256::repeat_byte(3));
    let (text, bug) = (String::new, StatementDigest(B256::repeat_byte(4)));
    let network = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
    let denial = FundDenial { request: bug, reason: text() };
    let moved =
        FundTransfer { network, request: bug, amount: U256::from(1), transaction: B256::ZERO };
    let bodies = [
        Body::NoGo(NoGo { release, discipline: None, reason: text() }),
        Body::Go(Go::over(release, [bug], [], None, text())),
        Body::Freeze(Freeze { until: 9, reason: text() }),
        Body::Bug(Bug {
            release,
            severity: Severity::Critical,
            title: text(),
            link: text(),
            blocking: false,
        }),
        Body::Triage(Triage { bug, resolution: Resolution::Confirmed, of: None, reason: text() }),
        Body::FundDeny(denial),
        Body::FundDraw(moved),
        Body::KeyClaim(KeyClaim { name: text(), key: signer }),
        revocation(),
    ];
    bodies.into_iter().map(|body| says(signer, body)).collect()
}

fn signed_by(key: &PrivateKeySigner, statement: Statement) -> Value {
    let digest = statement.digest().unwrap();
    let signature = key.sign_hash_sync(&digest.0).unwrap();
    serde_json::to_value(SignedStatement::by_key(statement, signature)).unwrap()
}

/// Whoever can write git keeps a statement's name and puts another author into its file: a
/// throwaway key's, or that of somebody else of the policy.
#[test]
fn nobody_puts_their_signature_under_anothers_words() {
    let key = |byte| PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap();
    let (author, other) = (key(1), key(2));
    let mine = decisions(author.address()).into_iter().zip(decisions(other.address()));
    for (statement, others) in mine {
        let digest = statement.digest().unwrap();
        let kind = statement.text();
        let honest = signed_by(&author, statement.clone());
        let mut signature_alone = honest.clone();
        let forged = other.sign_hash_sync(&digest.0).unwrap();
        signature_alone["signature"] =
            json!(alloy_primitives::hex::encode_prefixed(forged.as_bytes()));
        let mut author_alone = honest.clone();
        author_alone["statement"]["message"]["signer"] = json!(other.address());
        let mut member_added = honest.clone();
        member_added["signer"] = json!(other.address());
        let mut by_contract = honest.clone();
        by_contract["contract"] = json!(ContractSigner { chain: ChainId(1), block: BLOCK });
        let whole = signed_by(&other, others);
        let own_name = serde_json::from_value::<SignedStatement>(whole.clone()).unwrap();
        let own_name = file_name(own_name.statement.digest().unwrap());
        for attack in [signature_alone, author_alone, member_added, whole.clone()] {
            let file = [(file_name(digest), Ok(attack))];
            // On a machine that has seen it, the author's word stands, and the file is named.
            let set = collect(file.clone(), [(digest, honest.clone())]);
            assert_eq!(set.statements[&digest].signed.signer(), author.address(), "{kind}");
            assert_eq!(set.statements.len(), 1, "{kind}");
            assert!(set.faults[0].starts_with(&file_name(digest)), "{:?}", set.faults);
            // On another the file is named and says nothing.
            let set = collect(file, []);
            assert!(set.statements.is_empty() && set.faults.len() == 1, "{kind}");
        }
        // Said to be a contract's it waits for the contract, which cannot take it from its key.
        let file = [(file_name(digest), Ok(by_contract))];
        let set = collect(file, [(digest, honest.clone())]);
        assert!(set.pending.is_empty() && set.statements.len() == 1, "{kind}");
        // Under its own name it is what the other says, beside the author's.
        let set = collect([(own_name, Ok(whole))], [(digest, honest)]);
        assert_eq!(set.statements.len(), 2, "{kind}");
    }
}

/// An older branch has nothing of a later release: what was said of that is counted, and no more.
#[test]
fn what_is_missing_is_named_where_it_is_about_what_is_here() {
    let key = PrivateKeySigner::random();
    let release = |byte| ReleaseRoot(B256::repeat_byte(byte));
    let no_go = |byte| {
        let (discipline, reason) = (None, format!("reason {byte}"));
        Body::NoGo(NoGo { release: release(byte), discipline, reason })
    };
    let until = Body::Freeze(Freeze { until: 9_000_000_000, reason: "stop".to_owned() });
    let memory: Vec<_> = [no_go(1), no_go(2), no_go(3), until]
        .into_iter()
        .map(|body| {
            let statement = says(key.address(), body);
            (statement.digest().unwrap(), signed_by(&key, statement))
        })
        .collect();
    let set = collect(Vec::new(), memory);
    let remarks = set.remarks_beside(|root| root == release(1));
    let named = remarks.iter().filter(|said| said.contains("is missing here")).count();
    assert_eq!((named, remarks.len()), (2, 3), "{remarks:?}");
    assert!(remarks[2].starts_with("2 statements about releases"), "{remarks:?}");
    assert_eq!(set.remarks_beside(|_| true), set.remarks());
    assert_eq!(set.remarks().len(), 4);
}
