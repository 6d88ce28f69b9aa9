//! What goes on while a chain is read, for whoever waits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What happens while a chain is read. It decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening<'a> {
    /// Something begins that takes a while, perhaps within another one.
    Begins(&'a str),
    /// So much of the innermost one is done, of so much.
    At(u64, u64),
    /// The innermost one is over, however it ended.
    Ends,
    /// What a person should know of an endpoint, told once.
    Remark(&'a str),
}

type Tell = dyn Fn(Happening<'_>) + Send + Sync;

/// Whoever is told what goes on; nobody, unless somebody is named.
#[derive(Clone, Default)]
pub struct Watch {
    tell: Option<Arc<Tell>>,
    /// Whether work and waiting are being shown: of each kind one at a time.
    shown: Arc<[AtomicBool; 2]>,
}

/// What is shown until it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Many calls one after another.
    Work,
    /// One call, within work or without.
    Wait,
}

impl Watch {
    /// Tells all that goes on.
    pub fn new(tell: impl Fn(Happening<'_>) + Send + Sync + 'static) -> Self {
        Self { tell: Some(Arc::new(tell)), shown: Arc::default() }
    }

    /// Begins something, unless something of its kind is shown already. It is over when the answer
    /// is dropped.
    pub(crate) fn begin(&self, kind: Kind, what: &str) -> Shown<'_> {
        let mine = !self.shown[kind as usize].swap(true, Ordering::AcqRel);
        if mine {
            self.tell(Happening::Begins(what));
        }
        Shown { watch: self, mine: mine.then_some(kind) }
    }

    pub(crate) fn remark(&self, text: &str) {
        self.tell(Happening::Remark(text));
    }

    fn tell(&self, happening: Happening<'_>) {
        if let Some(tell) = &self.tell {
            tell(happening);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tell.is_some() { "Watch(somebody)" } else { "Watch(nobody)" })
    }
}

/// What is being shown.
#[must_use]
pub(crate) struct Shown<'a> {
    watch: &'a Watch,
    mine: Option<Kind>,
}

impl Shown<'_> {
    pub(crate) fn at(&self, done: u64, all: u64) {
        if self.mine.is_some() {
            self.watch.tell(Happening::At(done, all));
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if let Some(kind) = self.mine {
            self.watch.shown[kind as usize].store(false, Ordering::Release);
            self.watch.tell(Happening::Ends);
        }
    }
}
