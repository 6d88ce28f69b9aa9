use std::cell::RefCell;
use std::sync::mpsc::channel;

use alloy_primitives::Address;

use super::{ADDRESS, password};
use crate::os_keyring::within;
use crate::vault::{Slot, enrol, entry_name};
use crate::{OsKeyring, Password, VaultError};

/// A store of the operating system with the faults that have been seen in real ones.
#[derive(Default)]
struct Faulty {
    kept: RefCell<Option<String>>,
    forgets: bool,
    alters: bool,
    fails_but_keeps: bool,
    never_clears: bool,
}

impl Slot for Faulty {
    fn read(&self) -> Result<Option<Password>, VaultError> {
        Ok(self.kept.borrow().as_deref().map(password))
    }

    fn write(&self, new: &Password) -> Result<(), VaultError> {
        let text = if self.alters { "altered" } else { new.expose() };
        if !self.forgets {
            *self.kept.borrow_mut() = Some(text.to_owned());
        }
        match self.fails_but_keeps {
            true => Err(VaultError::Call { op: "write" }),
            false => Ok(()),
        }
    }

    fn clear(&self) -> Result<(), VaultError> {
        if !self.never_clears {
            *self.kept.borrow_mut() = None;
        }
        Ok(())
    }
}

#[test]
fn what_does_not_read_back_is_not_left_behind() {
    let sound = Faulty::default();
    enrol(&sound, &password("pw")).unwrap();
    assert_eq!(sound.kept.borrow().as_deref(), Some("pw"));

    let cases = [
        (Faulty { forgets: true, ..Default::default() }, "RoundTrip"),
        (Faulty { alters: true, ..Default::default() }, "RoundTrip"),
        (Faulty { fails_but_keeps: true, ..Default::default() }, "Call { op: \"write\" }"),
    ];
    for (slot, expected) in cases {
        let error = enrol(&slot, &password("pw")).unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
        assert_eq!(slot.kept.borrow().as_deref(), None);
    }
    let stuck = Faulty { fails_but_keeps: true, never_clears: true, ..Default::default() };
    assert!(matches!(enrol(&stuck, &password("pw")), Err(VaultError::LeftBehind(_))));
}

#[test]
fn entries_are_named_by_the_address() {
    let name = entry_name(ADDRESS.parse().unwrap());
    assert!(name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_ne!(name, entry_name(Address::ZERO));
}

#[test]
fn a_call_that_hangs_or_dies_ends() {
    assert_eq!(within("read", 60, || 7).unwrap(), 7);
    let (sender, receiver) = channel::<()>();
    let hangs = within("read", 0, move || receiver.recv());
    assert!(matches!(hangs, Err(VaultError::TimedOut { op: "read", secs: 0 })));
    drop(sender);
    let dies = within("read", 60, || std::panic::resume_unwind(Box::new(())));
    assert!(matches!(dies, Err(VaultError::Call { op: "read" })));
}

/// Whether this machine has a keyring or not, the probe answers, and says why not.
#[test]
fn the_probe_answers() {
    match OsKeyring::probe() {
        Ok(_) => {}
        Err(VaultError::Unavailable(cause)) => assert!(!cause.to_string().is_empty()),
        Err(error) => panic!("{error:?}"),
    }
}
