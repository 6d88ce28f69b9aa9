use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde_json::{Value, json};
use tidegate_model::Fqn;
use tidegate_model::release::LayoutNotes;

use super::*;
use crate::told;

fn value(label: &str, bytes: u32) -> Value {
    json!({"encoding": "inplace", "label": label, "numberOfBytes": bytes.to_string()})
}

fn item(label: &str, slot: &str, kind: &Value) -> Value {
    json!({"label": label, "slot": slot, "offset": 0, "type": kind})
}

fn raw(items: &[Value]) -> Value {
    json!({"items": items, "namespaces": []})
}

fn layout(items: &[Value]) -> Layout {
    Layout::read(&raw(items), &LayoutNotes::default()).unwrap()
}

pub(super) fn totals(labels: &[&str]) -> Layout {
    let slots = (0..).map(|slot: u32| slot.to_string());
    let items =
        labels.iter().zip(slots).map(|(label, slot)| item(label, &slot, &value("uint256", 32)));
    layout(&items.collect::<Vec<_>>())
}

pub(super) fn fact(reference: Result<Layout, &str>, updated: Layout) -> LayoutFact {
    let known_by = "the record of release a-1".to_owned();
    LayoutFact {
        name: "vault".to_owned(),
        proxy: Address::repeat_byte(7),
        reference: reference
            .map(|layout| Reference { layout, known_by, stores: true })
            .map_err(|why| Reason::new(ReasonCode::BaselineMissing, why)),
        updated,
        earlier: None,
    }
}

pub(super) fn judged(upgrades: Vec<LayoutFact>) -> GateReport {
    gate(&Ok(LayoutFacts { upgrades, ..LayoutFacts::default() }))
}

#[test]
fn a_gate_passes_only_on_a_known_layout_that_is_kept() {
    let none = judged(Vec::new());
    assert_eq!((none.verdict, none.summary.as_str()), (Verdict::Pass, "nothing is upgraded"));

    let otherwise = vec![Reason::new(ReasonCode::UpgradedOtherwise, "roll upgrades @box")];
    let report = gate(&Ok(LayoutFacts { otherwise, ..LayoutFacts::default() }));
    assert!(matches!(report.verdict, Verdict::Fail { .. }), "{report:?}");
    assert_eq!(report.summary, "something is upgraded, and no step says so");

    let safe = || fact(Ok(totals(&["a", "b"])), totals(&["a", "b", "c"]));
    let report = judged(vec![safe(), safe()]);
    let summary = "2 upgrades: 4 variables and 0 namespaces compared; known by the record of \
                   release a-1";
    assert_eq!((report.verdict, report.summary.as_str()), (Verdict::Pass, summary));

    let report = judged(vec![safe(), fact(Err("no release has its code"), totals(&["a"]))]);
    let why = "vault at 0x0707070707070707070707070707070707070707: the layout behind it is not \
               known: no release has its code";
    assert_eq!(report.verdict.sentences(), [why]);
    assert_eq!(told(&report.verdict), "FAIL layout-unknown baseline-missing");

    let report = judged(vec![fact(Ok(totals(&["a", "b"])), totals(&["a"])), safe()]);
    let why = "vault at 0x0707070707070707070707070707070707070707, slot 1: `b` (uint256) is gone, \
               but its value stays in storage; keep it, even if nothing uses it";
    assert_eq!(report.verdict, Verdict::fail(ReasonCode::LayoutDamaged, why));

    let silent = Reason::unreadable("the chain is silent");
    assert_eq!(gate(&Err(silent.clone())).verdict, silent.into_unknown());
}

#[test]
fn a_return_is_safe_if_what_it_replaces_was_a_safe_step_from_there() {
    let back = |live: &[&str], earlier: bool| {
        let earlier = earlier.then(|| "release a-1 (at 0x1)".to_owned());
        judged(vec![LayoutFact { earlier, ..fact(Ok(totals(live)), totals(&["a"])) }])
    };
    let safe = back(&["a", "b"], true);
    assert_eq!(safe.verdict, Verdict::Pass);
    assert!(safe.summary.ends_with("; vault returns to the code of release a-1 (at 0x1)"));
    // The same step to code that never was there loses what it does not declare.
    assert_eq!(told(&back(&["a", "b"], false).verdict), "FAIL layout-damaged");
    // What was damaged on the way is not mended by going back.
    assert_eq!(told(&back(&["b", "a"], true).verdict), "FAIL layout-damaged layout-damaged");
}

