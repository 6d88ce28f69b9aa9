use super::{Home, stream};
use crate::{Epoch, StoreError, StreamName, this_holder};

#[test]
fn one_lease_a_stream_at_a_time() {
    let home = Home::new();
    let (store, other) = (home.open(), home.open());
    let lane = stream("lane/11155111/0xAbC");
    let lease = store.acquire(&lane, "1@here").unwrap();
    assert_eq!((lease.epoch(), lease.stream()), (Epoch(1), &lane));
    for contender in [&store, &other] {
        match contender.acquire(&lane, "2@there") {
            Err(StoreError::Held { stream, holder }) => {
                assert_eq!((stream, holder), (lane.to_string(), "1@here".to_owned()));
            }
            result => panic!("{result:?}"),
        }
    }
    // Other streams, also those that differ in case only, are free.
    let second = other.acquire(&stream("lane/11155111/0xabc"), "2@there").unwrap();
    assert_eq!(second.epoch(), Epoch(1));

    drop(lease);
    let lease = other.acquire(&lane, "2@there").unwrap();
    assert_eq!(lease.epoch(), Epoch(2));
    assert_eq!(store.holder(&lane).unwrap().as_deref(), Some("2@there"));
    assert_eq!(store.holder(&stream("never")).unwrap(), None);
}

#[test]
fn names_are_checked() {
    for name in ["", "a b", "a\nb", "a\u{202e}b", "é", &"a".repeat(129)] {
        assert!(matches!(StreamName::new(name), Err(StoreError::Name { .. })), "{name}");
    }
    let home = Home::new();
    let refused = home.open().acquire(&stream("s"), "with blank");
    assert!(matches!(refused, Err(StoreError::Name { .. })));
    let holder = this_holder();
    assert!(holder.starts_with(&format!("{}@", std::process::id())), "{holder}");
    home.open().acquire(&stream("s"), &holder).unwrap();
}
