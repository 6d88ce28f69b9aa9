//! Whatever is changed in a plan after it was audited opens the gate, and is read before signing.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use serde_json::json;
use tidegate_model::ReleaseRoot;
use tidegate_model::masks::Link;
use tidegate_model::plan::{
    Action, Arg, Call, Create, Expect, Invocation, ParamDecl, Plan, Proxy, ProxyKind, Reference,
    Rule, Source, Step, Upgrade,
};

use super::*;
use crate::controls::attestation;

const NOW: u64 = 1_000_000;

fn arg(ty: &str, from: Source) -> Arg {
    Arg { ty: ty.to_owned(), from }
}

fn literal(value: &str) -> Arg {
    arg("uint256", Source::Literal(json!(value)))
}

fn fqn(name: &str) -> Fqn {
    Fqn(format!("src/{name}.sol:{name}"))
}

fn link(position: usize) -> Link {
    Link { contract: fqn("Vault"), position, library: fqn("CapMath") }
}

fn step(name: &str, action: Action) -> Step {
    let expect = Expect {
        signature: "paused()".to_owned(),
        args: Vec::new(),
        equals: arg("bool", Source::Literal(json!(false))),
    };
    Step { name: name.to_owned(), action, expect: vec![expect], salt_label: String::new() }
}

fn call(target: &str, signature: &str, args: Vec<Arg>) -> Action {
    let invocation = Invocation { signature: signature.to_owned(), args };
    Action::Call(Call { target: target.to_owned(), invocation, value: U256::ZERO })
}

/// A creation behind a proxy, an upgrade and two calls, with a parameter and two externals.
fn plan() -> Plan {
    let owner = || arg("address", Source::Param("owner".to_owned()));
    let create = Create {
        contract: fqn("Vault"),
        libraries: vec![fqn("CapMath")],
        args: vec![literal("7")],
        value: U256::ZERO,
        guarded: true,
        proxy: Some(Proxy {
            kind: ProxyKind::Transparent,
            contract: fqn("Proxy"),
            admin: Some(owner()),
            beacon: None,
            init: Some(Invocation {
                signature: "initialize(address,uint256)".to_owned(),
                args: vec![owner(), literal("1")],
            }),
        }),
    };
    let upgrade = Upgrade {
        target: "old".to_owned(),
        kind: ProxyKind::Uups,
        reference: Reference {
            contract: fqn("Old"),
            runtime_template: B256::repeat_byte(1),
            storage_layout: B256::repeat_byte(2),
        },
        contract: fqn("New"),
        libraries: Vec::new(),
        args: Vec::new(),
        guarded: true,
        function: "upgradeToAndCall(address,bytes)".to_owned(),
        slot: B256::repeat_byte(3),
        init: None,
        initialised: None,
    };
    let list = arg("address[]", Source::List(vec![owner()]));
    let to = arg("address", Source::Ref("vault".to_owned()));
    let rule = Rule::Range { min: Some("1".to_owned()), max: Some("9".to_owned()) };
    Plan {
        steps: vec![
            step("vault", Action::Create(create)),
            step("old", Action::Upgrade(upgrade)),
            step("vault.open", call("vault", "open(uint256,address[])", vec![literal("5"), list])),
            step("registry.add", call("registry", "add(address)", vec![to])),
        ],
        params: [(
            "owner".to_owned(),
            ParamDecl { ty: "address".to_owned(), members: vec![], rule },
        )]
        .into(),
        externals: ["registry".to_owned(), "weth".to_owned()].into(),
        existing: ["old".to_owned()].into(),
        links: [link(1)].into(),
        follows: None,
        made: BTreeSet::new(),
    }
}

fn create(plan: &mut Plan) -> &mut Create {
    let Action::Create(create) = &mut plan.steps[0].action else { panic!("a creation") };
    create
}

fn rule(plan: &mut Plan) -> &mut Rule {
    &mut plan.params.get_mut("owner").unwrap().rule
}

fn proxy(plan: &mut Plan) -> &mut Proxy {
    create(plan).proxy.as_mut().unwrap()
}

fn upgrade(plan: &mut Plan) -> &mut Upgrade {
    let Action::Upgrade(upgrade) = &mut plan.steps[1].action else { panic!("an upgrade") };
    upgrade
}

fn call_of(plan: &mut Plan) -> &mut Call {
    let Action::Call(call) = &mut plan.steps[2].action else { panic!("a call") };
    call
}

const STRANGER: &str = "0x00000000000000000000000000000000000bad";

