//! The damages, gate by gate.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use tidegate_model::statement::Severity;
use tidegate_model::{BlockRef, Fqn, GateId, GateReport, PolicyDigest, StatementDigest, Verdict};

use super::Damage;
use crate::{
    AttestationFact, AuditFacts, EndOfLife, Facts, FindingFact, Layout, LayoutFact, Observed,
    OtherSoak, PolicyFacts, PolicyRules, RevocationFact, SampleFact, SoakFacts, TrustFacts,
};

const NOT_READ: &str = "the endpoint did not answer";

const fn damage(
    gate: GateId,
    name: &'static str,
    apply: fn(&PolicyRules, &mut Facts) -> bool,
) -> Damage {
    Damage { gate, name, apply }
}

/// Every damage.
pub(super) const ALL: &[Damage] = &[
    damage(GateId::Code, "one bit of a contract's code", |_, facts| {
        first(&mut facts.code, |f| f.contracts.first_mut(), |c| flip(&mut c.found))
    }),
    damage(GateId::Code, "a contract that is not there", |_, facts| {
        first(&mut facts.code, |f| f.contracts.first_mut(), |c| c.found = KECCAK256_EMPTY)
    }),
    damage(GateId::Code, "no contract compared", |_, facts| {
        read(&mut facts.code, |f| f.contracts.clear())
    }),
    damage(GateId::Code, "one bit of a watched slot", |_, facts| {
        first(&mut facts.code, |f| f.slots.first_mut(), |s| flip(&mut s.found))
    }),
    damage(GateId::Code, "a record that disagrees", |_, facts| {
        read(&mut facts.code, |f| f.record_faults.push("an address differs".to_owned()))
    }),
    damage(GateId::Code, "not read", |_, facts| unread(&mut facts.code)),
    damage(GateId::Layout, "an upgrade from an unknown layout", |_, facts| {
        first(
            &mut facts.layout,
            |f| f.upgrades.first_mut(),
            |u| u.reference = Err("there is no baseline".to_owned()),
        )
    }),
    damage(GateId::Layout, "an upgrade that drops every variable", |_, facts| {
        let stored = |upgrade: &&mut LayoutFact| {
            upgrade.reference.as_ref().is_ok_and(|reference| reference.layout.variables() > 0)
        };
        first(
            &mut facts.layout,
            |f| f.upgrades.iter_mut().find(stored),
            |u| u.updated = Layout::default(),
        )
    }),
    damage(GateId::Layout, "not read", |_, facts| unread(&mut facts.layout)),
    damage(GateId::Parameters, "a value that has no rule's leave", |_, facts| {
        first(
            &mut facts.parameters,
            |f| f.rows.first_mut(),
            |row| row.target = Err("it is not set".to_owned()),
        )
    }),
    damage(GateId::Parameters, "a record that disagrees", |_, facts| {
        read(&mut facts.parameters, |f| f.record_faults.push("a value differs".to_owned()))
    }),
    damage(GateId::Parameters, "not read", |_, facts| unread(&mut facts.parameters)),
    damage(GateId::Soak, "a soak of one window less", |rules, facts| {
        rules.soak_secs > 0
            && soak(facts, |f| {
                // However old it is, what is left is one second short of what is asked.
                f.windows
                    .truncate(usize::try_from(rules.soak_secs / crate::WINDOW_SECS).unwrap_or(0));
                if let Some(last) = f.windows.last_mut() {
                    last.elapsed_secs = last.elapsed_secs.saturating_sub(1);
                }
            })
    }),
    damage(GateId::Soak, "a chain that stood still", |rules, facts| {
        rules.soak_secs > 0
            && soak(facts, |f| f.windows.iter_mut().for_each(|window| window.blocks = 0))
    }),
    damage(GateId::Soak, "one transaction too few", |rules, facts| {
        rules.transactions > 0 && soak(facts, |f| f.activity.transactions = rules.transactions - 1)
    }),
    damage(GateId::Soak, "one outside sender too few", |rules, facts| {
        let fewer = (rules.senders as usize).checked_sub(1);
        fewer.is_some_and(|fewer| soak(facts, |f| f.activity.users.truncate(fewer)))
    }),
    damage(GateId::Soak, "functions that nobody called", |rules, facts| {
        rules.selectors_percent > 0
            && soak(facts, |f| {
                let called = std::mem::take(&mut f.activity.called);
                f.activity.uncalled.extend(called);
            })
    }),
    damage(GateId::Soak, "a network past its end", |rules, facts| {
        rules.soak_secs > 0
            && soak(facts, |f| {
                f.end_of_life = Some(EndOfLife { at: f.start, source: "a control".to_owned() });
            })
    }),
    damage(GateId::Soak, "a slot that may change in silence", |_, facts| {
        // In less than a window nobody needs to look.
        let full = |f: &SoakFacts| f.windows.iter().any(|w| w.elapsed_secs == crate::WINDOW_SECS);
        facts.soak.as_ref().is_ok_and(full)
            && soak(facts, |f| {
                f.samples.clear();
                f.silent_slots.push("a slot".to_owned());
            })
    }),
    damage(GateId::Soak, "a sample of another chain", |_, facts| {
        soak(facts, |f| {
            f.samples.push(SampleFact {
                digest: StatementDigest(f.state),
                by: "somebody".to_owned(),
                signer: Address::ZERO,
                block: BlockRef { hash: f.state, ..f.head.block },
                timestamp: f.head.timestamp,
                state: f.state,
                here: Some(f.head),
            });
        })
    }),
    damage(GateId::Soak, "another network that contradicts", |_, facts| {
        let verdict = Verdict::fail("the anchor names another release");
        let report =
            GateReport { gate: GateId::Soak, verdict, summary: String::new(), inputs: Vec::new() };
        facts.other_soaks =
            vec![OtherSoak { network: "another".to_owned(), reports: vec![report] }];
        true
    }),
    damage(GateId::Soak, "evidence that contradicts", |_, facts| {
        soak(facts, |f| f.faults.push("the anchor names another release".to_owned()))
    }),
    damage(GateId::Soak, "not read", |_, facts| unread(&mut facts.soak)),
    damage(GateId::Audits, "one audit too few", |rules, facts| {
        let fewer = (rules.audits as usize).checked_sub(1);
        fewer.is_some_and(|fewer| audits(facts, |f, _| f.attestations.truncate(fewer)))
    }),
    damage(GateId::Audits, "two keys of one firm", |rules, facts| {
        // Where one firm is enough, that is no damage.
        rules.audits > 1
            && audits(facts, |f, _| {
                f.people.values_mut().for_each(|person| person.firm = Some("One".to_owned()));
            })
    }),
    damage(GateId::Audits, "an auditor that the policy does not know", |rules, facts| {
        rules.audits > 0 && audits(facts, |f, _| f.people.clear())
    }),
    damage(GateId::Audits, "attestations of another scope", |rules, facts| {
        rules.audits > 0
            && audits(facts, |f, _| {
                flip(&mut f.scope_root.0);
                f.contracts.values_mut().for_each(flip);
            })
    }),
    damage(GateId::Audits, "a contract that nobody audited", |rules, facts| {
        rules.audits > 0
            && audits(facts, |f, _| {
                flip(&mut f.scope_root.0);
                f.contracts.insert(Fqn("src/Unread.sol:Unread".to_owned()), B256::ZERO);
            })
    }),
    damage(GateId::Audits, "contracts that take their signatures back", |rules, facts| {
        rules.audits > 0
            && audits(facts, |f, _| {
                let refused = || Err("does not accept the signature".to_owned());
                f.attestations.iter_mut().for_each(|a| a.confirmed = refused());
            })
    }),
    damage(GateId::Audits, "attestations that have expired", |rules, facts| {
        rules.audits > 0
            && audits(facts, |f, time| {
                f.attestations.iter_mut().for_each(|a| a.attestation.valid_until = time);
            })
    }),
    damage(GateId::Audits, "attestations from the future", |rules, facts| {
        rules.audits > 0
            && audits(facts, |f, time| {
                f.attestations.iter_mut().for_each(|a| a.attestation.issued_at = time + 1);
            })
    }),
    damage(GateId::Audits, "open findings of high severity", |_, facts| {
        // All of them: a firm that attests again has had its last word.
        let Ok(f) = &mut facts.audits else { return false };
        f.attestations.iter_mut().for_each(|a| a.attestation.open_high = 1);
        !f.attestations.is_empty()
    }),
    damage(GateId::Audits, "a finding of medium severity that nobody accepts", |_, facts| {
        audits(facts, |f, _| {
            f.acceptances.clear();
            f.attestations.iter_mut().for_each(find_medium);
        }) && facts.audits.as_ref().is_ok_and(|f| !f.attestations.is_empty())
    }),
    damage(GateId::Audits, "a revocation", |_, facts| {
        let Ok(f) = &mut facts.audits else { return false };
        let revoked = f.attestations.iter().map(|a| RevocationFact {
            attestation: a.digest,
            by: a.attestation.auditor,
            found: "a control".to_owned(),
        });
        f.revocations.extend(revoked);
        !f.revocations.is_empty()
    }),
    damage(GateId::Audits, "revocations that cannot be read", |_, facts| {
        audits(facts, |f, _| f.helper = Err(NOT_READ.to_owned()))
    }),
    damage(GateId::Audits, "not read", |_, facts| unread(&mut facts.audits)),
    damage(GateId::Policy, "one bit of the policy", |_, facts| {
        policy(facts, |f| flip(&mut f.current.0))
    }),
    damage(GateId::Policy, "another policy adopted", |_, facts| {
        policy(facts, |f| {
            if let TrustFacts::Adopted { digest, .. } = &mut f.trust {
                *digest = PolicyDigest(B256::ZERO);
            }
        })
    }),
    damage(GateId::Policy, "no policy adopted", |_, facts| {
        policy(facts, |f| f.trust = TrustFacts::Never)
    }),
    damage(GateId::Policy, "not read", |_, facts| unread(&mut facts.policy)),
    damage(GateId::Funds, "a draw that nobody approved", |_, facts| {
        read(&mut facts.funds, |f| f.violations.push("drawn without approval".to_owned()))
    }),
    damage(GateId::Funds, "a wei that the books do not explain", |_, facts| {
        read(&mut facts.funds, |f| f.residues.push("1 wei".to_owned()))
    }),
    damage(GateId::Funds, "not read", |_, facts| unread(&mut facts.funds)),
    damage(GateId::Separation, "an auditor who deployed", |_, facts| {
        read(&mut facts.separation, |f| {
            let auditors = f.auditors.clone();
            f.deployers.extend(auditors);
        }) && facts.separation.as_ref().is_ok_and(|f| !f.auditors.is_empty())
    }),
    damage(GateId::Separation, "a decision on one's own request", |_, facts| {
        first(&mut facts.separation, |f| f.decisions.first_mut(), |d| d.2 = d.1)
    }),
    damage(GateId::Separation, "not read", |_, facts| unread(&mut facts.separation)),
];

