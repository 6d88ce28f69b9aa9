//! Which contracts a batch asks again, and about which of their statements.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use tidegate_model::statement::{Body, General, SignedStatement, Statement};
use tidegate_model::{ReleaseRoot, StatementDigest};

use super::Confirmation;

/// What a statement is about; of two by one contract about the same, the newer one counts.
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
    use alloy_primitives::Bytes;
    use tidegate_model::statement::{
        At, ContractSigner, Go, KeyClaim, NEVER, ProjectRef, RiskAcceptance, RiskDecision, Severity,
    };
    use tidegate_model::{BlockRef, ChainId, ScopeRoot};

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
}
