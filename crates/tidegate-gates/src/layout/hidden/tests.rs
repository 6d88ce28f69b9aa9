use alloy_primitives::B256;
use tidegate_model::Verdict;

use super::super::tests::{fact, judged, totals};
use super::super::types::Namespace;
use super::super::{compare, namespaces};
use super::*;
use crate::told;

type Placed<'a> = (&'a str, Option<&'a str>, &'a [u64]);

/// A layout whose code places this, with the digest of its files.
fn placing(labels: &[&str], placed: &[Placed<'_>], files: u8) -> Layout {
    let mut hidden = Hidden::default();
    for (name, why, slots) in placed {
        hidden.names.insert((*name).to_owned(), why.map(str::to_owned));
        let slots: BTreeSet<U256> = slots.iter().map(|slot| U256::from(*slot)).collect();
        if !slots.is_empty() {
            hidden.slots.insert((*name).to_owned(), slots);
        }
        if !name.ends_with(ALL) {
            hidden.files.insert(owner(name).to_owned(), B256::repeat_byte(files));
        }
    }
    Layout { hidden, ..totals(labels) }
}

fn verdict(before: &Layout, now: &Layout) -> Verdict {
    judged(vec![fact(Ok(before.clone()), now.clone())]).verdict
}

const BOTH: [Placed<'_>; 2] = [("Tokens.Layout", None, &[]), ("Owned.set", None, &[])];

/// What assembly places in storage is in no layout, however much else is.
#[test]
fn what_assembly_places_is_named_until_the_source_says_that_it_stays() {
    let one: [Placed<'_>; 2] =
        [("Owned.set", Some("a package, unchanged"), &[]), ("Tokens.Layout", None, &[])];
    let kept: [Placed<'_>; 2] =
        [("Owned.set", Some("same"), &[]), ("Tokens.Layout", Some("same"), &[])];
    for live in [&["a"][..], &[]] {
        let before = placing(live, &BOTH, 1);
        let told_of = |now: &Layout| told(&verdict(&before, now));
        assert_eq!(told_of(&before), "UNKNOWN layout-hidden");
        assert!(verdict(&before, &before).sentences()[0].contains("Owned.set, Tokens.Layout"));
        // Also where the new version has no word of it.
        assert_eq!(told_of(&totals(live)), "UNKNOWN layout-hidden");
        let named = placing(live, &one, 2);
        assert_eq!(told_of(&named), "UNKNOWN layout-hidden");
        assert!(!verdict(&before, &named).sentences()[0].contains("Owned.set"));
        let report = judged(vec![fact(Ok(before.clone()), placing(live, &kept, 2))]);
        assert_eq!(report.verdict, Verdict::Pass, "{live:?}");
        assert!(report.summary.contains("; `Owned.set` is kept, not compared: same"));
    }
}

/// What the new version places may lie where the one before it has something.
#[test]
fn what_only_the_new_version_places_is_named_too() {
    let before = totals(&["a"]);
    assert_eq!(told(&verdict(&before, &placing(&["a"], &BOTH, 1))), "UNKNOWN layout-hidden");
    let kept: [Placed<'_>; 1] = [("Owned.set", Some("new, by a hash"), &[])];
    assert_eq!(verdict(&before, &placing(&["a"], &kept, 1)), Verdict::Pass);
}

#[test]
fn a_slot_that_a_variable_has_is_damaged() {
    let before = totals(&["a", "b"]);
    for why in [None, Some("meant")] {
        let over = placing(&["a", "b"], &[("C.f", why, &[1])], 1);
        let found = told(&verdict(&before, &over));
        assert!(found.starts_with("FAIL layout-damaged"), "{why:?}: {found}");
        let problems = compare(&before, &over);
        assert!(problems[0].sentence.contains("slot 1: assembly places C.f where `b` is"));
        // What is live did so before, by whatever name.
        let live = placing(&["a", "b"], &[("C.g", None, &[1])], 1);
        assert_eq!(compare(&live, &over), []);
        // Behind all that is declared, nothing that is known is met.
        assert_eq!(compare(&before, &placing(&["a", "b"], &[("C.f", why, &[2])], 1)), []);
    }
}

#[test]
fn a_slot_that_a_namespace_has_is_damaged() {
    let id = "erc7201:example.main";
    let main = totals(&["x", "y"]);
    let with = |hidden: Hidden| {
        let members = main.items.clone();
        let namespaces = vec![Namespace { id: id.to_owned(), members }];
        Layout { items: Vec::new(), namespaces, hidden, ..main.clone() }
    };
    let root = namespaces::root(id).unwrap();
    for (more, is_in) in [(0_u64, true), (1, true), (2, false)] {
        let slots = [("C.S".to_owned(), [root + U256::from(more)].into())].into();
        let names = [("C.S".to_owned(), None)].into();
        let now = with(Hidden { names, slots, ..Hidden::default() });
        assert_eq!(!compare(&with(Hidden::default()), &now).is_empty(), is_in, "{more}");
    }
}

/// A word that something stays says nothing where it is seen to move.
#[test]
fn what_moves_is_not_kept() {
    let kept = |slot: u64| placing(&["a"], &[("C.f", Some("same"), &[slot])], 1);
    assert_eq!(verdict(&kept(7), &kept(7)), Verdict::Pass);
    let moved = verdict(&kept(7), &kept(8));
    assert_eq!(told(&moved), "UNKNOWN layout-hidden");
    assert!(moved.sentences()[0].contains("at other slots than before: C.f"));
    // A namespace whose formula nobody knows, too.
    let at = |slot: u64| {
        let slots = [("other:main".to_owned(), [U256::from(slot)].into())].into();
        Layout { hidden: Hidden { slots, ..Hidden::default() }, ..totals(&["a"]) }
    };
    assert_eq!(verdict(&at(7), &at(7)), Verdict::Pass);
    assert_eq!(told(&verdict(&at(7), &at(8))), "UNKNOWN layout-hidden");
}

/// One word for all of a package counts as long as its file is the same.
#[test]
fn all_of_a_contract_is_kept_at_once_while_its_file_stays() {
    let places: [Placed<'_>; 2] = [("ERC20.mint", None, &[]), ("ERC20.burn", None, &[])];
    let all: [Placed<'_>; 3] = [places[0], places[1], ("ERC20.*", Some("a package"), &[])];
    let live = placing(&["a"], &places, 1);
    assert_eq!(verdict(&live, &placing(&["a"], &all, 1)), Verdict::Pass);
    assert_eq!(told(&verdict(&live, &placing(&["a"], &all, 2))), "UNKNOWN layout-hidden");
    // It is gone, and what it stored is not.
    let gone = placing(&["a"], &[("ERC20.*", Some("a package"), &[])], 1);
    assert_eq!(told(&verdict(&live, &gone)), "UNKNOWN layout-hidden");
    // It is new.
    assert_eq!(verdict(&totals(&["a"]), &placing(&["a"], &all, 1)), Verdict::Pass);
    let other: [Placed<'_>; 3] = [places[0], places[1], ("ERC2.*", Some("a package"), &[])];
    assert_eq!(told(&verdict(&live, &placing(&["a"], &other, 1))), "UNKNOWN layout-hidden");
    let sentence = hidden_sentence(&live, &live).unwrap();
    assert!(sentence.contains("ERC20.* (2 places)"), "{sentence}");
    assert!(sentence.contains("`@custom:tidegate-keeps-storage ERC20.* WHY`"), "{sentence}");
}

/// A layout whose code finds things by these constants, and whose source keeps others.
fn keyed(keys: &[(&str, u64)], kept: &[&str]) -> Layout {
    let mut hidden = Hidden::default();
    for (name, key) in keys {
        hidden.keys.entry((*name).to_owned()).or_default().insert(U256::from(*key));
    }
    hidden.names = kept.iter().map(|name| ((*name).to_owned(), Some("why".to_owned()))).collect();
    Layout { hidden, ..totals(&["a"]) }
}

/// A constant that says where something is stored is as much a place as a slot.
#[test]
fn what_a_constant_leads_to_is_not_found_by_another_one() {
    let before = keyed(&[("C.FEE", 1), ("C.CAP", 2)], &[]);
    for (keys, kept, says) in [
        (&[("C.FEE", 1), ("C.CAP", 2)][..], &[][..], ""),
        // Renamed, and one more.
        (&[("D.FEE", 1), ("D.CAP", 2), ("D.NEW", 3)], &[], ""),
        (&[("C.FEE", 9), ("C.CAP", 2)], &[], "C.FEE has another value than before: put it back"),
        (&[("C.FEE", 9), ("C.CAP", 2)], &["C.FEE"], "C.FEE has another value"),
        (&[("C.OTHER", 9), ("C.CAP", 2)], &[], "nothing is found by C.FEE any more"),
        (&[("C.CAP", 2)], &[], "`@custom:tidegate-keeps-storage C.FEE WHY`"),
        (&[("C.CAP", 2)], &["C.FEE"], ""),
        (&[], &["C.FEE"], "nothing is found by C.CAP any more"),
    ] {
        let verdict = verdict(&before, &keyed(keys, kept));
        match says {
            "" => assert_eq!(verdict, Verdict::Pass, "{keys:?}"),
            _ => {
                assert_eq!(told(&verdict), "UNKNOWN layout-hidden", "{keys:?}");
                assert!(verdict.sentences()[0].contains(says), "{verdict:?}");
            }
        }
    }
}