fn flip(word: &mut B256) {
    word.0[31] ^= 1;
}

fn unread<T>(fact: &mut Observed<T>) -> bool {
    *fact = Err(NOT_READ.to_owned());
    true
}

/// Damages a fact that was read.
fn read<T>(fact: &mut Observed<T>, damage: impl FnOnce(&mut T)) -> bool {
    fact.as_mut().map(damage).is_ok()
}

/// Lets an attestation report one open finding of medium severity.
fn find_medium(fact: &mut AttestationFact) {
    let (key, title) = (B256::repeat_byte(1), "a control".to_owned());
    fact.attestation.verdict = fact.attestation.verdict.max(2);
    fact.attestation.open_medium = 1;
    fact.attestation.findings_digest = B256::repeat_byte(1);
    fact.findings = Ok(vec![FindingFact { key, severity: Severity::Medium, title }]);
}

/// Damages one of several things that were read.
fn first<T, U>(
    fact: &mut Observed<T>,
    find: impl FnOnce(&mut T) -> Option<&mut U>,
    damage: impl FnOnce(&mut U),
) -> bool {
    fact.as_mut().ok().and_then(find).map(damage).is_some()
}

fn soak(facts: &mut Facts, damage: impl FnOnce(&mut SoakFacts)) -> bool {
    read(&mut facts.soak, damage)
}

fn audits(facts: &mut Facts, damage: impl FnOnce(&mut AuditFacts, u64)) -> bool {
    let Ok(time) = facts.gate_time else { return false };
    read(&mut facts.audits, |f| damage(f, time))
}

fn policy(facts: &mut Facts, damage: impl FnOnce(&mut PolicyFacts)) -> bool {
    read(&mut facts.policy, damage)
}
