//! Facts on which every gate passes.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, keccak256};
use serde_json::json;
use tidegate_model::plan::Rule;
use tidegate_model::policy::{Person, SafeTrust};
use tidegate_model::release::LayoutNotes;
use tidegate_model::statement::{At, AuditAttestation, AuditVerdict, SeenRecord};
use tidegate_model::{
    BlockRef, ChainId, DeploymentDigest, Fqn, Head, NetworkId, PlanDigest, PolicyDigest,
    RecordDigest, ReleaseRoot, ScopeRoot, StatementDigest,
};

use crate::code_match::CodeMatch;
use crate::{
    Activity, AttestationFact, AuditFacts, BugFacts, CodeFacts, ContractFact, Decision,
    DocumentFact, Facts, FundFacts, GoFacts, GoRule, Layout, LayoutFact, LayoutFacts,
    ObligationFacts, ParameterFacts, ParameterRow, PolicyFacts, PolicyRules, RecordFile,
    RecordsHere, Reference, SafeFacts, SafeProof, ScopeHashes, SeparationFacts, SlotFact,
    SoakFacts, TrustFacts, User, WINDOW_SECS, WaiverFacts, Who, Window,
};

/// Gate time of the exemplar.
const TIME: u64 = 1_767_225_600;
const BLOCK_TIME_SECS: u64 = 12;

/// Facts of a release that these rules let pass, and no more than that: exactly as old, as used
/// and as audited as they ask.
pub fn exemplar(rules: &PolicyRules) -> Facts {
    // One firm's word can be damaged even where the rules ask for nobody's.
    let people = auditors(rules.audits.max(1));
    Facts {
        gate_time: Ok(TIME),
        code: Ok(code()),
        layout: Ok(layout()),
        parameters: Ok(parameters()),
        soak: Ok(soak(rules)),
        other_soaks: Vec::new(),
        audits: Ok(audits(&people)),
        bugs: Ok(BugFacts { people: people.clone(), ..BugFacts::default() }),
        policy: Ok(policy()),
        safe: Ok(safe()),
        funds: Ok(FundFacts::default()),
        separation: Ok(separation(people.clone())),
        go: Ok(go(&rules.go)),
        obligations: Ok(ObligationFacts::default()),
        waivers: waivers(people),
    }
}

fn word(name: &str) -> B256 {
    keccak256(name)
}

fn address(name: &str) -> Address {
    Address::from_word(word(name))
}

fn code() -> CodeFacts {
    let contract = ContractFact {
        name: "vault".to_owned(),
        address: address("vault"),
        expected: Some(word("code")),
        found: word("code"),
        matched: CodeMatch::Same,
        transformations: None,
        behind: None,
    };
    let slot = SlotFact {
        name: "implementation".to_owned(),
        address: address("vault"),
        expected: word("implementation"),
        found: word("implementation"),
    };
    let network = "testnet".to_owned();
    CodeFacts { network, contracts: vec![contract], slots: vec![slot], ..CodeFacts::default() }
}

fn layout() -> LayoutFacts {
    let uint = json!({"encoding": "inplace", "label": "uint256", "numberOfBytes": "32"});
    let total = json!({"label": "total", "slot": "0", "offset": 0, "type": uint});
    let written = json!({"items": [total], "namespaces": []});
    let layout = Layout::read(&written, &LayoutNotes::default()).unwrap_or_default();
    let reference =
        Reference { layout: layout.clone(), known_by: "a release".to_owned(), stores: true };
    let upgrade = LayoutFact {
        name: "vault".to_owned(),
        proxy: address("vault"),
        reference: Ok(reference),
        updated: layout,
        earlier: None,
    };
    LayoutFacts { upgrades: vec![upgrade], ..LayoutFacts::default() }
}

fn parameters() -> ParameterFacts {
    let row = ParameterRow {
        name: "cap".to_owned(),
        rule: Rule::SameAsTestnet,
        soaked: json!("1"),
        target: Ok(json!("1")),
    };
    ParameterFacts { rows: vec![row], ..ParameterFacts::default() }
}

