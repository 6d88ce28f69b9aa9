//! Which contracts a batch asks again, and about which of their statements.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use tidegate_model::statement::{Body, General, SignedStatement, Statement};
use tidegate_model::{ReleaseRoot, StatementDigest};

use super::Confirmation;

/// The subject of a statement. Of two by one contract about the same subject, the newer one counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Audit {
        scope: B256,
        plan: B256,
        base: B256,
        verdict: &'static str,
    },
    Go {
        release: B256,
        discipline: Option<String>,
    },
    Risk {
        scope: B256,
        finding: B256,
    },
    Sample {
        deployment: B256,
    },
    Of {
        kind: &'static str,
        subject: B256,
    },
    Key,
    /// Nothing else is about the same.
    Own(StatementDigest),
}

/// The contracts that a batch asks, for what is listed: of each its newest word about each thing,
/// its newest sample of a deployment, and a proof of its key only where it has said nothing else.
/// An attestation on which a later one builds is asked about too.
pub fn to_confirm<'a>(
    release: ReleaseRoot,
    listed: impl IntoIterator<Item = (StatementDigest, &'a SignedStatement)>,
) -> Vec<Confirmation> {
    let mut newest: BTreeMap<(Address, Topic), (u64, StatementDigest, &SignedStatement)> =
        BTreeMap::new();
    let opening = listed.into_iter().filter(|(_, signed)| {
        let of_release = of_release(&signed.statement).is_none_or(|of| of == release);
        signed.contract.is_some() && signed.statement.opens() && of_release
    });
    let opening: Vec<_> = opening.collect();
    let bases: BTreeSet<_> = opening.iter().filter_map(|(_, signed)| base_of(signed)).collect();
    for (digest, signed) in opening {
        let topic = match bases.contains(&digest.0) {
            true => Topic::Own(digest),
            false => topic(digest, &signed.statement),
        };
        let word = (signed.statement.issued_at(), digest, signed);
        let place = newest.entry((signed.signer(), topic)).or_insert(word);
        if (place.0, place.1) < (word.0, word.1) {
            *place = word;
        }
    }
    let speaks: BTreeSet<Address> =
        newest.keys().filter(|(_, topic)| *topic != Topic::Key).map(|(by, _)| *by).collect();
    newest.retain(|(by, topic), _| *topic != Topic::Key || !speaks.contains(by));
    let asked = newest.into_iter().filter_map(|((contract, _), (_, statement, signed))| {
        let (chain, signature) = (signed.contract?.chain, signed.signature.clone());
        Some(Confirmation { statement, chain, contract, signature })
    });
    let mut asked: Vec<_> = asked.collect();
    asked.sort();
    asked
}

/// The one release that it speaks of, where it decides nothing about others.
fn of_release(statement: &Statement) -> Option<ReleaseRoot> {
    let Statement::Statement(General { body, .. }) = statement else { return None };
    match body {
        Body::Go(go) => Some(go.release),
        Body::SoakSample(sample) => Some(sample.release),
        Body::Result(result) => Some(result.release),
        _ => None,
    }
}

/// The attestation on which one builds.
fn base_of(signed: &SignedStatement) -> Option<B256> {
    match &signed.statement {
        Statement::AuditAttestation(a) => Some(a.supersedes.0).filter(|base| !base.is_zero()),
        Statement::Statement(_) | Statement::EmergencyWaiver(_) => None,
    }
}

