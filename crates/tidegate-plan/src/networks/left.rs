//! What a plan leaves in contracts that are there already, and in its own.

use super::*;
use crate::kept::Kept;
use crate::rehearsed::{Write, unrehearsed, writes};
use crate::stored::{Moment, stored};

/// A contract that no plan names.
const UNNAMED: Address = Address::repeat_byte(0x77);

fn kept(before: u64, after: u64) -> Kept {
    Kept { before: u(before), after: u(after), varies: false }
}

fn live(both: &Both) -> (Address, BTreeSet<String>) {
    (both.target.0.outside["live"], ["live".to_owned()].into())
}

#[test]
fn every_slot_that_is_written_is_shown_beside_its_rehearsal() {
    let mut both = Both::new();
    let (live, compared) = live(&both);
    let usdc = both.target.0.outside["usdc"];
    both.soaked.1.outside = [
        ((live, u(7)), kept(0, 5)),
        ((live, u(80)), kept(0, 1)),
        ((live, u(90)), kept(3, 3)),
        ((EXTERNAL, u(1)), kept(0, 1)),
    ]
    .into();
    both.target.1.outside = [
        ((live, u(7)), kept(1, 5)),
        ((live, u(90)), kept(4, 4)),
        ((usdc, u(1)), kept(0, 1)),
        ((usdc, u(2)), kept(2, 2)),
        ((UNNAMED, u(7)), kept(0, 2)),
    ]
    .into();
    let write = |contract: &str, slot, label: Option<&str>, target, soaked| Write {
        contract: contract.to_owned(),
        slot: B256::from(u(slot)),
        label: label.map(str::to_owned),
        target,
        soaked,
    };
    let usdc = write("@usdc", 1, None, Some(kept(0, 1)), None);
    let unnamed = write(&UNNAMED.to_string(), 7, None, Some(kept(0, 2)), None);
    let expected = [
        write("@live", 7, Some("fresh"), Some(kept(1, 5)), Some(kept(0, 5))),
        write("@live", 80, None, None, Some(kept(0, 1))),
        usdc.clone(),
        unnamed.clone(),
    ];
    let rehearsed = Some((both.soaked(), &compared));
    assert_eq!(writes(&both.release, rehearsed, both.target()), expected);
    // Without a rehearsal.
    let alone = write("@live", 7, Some("fresh"), Some(kept(1, 5)), None);
    assert_eq!(writes(&both.release, None, both.target()), [usdc, unnamed, alone]);
}

#[test]
fn what_was_not_rehearsed_is_refused_slot_by_slot() {
    let mut both = Both::new();
    let (live, compared) = live(&both);
    both.soaked.1.outside = [((live, u(7)), kept(0, 5))].into();
    both.target.1.outside = [((live, u(7)), kept(1, 5)), ((EXTERNAL, u(1)), kept(0, 1))].into();
    let found = |both: &Both| unrehearsed(&both.release, both.soaked(), both.target(), &compared);
    assert_eq!(found(&both), Vec::<String>::new());
    both.target.1.outside = [((live, u(7)), kept(1, 7)), ((live, u(8)), kept(0, 1))].into();
    let sentences = found(&both);
    let begins = [
        "@live: after the plan slot 0x7 holds 0x5, before 0x0, where it soaked and 0x7, before \
         0x1, on the target",
        "@live: after the plan slot 0x8 holds what nobody looked at where it soaked and 0x1, \
         before 0x0, on the target",
    ];
    assert_eq!(sentences.len(), begins.len());
    for (sentence, begins) in sentences.iter().zip(begins) {
        assert!(sentence.starts_with(begins), "{sentence}");
    }
    for (count, more) in [(8, None), (9, Some("@live differs in 1 more slot"))] {
        let slots = (0..count).map(|n| ((live, u(100 + n)), kept(0, 1)));
        (both.soaked.1.outside, both.target.1.outside) = (slots.collect(), BTreeMap::new());
        let sentences = found(&both);
        assert_eq!(sentences.len(), 8 + usize::from(more.is_some()));
        assert!(more.is_none_or(|more| sentences[8] == more), "{sentences:?}");
    }
}

#[test]
fn a_contract_s_storage_has_the_names_of_its_code() {
    let mut both = Both::new();
    for (id, value) in [("vault/proxy", 1), ("vault/implementation", 2), ("registry", 3)] {
        of(&mut both.target, id).slots = [(u(7), vec![u(0), u(value)])].into();
    }
    let child = Created { varying: [u(9)].into(), ..made("vault/proxy+1") };
    both.target.1.created.insert(UNNAMED, child);
    let (resolved, expected) = &both.target;
    let all = stored(&both.release, resolved, expected, Moment::Any);
    assert_eq!(all.len(), expected.created.len());
    let found = |at: Address| all.iter().find(|stored| stored.address == at).unwrap();
    let slots = |id: &str| -> Vec<_> {
        let slots = found(at(resolved, id)).slots.iter();
        slots.map(|slot| (slot.name.clone(), slot.values.clone(), slot.is_written)).collect()
    };
    let cap = |value: u64| vec![("cap".to_owned(), vec![u(0), u(value)], true)];
    assert_eq!((slots("vault/proxy"), slots("vault/implementation")), (cap(1), cap(2)));
    let own = ("_implementation".to_owned(), vec![u(0)], false);
    assert_eq!(slots("registry"), [("7".to_owned(), vec![u(0), u(3)], true), own]);
    let child = found(UNNAMED);
    assert_eq!((&*child.op, &*child.label), ("vault/proxy", "vault/proxy+1"));
    assert_eq!((child.slots.len(), &child.varying), (0, &vec!["9".to_owned()]));
    let library = found(at(resolved, "lib:src/L.sol:L"));
    assert_eq!((&*library.op, &*library.label), ("lib:src/L.sol:L", "lib:L"));
    let done = stored(&both.release, resolved, expected, Moment::Done);
    let vault = done.iter().find(|s| s.address == at(resolved, "vault/proxy")).unwrap();
    assert_eq!(vault.slots[0].values, [u(1)]);
}