fn soak(rules: &PolicyRules) -> SoakFacts {
    let window = |elapsed_secs| Window { blocks: elapsed_secs / BLOCK_TIME_SECS, elapsed_secs };
    let full = usize::try_from(rules.soak_secs / WINDOW_SECS).unwrap_or(0);
    let mut windows = vec![window(WINDOW_SECS); full];
    windows.extend(Some(rules.soak_secs % WINDOW_SECS).filter(|rest| *rest > 0).map(window));
    let head = BlockRef { number: TIME / BLOCK_TIME_SECS, hash: word("head") };
    SoakFacts {
        network: "testnet".to_owned(),
        head: Head { block: head, timestamp: TIME },
        latest: None,
        start: TIME.saturating_sub(rules.soak_secs),
        started_by: "the anchor".to_owned(),
        posted: Ok(None),
        resets: Vec::new(),
        block_time_secs: BLOCK_TIME_SECS,
        end_of_life: None,
        windows,
        activity: Activity {
            transactions: rules.transactions,
            users: (0..rules.senders).map(user).collect(),
            called: vec!["Vault.deposit".to_owned()],
            ..Activity::default()
        },
        state: word("state"),
        silent_slots: Vec::new(),
        samples: Vec::new(),
        faults: Vec::new(),
        missing: Vec::new(),
        inputs: Vec::new(),
    }
}

fn user(number: u32) -> User {
    User { address: address(&format!("sender {number}")), who: Who::Stranger, transactions: 1 }
}

fn auditors(count: u32) -> BTreeMap<String, Person> {
    let person = |name: &str| Person {
        roles: vec!["auditor".to_owned()],
        firm: Some(name.to_owned()),
        keys: vec![address(name).into()],
    };
    let names = (0..count).map(|n| format!("firm {n}"));
    names.map(|name| (name.clone(), person(&name))).collect()
}

/// A clean attestation, valid for a second.
pub(crate) fn attestation(auditor: Address, scope_root: ScopeRoot) -> AuditAttestation {
    AuditAttestation {
        auditor,
        scope_root,
        scope_count: 1,
        project: String::new(),
        release: String::new(),
        plan_digest: PlanDigest(word("plan")),
        source: String::new(),
        report_uri: String::new(),
        report_version: String::new(),
        report_sha256: word("report"),
        period: String::new(),
        verdict: AuditVerdict::Clean,
        found: 0,
        fixed: 0,
        accepted: 0,
        open_critical: 0,
        open_high: 0,
        open_medium: 0,
        findings_digest: B256::ZERO,
        issued_at: TIME,
        valid_until: TIME + 1,
        supersedes: StatementDigest(B256::ZERO),
        at: At::no_block(ChainId(1)),
    }
}

fn audits(people: &BTreeMap<String, Person>) -> AuditFacts {
    let scope_root = ScopeRoot(word("scope"));
    let contracts: ScopeHashes = [(Fqn("src/Vault.sol:Vault".to_owned()), word("vault"))].into();
    let fact = |auditor: Address| AttestationFact {
        digest: StatementDigest(word(&auditor.to_string())),
        attestation: attestation(auditor, scope_root),
        confirmed: Ok(None),
        covers: Ok(contracts.clone()),
        findings: Ok(DocumentFact::default()),
    };
    AuditFacts {
        scope_root,
        contracts: contracts.clone(),
        plan: PlanDigest(word("plan")),
        people: people.clone(),
        attestations: people.values().flat_map(Person::addresses).map(fact).collect(),
        revocations: Vec::new(),
        acceptances: Vec::new(),
        helper: Ok(Vec::new()),
        remarks: Vec::new(),
    }
}

