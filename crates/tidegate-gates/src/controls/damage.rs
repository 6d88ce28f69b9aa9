//! The damages, gate by gate.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use tidegate_model::policy::Person;
use tidegate_model::statement::{AuditVerdict, Bug, Resolution, Severity};
use tidegate_model::{
    BlockRef, ChainId, Fqn, GateId, GateReport, PlanDigest, PolicyDigest, Reason, ReasonCode,
    ReleaseRoot, StatementDigest, Verdict,
};

use super::Damage;
use crate::{
    AttestationFact, AuditFacts, BugFact, BugFacts, Debt, Decision, DocumentFact, EndOfLife, Facts,
    FindingFact, GoFacts, Layout, LayoutFact, Loosening, Observed, OtherSoak, PolicyFacts,
    PolicyRules, PostedStop, RecordsHere, RevocationFact, SafeChange, SafeFacts, SampleFact,
    SoakFacts, StartPost, StateThere, TriageFact, TrustFacts, UnknownExecution, missing_records,
};

const NOT_READ: &str = "the endpoint did not answer";

const fn damage(
    gate: GateId,
    name: &'static str,
    apply: fn(&PolicyRules, &mut Facts) -> bool,
) -> Damage {
    Damage { gate, name, apply }
}

/// What a further network says.
fn another(has_record: bool, reports: Vec<GateReport>, gone: &[&str]) -> OtherSoak {
    let gone = gone.iter().map(|what| (*what).to_owned()).collect();
    let (network, disputed) = ("another".to_owned(), Vec::new());
    OtherSoak { network, has_record, reports, gone, disputed }
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
        read(&mut facts.code, |f| {
            f.record_faults.push(Reason::new(ReasonCode::RecordDiffers, "an address"))
        })
    }),
    damage(GateId::Code, "not read", |_, facts| unread(&mut facts.code)),
    damage(GateId::Layout, "an upgrade from an unknown layout", |_, facts| {
        first(
            &mut facts.layout,
            |f| f.upgrades.first_mut(),
            |u| u.reference = Err(Reason::unreadable("there is no baseline")),
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
    damage(GateId::Layout, "an upgrade that no step says", |_, facts| {
        read(&mut facts.layout, |f| {
            f.otherwise.push(Reason::new(ReasonCode::UpgradedOtherwise, "a call upgrades"))
        })
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
        let differs = Reason::new(ReasonCode::RecordDiffers, "a value");
        read(&mut facts.parameters, |f| f.record_faults.push(differs))
    }),
    damage(GateId::Parameters, "something on the target that did not soak", |_, facts| {
        let differs = Reason::new(ReasonCode::TargetDiffers, "an owner is another");
        read(&mut facts.parameters, |f| f.differences.push(differs))
    }),
    damage(GateId::Parameters, "a target that cannot be compared", |_, facts| {
        read(&mut facts.parameters, |f| f.missing.push(Reason::unreadable(NOT_READ)))
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
    damage(GateId::Soak, "a start that nobody posted on the target", |_, facts| {
        soak(facts, |f| {
            f.posted = Ok(Some(StartPost {
                target: "the target".to_owned(),
                chain: ChainId(1),
                head: f.head,
                posted_at: None,
                subject: f.state,
            }));
        })
    }),
    damage(GateId::Soak, "a start that was posted a second too late", |rules, facts| {
        rules.soak_secs > 0
            && soak(facts, |f| {
                let (target, chain, head) = ("the target".to_owned(), ChainId(1), f.head);
                let posted_at = Some(head.timestamp - rules.soak_secs + 1);
                let subject = f.state;
                f.posted = Ok(Some(StartPost { target, chain, head, posted_at, subject }));
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
                there: StateThere::Unasked,
                withdrawn: None,
            });
        })
    }),
    damage(GateId::Soak, "another network that contradicts", |_, facts| {
        let verdict = Verdict::fail(ReasonCode::AnchorDiffers, "another release");
        let report =
            GateReport { gate: GateId::Soak, verdict, summary: String::new(), inputs: Vec::new() };
        facts.other_soaks = vec![another(true, vec![report], &[])];
        true
    }),
    damage(GateId::Soak, "another network whose record is gone", |_, facts| {
        facts.other_soaks = vec![another(false, Vec::new(), &["record a-1.json is gone"])];
        true
    }),
    damage(GateId::Soak, "evidence that contradicts", |_, facts| {
        let differs = Reason::new(ReasonCode::AnchorDiffers, "another release");
        soak(facts, |f| f.faults.push(differs))
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
    damage(GateId::Audits, "a plan that nobody read", |rules, facts| {
        rules.audits > 0 && audits(facts, |f, _| f.plan = PlanDigest(B256::repeat_byte(0xab)))
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
                let refused =
                    || Err(Reason::new(ReasonCode::SignatureRefused, "does not accept it"));
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
            at: a.attestation.issued_at,
            found: "a control".to_owned(),
            confirmed: Ok(()),
        });
        f.revocations.extend(revoked);
        !f.revocations.is_empty()
    }),
    damage(GateId::Audits, "revocations that cannot be read", |_, facts| {
        audits(facts, |f, _| f.helper = Err(Reason::unreadable(NOT_READ)))
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
    damage(GateId::Policy, "a loosening within 72 hours", |_, facts| {
        let Ok(time) = facts.gate_time else { return false };
        let than = "a version before".to_owned();
        let looser = Loosening { than, lines: vec!["audits: 0".to_owned()], from: time + 1 };
        adopted(facts, |loosenings| *loosenings = Ok(vec![looser]))
    }),
    damage(GateId::Policy, "a version before that cannot be compared", |_, facts| {
        adopted(facts, |loosenings| *loosenings = Err(Reason::unreadable(NOT_READ)))
    }),
    damage(GateId::Policy, "not read", |_, facts| unread(&mut facts.policy)),
    damage(GateId::Bugs, "an open bug of high severity", |_, facts| {
        read(&mut facts.bugs, |f| _ = grave_bug(f))
    }),
    damage(GateId::Bugs, "a bug that one person calls none", |_, facts| {
        read(&mut facts.bugs, |f| {
            let bug = grave_bug(f);
            let signer = newcomer(&mut f.people, "another control", 0xc4);
            f.triages.push(called_none(bug, signer));
        })
    }),
    damage(GateId::Bugs, "not read", |_, facts| unread(&mut facts.bugs)),
    damage(GateId::Safe, "two owners", |_, facts| safe(facts, |f| f.trust.owners.truncate(2))),
    damage(GateId::Safe, "a threshold of one", |_, facts| safe(facts, |f| f.trust.threshold = 1)),
    damage(GateId::Safe, "a module that nobody allowed", |_, facts| {
        safe(facts, |f| f.trust.modules.push(Address::repeat_byte(0xc0)))
    }),
    damage(GateId::Safe, "a guard that nobody allowed", |_, facts| {
        safe(facts, |f| f.trust.guard = Address::repeat_byte(0xc0))
    }),
    damage(GateId::Safe, "code that nobody knows", |_, facts| {
        safe(facts, |f| f.doubts.push("the singleton's code is unknown".to_owned()))
    }),
    damage(GateId::Safe, "another Safe than this machine relied on", |_, facts| {
        safe(facts, |f| f.other = Some("this machine relied on another one".to_owned()))
    }),
    damage(GateId::Safe, "storage that it does not show", |_, facts| {
        safe(facts, |f| {
            f.proof.iter_mut().for_each(|proof| proof.hidden.push("an owner".to_owned()));
        })
    }),
    damage(GateId::Safe, "an execution that nobody knows", |_, facts| {
        let unknown = UnknownExecution {
            transaction: B256::ZERO,
            hash: B256::ZERO,
            file: "deployments/mainnet/proposals/0x0.json".to_owned(),
        };
        safe(facts, |f| f.proof.iter_mut().for_each(|proof| proof.unknown.push(unknown.clone())))
    }),
    damage(GateId::Safe, "storage that is not proven", |_, facts| {
        safe(facts, |f| f.proof = Err(Reason::unreadable(NOT_READ)))
    }),
    damage(GateId::Safe, "a change since the adoption", |_, facts| {
        let what = "the Safe got the owner 0x0".to_owned();
        safe(facts, |f| f.changes = Ok(vec![SafeChange { what, moved_by: None }]))
    }),
    damage(GateId::Safe, "changes that cannot be read", |_, facts| {
        safe(facts, |f| f.changes = Err(Reason::unreadable(NOT_READ)))
    }),
    damage(GateId::Safe, "a queued policy", |_, facts| {
        let queued = Reason::new(ReasonCode::AdoptionQueued, "another policy");
        safe(facts, |f| f.queued = Ok(vec![queued]))
    }),
    damage(GateId::Safe, "not read", |_, facts| unread(&mut facts.safe)),
    damage(GateId::Go, "nobody says go", |rules, facts| {
        rules.go.people > 0 && read(&mut facts.go, |f| f.decisions.clear())
    }),
    damage(GateId::Go, "a go from before the soak was over", |rules, facts| {
        rules.go.people > 0
            && facts.soak.is_ok()
            && read(&mut facts.go, |f| f.decisions.iter_mut().for_each(|d| d.issued_at = 0))
    }),
    damage(GateId::Go, "people whom the policy does not know", |rules, facts| {
        rules.go.people > 0 && read(&mut facts.go, |f| f.people.clear())
    }),
    damage(GateId::Go, "a go by whoever called a bug none", |rules, facts| {
        let Ok(go) = &facts.go else { return false };
        let (people, goes) = (go.people.clone(), go.decisions.clone());
        let said = |f: &mut BugFacts| {
            f.people = people;
            let bug = grave_bug(f);
            f.triages.extend(goes.iter().map(|go| called_none(bug, go.signer)));
        };
        rules.go.people > 0 && read(&mut facts.bugs, said)
    }),
    damage(GateId::Go, "a statement that nobody has seen", |rules, facts| {
        rules.go.people > 0
            && read(&mut facts.go, |f| {
                f.bearing.insert(StatementDigest(B256::ZERO), "a control".to_owned());
            })
    }),
    damage(GateId::Go, "a statement that was deleted", |_, facts| {
        let Ok(f) = &mut facts.go else { return false };
        let known = |decision: &&Decision| f.people.values().any(|p| p.holds(decision.signer));
        let saw = f.decisions.iter().filter(known).find_map(|d| d.saw.as_ref()?.first());
        let Some(saw) = saw.copied() else { return false };
        f.known.remove(&saw).is_some()
    }),
    damage(GateId::Go, "a record that was deleted", |_, facts| {
        let listed = |f: &GoFacts| {
            let known = |by| f.people.values().any(|person| person.holds(by));
            f.decisions.iter().any(|d| !d.records.is_empty() && known(d.signer))
        };
        facts.go.as_ref().is_ok_and(listed)
            && read(&mut facts.go, |f| f.records = Ok(RecordsHere::default()))
    }),
    damage(GateId::Go, "a go from before a statement that it lists", |rules, facts| {
        let lists = |f: &GoFacts| f.decisions.iter().any(|d| d.saw.iter().flatten().count() > 0);
        rules.go.people > 0
            && facts.go.iter().any(lists)
            && read(&mut facts.go, |f| f.known.values_mut().for_each(|dated| *dated = u64::MAX))
    }),
    damage(GateId::Go, "a no-go", |_, facts| no_go(facts, Ok(()))),
    damage(GateId::Go, "a no-go whose contract changed its mind", |_, facts| {
        no_go(facts, Err(Reason::new(ReasonCode::SignatureRefused, "refuses it")))
    }),
    damage(GateId::Go, "a freeze on chain", |_, facts| {
        let Ok(f) = &mut facts.go else { return false };
        let Some(by) = somebody(&f.people) else { return false };
        f.posted = Ok(vec![PostedStop { by, freeze: true, until: u64::MAX }]);
        true
    }),
    damage(GateId::Go, "records that cannot be read", |_, facts| {
        read(&mut facts.go, |f| f.records = Err(Reason::unreadable(NOT_READ)))
    }),
    damage(GateId::Go, "stops that cannot be read", |_, facts| {
        read(&mut facts.go, |f| f.posted = Err(Reason::unreadable(NOT_READ)))
    }),
    damage(GateId::Go, "not read", |_, facts| unread(&mut facts.go)),
    damage(GateId::Obligations, "an emergency that still owes", |_, facts| {
        read(&mut facts.obligations, |f| {
            let unmet = vec![Reason::new(ReasonCode::TooFewFirms, "an audit")];
            f.debts.push(Debt { release: ReleaseRoot(B256::ZERO), due_by: u64::MAX, unmet });
        })
    }),
    damage(GateId::Obligations, "not read", |_, facts| unread(&mut facts.obligations)),
    damage(GateId::Funds, "a draw that nobody approved", |_, facts| {
        let drawn = Reason::new(ReasonCode::UnapprovedDraw, "drawn without approval");
        read(&mut facts.funds, |f| f.violations.push(drawn))
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
    damage(GateId::Separation, "a deployer whom nobody knows", |_, facts| {
        read(&mut facts.separation, |f| f.deployers.push(Address::repeat_byte(0xc2)))
    }),
    damage(GateId::Separation, "a deployer whose record is gone", |_, facts| {
        let Ok(go) = &facts.go else { return false };
        let gone = missing_records(&go.people, &go.decisions, &RecordsHere::default());
        !gone.is_empty() && read(&mut facts.separation, |f| f.gone = gone)
    }),
    damage(GateId::Separation, "a decision on one's own request", |_, facts| {
        first(&mut facts.separation, |f| f.decisions.first_mut(), |d| d.2 = d.1)
    }),
    damage(GateId::Separation, "a guardian whose key nobody holds", |_, facts| {
        read(&mut facts.separation, |f| {
            let keys = vec![Address::repeat_byte(0xc1).into()];
            let guardian = Person { roles: vec!["guardian".to_owned()], firm: None, keys };
            f.people.insert("a control".to_owned(), guardian);
        })
    }),
    damage(GateId::Separation, "not read", |_, facts| unread(&mut facts.separation)),
];

/// Somebody whom the policy knows says no-go.
fn no_go(facts: &mut Facts, confirmed: Observed<()>) -> bool {
    let Ok(f) = &mut facts.go else { return false };
    let Some(signer) = somebody(&f.people) else { return false };
    f.decisions.push(Decision {
        records: Vec::new(),
        digest: StatementDigest(B256::ZERO),
        signer,
        issued_at: u64::MAX,
        expires_at: u64::MAX,
        discipline: None,
        saw: None,
        reason: "a control".to_owned(),
        confirmed,
    });
    true
}

/// Somebody finds a bug of high severity.
fn grave_bug(f: &mut BugFacts) -> StatementDigest {
    let signer = newcomer(&mut f.people, "a control", 0xc3);
    let (title, link) = ("a control".to_owned(), String::new());
    let release = ReleaseRoot(B256::ZERO);
    let bug = Bug { release, severity: Severity::High, title, link, blocking: false };
    let digest = StatementDigest(B256::ZERO);
    f.bugs.push(BugFact { digest, signer, bug, confirmed: Ok(()) });
    digest
}

/// Somebody calls a bug none.
const fn called_none(bug: StatementDigest, signer: Address) -> TriageFact {
    let resolution = Resolution::Invalid;
    TriageFact { bug, signer, issued_at: 0, resolution, of: None, confirmed: Ok(()) }
}

/// One more person whom the policy knows, and their key.
fn newcomer(people: &mut BTreeMap<String, Person>, name: &str, byte: u8) -> Address {
    let key = Address::repeat_byte(byte);
    let person = Person { roles: Vec::new(), firm: None, keys: vec![key.into()] };
    people.insert(name.to_owned(), person);
    key
}

/// A key of somebody whom the policy knows.
fn somebody(people: &BTreeMap<String, Person>) -> Option<Address> {
    people.values().find_map(|person| person.addresses().next())
}

fn safe(facts: &mut Facts, damage: impl FnOnce(&mut SafeFacts)) -> bool {
    read(&mut facts.safe, damage)
}

fn adopted(facts: &mut Facts, damage: impl FnOnce(&mut Observed<Vec<Loosening>>)) -> bool {
    match &mut facts.policy {
        Ok(PolicyFacts { trust: TrustFacts::Adopted { loosenings, .. }, .. }) => {
            damage(loosenings);
            true
        }
        _ => false,
    }
}

fn flip(word: &mut B256) {
    word.0[31] ^= 1;
}

fn unread<T>(fact: &mut Observed<T>) -> bool {
    *fact = Err(Reason::unreadable(NOT_READ));
    true
}

/// Damages a fact that was read.
fn read<T>(fact: &mut Observed<T>, damage: impl FnOnce(&mut T)) -> bool {
    fact.as_mut().map(damage).is_ok()
}

/// Lets an attestation report one open finding of medium severity.
fn find_medium(fact: &mut AttestationFact) {
    let (key, title) = (B256::repeat_byte(1), "a control".to_owned());
    fact.attestation.verdict = AuditVerdict::RiskAccepted;
    (fact.attestation.found, fact.attestation.open_medium) = (1, 1);
    fact.attestation.findings_digest = B256::repeat_byte(1);
    let open = vec![FindingFact { key, severity: Severity::Medium, title }];
    fact.findings = Ok(DocumentFact { found: 1, open, ..DocumentFact::default() });
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