type Mutation = (&'static str, fn(&mut Plan));

/// Each thing that somebody may change after the audit.
fn mutations() -> Vec<Mutation> {
    vec![
        ("a call more", |p| {
            let to = arg("address", Source::Literal(json!(STRANGER)));
            let give = call("registry", "transferOwnership(address)", vec![to]);
            p.steps.push(step("registry.transferOwnership", give));
        }),
        ("a call less", |p| drop(p.steps.pop())),
        ("a call twice", |p| p.steps.push(p.steps[3].clone())),
        ("another order", |p| p.steps.swap(2, 3)),
        ("another name of a step", |p| p.steps[3].name.push('2')),
        ("another target", |p| call_of(p).target = "weth".to_owned()),
        ("another function", |p| call_of(p).invocation.signature = "shut(uint256)".to_owned()),
        ("another literal", |p| call_of(p).invocation.args[0] = literal("6")),
        ("a literal in a list", |p| {
            let boss = arg("address", Source::Ref("weth".to_owned()));
            call_of(p).invocation.args[1].from = Source::List(vec![boss]);
        }),
        ("an argument less", |p| drop(call_of(p).invocation.args.pop())),
        ("another type", |p| call_of(p).invocation.args[0].ty = "uint8".to_owned()),
        ("a literal for a parameter", |p| {
            proxy(p).init.as_mut().unwrap().args[0].from = Source::Literal(json!("0x0bad"));
        }),
        ("a reference for a parameter", |p| {
            proxy(p).init.as_mut().unwrap().args[0].from = Source::Ref("owner".to_owned());
        }),
        ("money with a call", |p| call_of(p).value = U256::from(1)),
        ("money with a creation", |p| create(p).value = U256::from(1)),
        ("another constructor argument", |p| create(p).args[0] = literal("8")),
        ("another contract", |p| create(p).contract = fqn("Vault2")),
        ("another library", |p| create(p).libraries = vec![fqn("CapMath2")]),
        ("another place of a library", |p| p.links = [link(2)].into()),
        ("a creation that anybody may make", |p| create(p).guarded = false),
        ("an implementation that anybody may make", |p| upgrade(p).guarded = false),
        ("no proxy", |p| create(p).proxy = None),
        ("another proxy", |p| proxy(p).contract = fqn("Proxy2")),
        ("another kind of proxy", |p| proxy(p).kind = ProxyKind::Uups),
        ("another admin", |p| proxy(p).admin = Some(literal("9"))),
        ("no initialisation", |p| proxy(p).init = None),
        ("another salt", |p| p.steps[0].salt_label = "two".to_owned()),
        ("an expectation less", |p| p.steps[0].expect.clear()),
        ("another expectation", |p| {
            p.steps[0].expect[0].equals = arg("bool", Source::Literal(json!(true)));
        }),
        ("an expectation of something else", |p| {
            p.steps[0].expect[0].signature = "open()".to_owned();
        }),
        ("another rule", |p| *rule(p) = Rule::PerNetwork),
        ("a wider rule", |p| *rule(p) = Rule::Range { min: None, max: Some("99".to_owned()) }),
        ("an external more", |p| p.externals.extend(["bad".to_owned()])),
        ("an external less", |p| p.externals.retain(|name| name != "weth")),
        ("an existing contract more", |p| p.existing.extend(["bad".to_owned()])),
    ]
}

/// The same of upgrades, and of what is followed.
fn mutations_of_upgrades() -> Vec<Mutation> {
    vec![
        ("another release that it follows", |p| p.follows = Some(ReleaseRoot(B256::ZERO))),
        ("a call that counts as made", |p| {
            p.follows = Some(ReleaseRoot(B256::ZERO));
            p.made.extend(["registry.add".to_owned()]);
        }),
        ("an initialiser that ran at the creation", |p| {
            let args = vec![literal("1")];
            let signature = "initialize(uint256)".to_owned();
            upgrade(p).initialised = Some(Invocation { signature, args });
        }),
        ("another start of an upgrade", |p| upgrade(p).reference.contract = fqn("Old2")),
        ("another template to start from", |p| {
            upgrade(p).reference.runtime_template = B256::repeat_byte(9);
        }),
        ("another layout to start from", |p| {
            upgrade(p).reference.storage_layout = B256::repeat_byte(9);
        }),
        ("another target of an upgrade", |p| upgrade(p).target = "vault".to_owned()),
        ("another function of an upgrade", |p| upgrade(p).function = "set(address)".to_owned()),
        ("another slot", |p| upgrade(p).slot = B256::repeat_byte(9)),
        ("a migration", |p| {
            let signature = "migrate()".to_owned();
            upgrade(p).init = Some(Invocation { signature, args: Vec::new() });
        }),
    ]
}

/// The facts of a release with this plan, whose contracts and first plan two firms have read.
fn facts(plan: &Plan) -> AuditFacts {
    let scope_root = ScopeRoot(B256::repeat_byte(5));
    let contracts: ScopeHashes = [(fqn("Vault"), B256::repeat_byte(6))].into();
    let read = self::plan().digest().unwrap();
    let firms = [("ada", "Acme", 1), ("bo", "Bolt", 2)];
    let people = firms.map(|(name, firm, key)| {
        let (roles, keys) = (vec!["auditor".to_owned()], vec![Address::with_last_byte(key).into()]);
        (name.to_owned(), Person { roles, firm: Some(firm.to_owned()), keys })
    });
    let fact = |key: u8| AttestationFact {
        digest: StatementDigest(B256::repeat_byte(key)),
        attestation: AuditAttestation {
            plan_digest: read,
            issued_at: NOW,
            valid_until: NOW + 1,
            ..attestation(Address::with_last_byte(key), scope_root)
        },
        confirmed: Ok(None),
        covers: Ok(contracts.clone()),
        findings: Ok(DocumentFact::default()),
    };
    AuditFacts {
        scope_root,
        contracts: contracts.clone(),
        plan: plan.digest().unwrap(),
        people: people.into(),
        attestations: vec![fact(1), fact(2)],
        revocations: Vec::new(),
        acceptances: Vec::new(),
        helper: Ok(Vec::new()),
        remarks: Vec::new(),
    }
}

fn gate(plan: &Plan) -> Verdict {
    audits_gate(&PolicyRules::default(), &Ok(facts(plan)), &Ok(NOW)).verdict
}

#[test]
fn each_mutation_of_an_audited_plan_opens_the_gate() {
    assert_eq!(gate(&plan()), Verdict::Pass);
    let mut texts = BTreeSet::from([plan().lines()]);
    for (name, mutate) in mutations().into_iter().chain(mutations_of_upgrades()) {
        let mut changed = plan();
        mutate(&mut changed);
        let verdict = gate(&changed);
        assert!(!verdict.allows(), "{name}");
        let sentences = verdict.sentences().join(" | ");
        assert!(sentences.contains("the plan has 0 of 2 audits"), "{name}: {sentences}");
        assert!(texts.insert(changed.lines()), "{name} is not read before it is signed");
    }
}