fn policy() -> PolicyFacts {
    let digest = PolicyDigest(word("policy"));
    let trust = TrustFacts::Adopted {
        version: 1,
        digest,
        differences: Ok(Vec::new()),
        loosenings: Ok(Vec::new()),
        others: Ok(Vec::new()),
    };
    PolicyFacts { current: digest, trust, inputs: Vec::new() }
}

fn safe() -> SafeFacts {
    SafeFacts {
        trust: SafeTrust {
            address: address("safe"),
            singleton_code_hash: word("singleton"),
            owners: ["o1", "o2", "o3"].map(address).into(),
            threshold: 2,
            modules: Vec::new(),
            guard: Address::ZERO,
            module_guard: Address::ZERO,
            handler: address("handler"),
        },
        doubts: Vec::new(),
        other: None,
        proof: Ok(SafeProof { by: "all of its storage proven".to_owned(), ..SafeProof::default() }),
        handler_known: true,
        changes: Ok(Vec::new()),
        queued: Ok(Vec::new()),
        inputs: Vec::new(),
    }
}

/// As many people as are asked for, each for a discipline that is asked for, have seen all of it.
fn go(rule: &GoRule) -> GoFacts {
    let seen = StatementDigest(word("a statement"));
    let names = (0..rule.people.max(1)).map(|n| format!("approver {n}"));
    let discipline = |n: usize| rule.disciplines.get(n).cloned();
    let people = names.clone().enumerate().map(|(n, name)| {
        let roles = discipline(n).into_iter().collect();
        let keys = vec![address(&name).into()];
        (name, Person { roles, firm: None, keys })
    });
    let decisions = names.enumerate().map(|(n, name)| Decision {
        digest: StatementDigest(word(&name)),
        signer: address(&name),
        issued_at: TIME,
        expires_at: u64::MAX,
        discipline: discipline(n),
        saw: Some(vec![seen]),
        records: vec![seen_record()],
        reason: String::new(),
        confirmed: Ok(()),
    });
    GoFacts {
        people: people.collect(),
        deployers: vec![address("deployer")],
        decisions: decisions.collect(),
        known: [(seen, TIME)].into(),
        unconfirmed: BTreeMap::new(),
        unheard: Vec::new(),
        void: BTreeSet::new(),
        bearing: [(seen, "a statement".to_owned())].into(),
        records: Ok(RecordsHere {
            files: vec![RecordFile {
                path: "a-1.json".to_owned(),
                digest: seen_record().digest,
                deployment: seen_record().deployment,
                anchor: Some(seen_record().anchor),
                counts: true,
            }],
            ..RecordsHere::default()
        }),
        freezes: Vec::new(),
        posted: Ok(Vec::new()),
        inputs: Vec::new(),
    }
}

/// The record that everybody saw who said go.
fn seen_record() -> SeenRecord {
    let network = NetworkId { chain: ChainId(1), genesis: word("genesis") };
    let (digest, deployment) = (word("record"), DeploymentDigest(word("deployment")));
    let (anchor, file) = (word("anchor"), "a-1.json".to_owned());
    SeenRecord { digest: RecordDigest(digest), deployment, anchor, network, file }
}

fn waivers(people: BTreeMap<String, Person>) -> WaiverFacts {
    let release = ReleaseRoot(word("release"));
    WaiverFacts {
        people,
        deployers: vec![address("deployer")],
        release,
        waivers: Vec::new(),
        emergency: Vec::new(),
        remarks: Vec::new(),
    }
}

fn separation(mut people: BTreeMap<String, Person>) -> SeparationFacts {
    let auditors = people.values().flat_map(Person::addresses).collect();
    let keys = vec![address("deployer").into()];
    people.insert("deployer".to_owned(), Person { roles: Vec::new(), firm: None, keys });
    SeparationFacts {
        auditors,
        people,
        deployers: vec![address("deployer")],
        gone: Vec::new(),
        decisions: vec![("request".to_owned(), address("tester"), address("treasurer"))],
        proven: BTreeSet::new(),
    }
}