fn topic(digest: StatementDigest, statement: &Statement) -> Topic {
    let of = |kind, subject| Topic::Of { kind, subject };
    match statement {
        Statement::AuditAttestation(a) => Topic::Audit {
            scope: a.scope_root.0,
            plan: a.plan_digest.0,
            base: a.supersedes.0,
            verdict: a.verdict.words(),
        },
        Statement::Statement(General { body, .. }) => match body {
            Body::Go(go) => Topic::Go { release: go.release.0, discipline: go.discipline.clone() },
            Body::RiskAccept(risk) => {
                Topic::Risk { scope: risk.scope_root.0, finding: risk.finding }
            }
            Body::SoakSample(sample) => Topic::Sample { deployment: sample.deployment.0 },
            Body::SoakWithdraw(withdrawal) => of("withdraw", withdrawal.sample.0),
            Body::FundApprove(approval) => of("approve", approval.request.0),
            Body::Triage(triage) => of("triage", triage.bug.0),
            Body::Postmortem(postmortem) => of("postmortem", postmortem.release.0),
            Body::KeyClaim(_) => Topic::Key,
            // Guardians sign one body together: which of several counts is for the gate to say.
            _ => Topic::Own(digest),
        },
        Statement::EmergencyWaiver(_) => Topic::Own(digest),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, U256};
    use tidegate_model::statement::{
        At, AuditAttestation, AuditVerdict, ContractSigner, FundApproval, Go, KeyClaim, NEVER,
        Postmortem, ProjectRef, Resolution, RiskAcceptance, RiskDecision, SampleWithdrawal,
        Severity, SoakSample, Triage,
    };
    use tidegate_model::{BlockRef, ChainId, DeploymentDigest, NetworkId, PlanDigest, ScopeRoot};

    use super::*;

    fn said(by: u8, time: u64, body: Body) -> (StatementDigest, SignedStatement) {
        let block = BlockRef { number: time, hash: B256::repeat_byte(1) };
        let statement = Statement::Statement(General {
            signer: Address::with_last_byte(by),
            project: Some(ProjectRef { name: "vault".to_owned(), safe: Address::ZERO }),
            body,
            at: At::new(ChainId(1), block),
            issued_at: time,
            expires_at: NEVER,
        });
        let digest = statement.digest().unwrap();
        let contract = Some(ContractSigner { chain: ChainId(1), block });
        let (v, signature) = (SignedStatement::VERSION, Bytes::from_static(&[1]));
        (digest, SignedStatement { v, statement, signature, contract })
    }

    fn asked(all: &[(StatementDigest, SignedStatement)]) -> Vec<StatementDigest> {
        let listed = all.iter().map(|(digest, signed)| (*digest, signed));
        let mut asked: Vec<_> = to_confirm(ReleaseRoot(B256::ZERO), listed)
            .into_iter()
            .map(|ask| ask.statement)
            .collect();
        asked.sort_unstable();
        asked
    }

    fn key(by: u8, time: u64) -> (StatementDigest, SignedStatement) {
        let key = Address::with_last_byte(by);
        said(by, time, Body::KeyClaim(KeyClaim { name: "dao".to_owned(), key }))
    }

    fn go(by: u8, time: u64, discipline: Option<&str>) -> (StatementDigest, SignedStatement) {
        let discipline = discipline.map(str::to_owned);
        let go = Go::over(ReleaseRoot(B256::ZERO), [], [], discipline, String::new());
        said(by, time, Body::Go(go))
    }

    fn risk(by: u8, time: u64, finding: u8) -> (StatementDigest, SignedStatement) {
        said(
            by,
            time,
            Body::RiskAccept(RiskAcceptance {
                scope_root: ScopeRoot(B256::ZERO),
                finding: B256::repeat_byte(finding),
                severity: Severity::Low,
                decision: RiskDecision::Accept,
                justification: String::new(),
                control: String::new(),
            }),
        )
    }

    fn sorted(mut digests: Vec<StatementDigest>) -> Vec<StatementDigest> {
        digests.sort_unstable();
        digests
    }

    #[test]
    fn of_many_words_the_newest_about_each_thing_is_asked_about() {
        let keys: Vec<_> = (1..80).map(|time| key(1, time)).collect();
        assert_eq!(asked(&keys), [keys[78].0], "one proof of one key");
        // Whoever has said something else has shown their key.
        let words = [go(1, 5, None), go(1, 9, None), go(1, 7, Some("security"))];
        let all = [&keys[..], &words].concat();
        assert_eq!(asked(&all), sorted(vec![words[1].0, words[2].0]));
        // Another contract's words are its own, and so are those about something else.
        let risks = [risk(1, 3, 1), risk(1, 4, 1), risk(1, 3, 2), risk(2, 3, 1)];
        let expected = sorted(vec![risks[1].0, risks[2].0, risks[3].0]);
        assert_eq!(asked(&risks), expected);
        // What is said of another release decides nothing here.
        let other = Go::over(ReleaseRoot(B256::repeat_byte(9)), [], [], None, String::new());
        assert!(asked(&[said(1, 5, Body::Go(other))]).is_empty());
        // Keys need no question.
        let mut own = go(3, 5, None);
        own.1.contract = None;
        assert!(asked(&[own]).is_empty());
    }

    fn sample(time: u64, release: u8, deployment: u8) -> (StatementDigest, SignedStatement) {
        let network = NetworkId { chain: ChainId(2), genesis: B256::ZERO };
        let body = Body::SoakSample(SoakSample {
            network,
            release: ReleaseRoot(B256::repeat_byte(release)),
            deployment: DeploymentDigest(B256::repeat_byte(deployment)),
            block: BlockRef { number: time, hash: B256::ZERO },
            timestamp: time,
            state: B256::ZERO,
            activity: B256::ZERO,
            transactions: 0,
            senders: 0,
        });
        said(1, time, body)
    }

    /// Of each kind of words the newest about one thing; about two things both.
    #[test]
    fn what_is_about_the_same_is_asked_about_once() {
        let network = NetworkId { chain: ChainId(2), genesis: B256::ZERO };
        let digest = |byte| StatementDigest(B256::repeat_byte(byte));
        let block = BlockRef { number: 1, hash: B256::ZERO };
        type Of<'a> = &'a dyn Fn(u64, u8) -> (StatementDigest, SignedStatement);
        let withdraw: Of<'_> = &|time, sample| {
            let (sample, reason) = (digest(sample), String::new());
            let body = SampleWithdrawal { sample, network, block, timestamp: 1, reason };
            said(1, time, Body::SoakWithdraw(body))
        };
        let approve: Of<'_> = &|time, request| {
            let (request, reason) = (digest(request), String::new());
            let (destination, amount) = (Address::ZERO, U256::ZERO);
            let body = FundApproval { request, network, destination, amount, reason };
            said(1, time, Body::FundApprove(body))
        };
        let triage: Of<'_> = &|time, bug| {
            let (bug, resolution) = (digest(bug), Resolution::Invalid);
            let body = Triage { bug, resolution, of: None, reason: String::new() };
            said(1, time, Body::Triage(body))
        };
        let postmortem: Of<'_> = &|time, release| {
            let (release, uri) = (ReleaseRoot(B256::repeat_byte(release)), String::new());
            said(1, time, Body::Postmortem(Postmortem { release, sha256: B256::ZERO, uri }))
        };
        let of_deployment: Of<'_> = &|time, deployment| sample(time, 0, deployment);
        for of in [withdraw, approve, triage, postmortem, of_deployment] {
            let (old, new, other) = (of(3, 1), of(4, 1), of(2, 2));
            let all = [old, new.clone(), other.clone()];
            assert_eq!(asked(&all), sorted(vec![new.0, other.0]), "{:?}", all[0].1.statement);
        }
        // A sample of another release decides nothing here.
        assert!(asked(&[sample(3, 9, 1)]).is_empty());
    }

    fn attested(time: u64, base: StatementDigest) -> (StatementDigest, SignedStatement) {
        let (_, mut signed) = key(1, time);
        let block = BlockRef { number: time, hash: B256::repeat_byte(1) };
        let attestation = AuditAttestation {
            auditor: Address::with_last_byte(1),
            scope_root: ScopeRoot(B256::ZERO),
            scope_count: 1,
            project: String::new(),
            release: String::new(),
            plan_digest: PlanDigest(B256::ZERO),
            source: String::new(),
            report_uri: String::new(),
            report_version: String::new(),
            report_sha256: B256::ZERO,
            period: String::new(),
            verdict: AuditVerdict::Clean,
            found: 0,
            fixed: 0,
            accepted: 0,
            open_critical: 0,
            open_high: 0,
            open_medium: 0,
            findings_digest: B256::ZERO,
            issued_at: time,
            valid_until: NEVER,
            supersedes: base,
            at: At::new(ChainId(1), block),
        };
        signed.statement = Statement::AuditAttestation(attestation);
        (signed.statement.digest().unwrap(), signed)
    }

    /// An attestation on which a later one builds is asked about beside it.
    #[test]
    fn what_others_build_on_is_asked_about_too() {
        let nothing = StatementDigest(B256::ZERO);
        let (first, second) = (attested(3, nothing), attested(4, nothing));
        assert_eq!(asked(&[first.clone(), second.clone()]), [second.0]);
        let built = attested(5, first.0);
        let all = [first.clone(), second.clone(), built.clone()];
        assert_eq!(asked(&all), sorted(vec![first.0, second.0, built.0]));
    }
}
