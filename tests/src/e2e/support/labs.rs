//! The labs that cases take turns with.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use libtest_mimic::Failed;

use super::lab::Lab;

/// How many labs there are, and so how many cases run at once.
pub(crate) const LABS: usize = 2;

/// Labs, each made when it is first taken.
#[derive(Default)]
pub(crate) struct Labs {
    slots: [Mutex<Option<Lab>>; LABS],
}

/// A lab that nobody else has.
pub(crate) struct Taken<'a>(MutexGuard<'a, Option<Lab>>);

impl Labs {
    /// Takes a lab that is free.
    pub(crate) fn take(&self) -> Result<Taken<'_>, Failed> {
        // No more threads run than there are labs, so one is free or just being given back.
        let free = self.slots.iter().find_map(|slot| slot.try_lock().ok());
        let mut slot = match free {
            Some(slot) => slot,
            None => self.slots[0].lock().unwrap_or_else(PoisonError::into_inner),
        };
        if slot.is_none() {
            *slot = Some(Lab::start()?);
        }
        Ok(Taken(slot))
    }
}

impl Deref for Taken<'_> {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        self.0.as_ref().expect("a lab is made before it is taken")
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut Lab {
        self.0.as_mut().expect("a lab is made before it is taken")
    }
}