#[test]
fn code_that_stores_and_declares_nothing_is_not_known() {
    let judge = |live: &[&str], stores: bool| {
        let mut fact = fact(Ok(totals(live)), totals(live));
        fact.reference = fact.reference.map(|reference| Reference { stores, ..reference });
        judged(vec![fact]).verdict
    };
    let unknown = judge(&[], true);
    assert_eq!(told(&unknown), "UNKNOWN layout-hidden");
    // What is live cannot be edited; its source can say more.
    let way = format!("{unknown:?}");
    assert!(way.contains("in the source of what is live") && way.contains("`tidegate adopt`"));
    assert_eq!(judge(&[], false), Verdict::Pass);
    assert_eq!(judge(&["a"], true), Verdict::Pass);
}

#[test]
fn what_is_not_known_is_a_change() {
    for label in ["enum Mode", "Price"] {
        let unknown = layout(&[item("a", "0", &value(label, 1))]);
        let problems = compare(&unknown, &unknown);
        assert_eq!(problems.len(), 1, "{label}");
        assert_eq!(problems[0].inside, [TypeFault::Unknown], "{label}");
    }
    let notes = LayoutNotes {
        enums: [("enum Mode".to_owned(), vec!["A".to_owned()])].into(),
        ..LayoutNotes::default()
    };
    let known = raw(&[item("a", "0", &value("enum Mode", 1))]);
    let known = Layout::read(&known, &notes).unwrap();
    assert_eq!(compare(&known, &known), []);
}

/// Two structures of one name, in different files: which of them the inner one is, is not said.
#[test]
fn a_type_inside_two_of_its_name_is_not_known() {
    let structure = |label: &str, members: Value| {
        let mut kind = value(label, 32);
        kind["members"] = members;
        kind
    };
    let list = |base: Value| {
        let label = format!("{}[]", base["label"].as_str().unwrap());
        json!({"encoding": "dynamic_array", "label": label, "numberOfBytes": "32", "base": base})
    };
    let inside = json!({"label": "struct S", "recursive": true});
    let one = structure("struct S", json!([item("x", "0", &list(inside))]));
    let two = structure("struct S", json!([item("y", "0", &list(one.clone()))]));
    let [one, two] = [one, two].map(|kind| layout(&[item("s", "0", &kind)]));
    assert_eq!(compare(&one, &one), []);
    assert_eq!(compare(&two, &two).len(), 1);
}

#[test]
fn places_reach_to_the_end_of_storage() {
    let end = U256::MAX.to_string();
    let at = |slot: &str| layout(&[item("a", slot, &value("uint256", 32))]);
    assert_eq!(compare(&at(&end), &at(&end)), []);
    let problems = compare(&at(&end), &at("0"));
    assert_eq!(problems[0].kind, ProblemKind::Moved);
    assert_eq!(problems[0].place, Some(Place { slot: U256::ZERO, offset: 0 }));
}

#[test]
fn other_forms_are_refused() {
    let with = |field: &str, text: Value| {
        let mut item = item("a", "0", &value("uint256", 32));
        match field.strip_prefix("type.") {
            Some(inner) => item["type"][inner] = text,
            None => item[field] = text,
        }
        raw(&[item])
    };
    let many = item("a", "0", &value("uint256", 32));
    for bad in [
        json!({"items": []}),
        with("slot", json!("0x1")),
        with("slot", json!("-1")),
        with("more", json!(1)),
        with("type.encoding", json!("sideways")),
        with("type.key", value("uint256", 32)),
        with("type.base", value("uint256", 32)),
        with("type.recursive", json!(true)),
        with("type.numberOfBytes", json!("many")),
        raw(&vec![many; 1_001]),
    ] {
        assert!(Layout::read(&bad, &LayoutNotes::default()).is_err(), "{bad}");
    }
}

#[test]
fn an_emergency_keeps_each_contract_with_storage_under_its_name() {
    let release = |contracts: &[(&str, &[&str])]| {
        let named = contracts
            .iter()
            .map(|(name, labels)| (Fqn(format!("src/{name}.sol:{name}")), totals(labels)));
        named.collect::<BTreeMap<_, _>>()
    };
    let old = release(&[("Vault", &["a", "b"]), ("Pure", &[])]);
    type Case<'a> = (&'a [(&'a str, &'a [&'a str])], &'a str);
    let cases: [Case<'_>; 6] = [
        (&[("Vault", &["a", "b"]), ("Pure", &[])], ""),
        (&[("Vault", &["a", "b", "c"]), ("Other", &["z"])], ""),
        (&[("Vault", &["b", "a"]), ("Pure", &[])], "Vault: "),
        (&[("VaultFix", &["b", "a"]), ("Pure", &[])], "Vault is gone or has another name"),
        (&[("VaultFix", &["a", "b"]), ("Pure", &[])], "Vault is gone or has another name"),
        (&[], "Vault is gone or has another name"),
    ];
    for (new, expected) in cases {
        let problems = crate::appends_only(&old, &release(new)).join("; ");
        assert_eq!(problems.is_empty(), expected.is_empty(), "{problems}");
        assert!(problems.contains(expected), "{problems} does not say {expected}");
    }
}
