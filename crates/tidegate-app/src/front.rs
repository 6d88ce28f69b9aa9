//! The messages and questions of a use case to its front end: a terminal, a page or a test.

use std::fmt;

use alloy_primitives::{Address, B256};
use serde_json::{Map, Value};

use crate::error::{Again, AppResult};

/// A message of a use case while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A line of the result, for people.
    Line(&'a str),
    /// A labelled line of the result.
    Row(&'a str, &'a str),
    /// A heading with labelled values under it.
    Fields(&'a str, &'a [(String, String)]),
    /// Labelled lines of the result, under labels of one width.
    Table(&'a [(String, String)]),
    /// The result, for programs.
    Result(&'a Value),
    /// A document for other programs, byte for byte.
    Document(&'a str),
    /// Progress, or a remark.
    Note(&'a str),
    /// A warning that stops nothing.
    Warning(&'a str),
    /// A warning for those who approve: it is repeated where they are asked.
    Attention(&'a str),
    /// Everything told since the last approval is to be approved now.
    Approval(&'a Approving<'a>),
    /// A long task begins, perhaps within another one.
    Begin(&'a str),
    /// The progress of the innermost task: how much is done, of how much.
    At(usize, usize),
    /// The innermost task is over, however it ended.
    End,
}

/// An action that a person or program is to approve.
#[derive(Debug)]
pub struct Approving<'a> {
    /// The network's name.
    pub network: &'a str,
    /// The digest of everything that is about to happen.
    pub hash: B256,
    /// The whole action as data, never empty: for programs, and for front ends with forms.
    pub fields: &'a Map<String, Value>,
    /// The options with which the same request approves it.
    pub again: &'a Again,
}

/// A question to a person. Its subject was told just before; the front end decides how yes is said.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// Whether what was told last as [`Event::Approval`] may happen.
    Approve {
        /// The network's name.
        network: &'a str,
        /// The digest of everything that is about to happen.
        hash: B256,
    },
    /// Whether a Safe is the one that they know.
    PinSafe(Address),
    /// Whether an endpoint that the project names may count for decisions.
    TrustEndpoint {
        /// Its host, and the port where the URL has one.
        host: &'a str,
    },
}

/// A long task. It ends when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Busy<'a>(&'a dyn Front);

impl Busy<'_> {
    /// Tells the task's progress.
    pub(crate) fn at(&self, done: usize, all: usize) {
        self.0.tell(Event::At(done, all));
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.tell(Event::End);
    }
}

/// The front end that runs a use case: a terminal, a page or a test.
pub trait Front: fmt::Debug + Send + Sync {
    /// Takes what is told. Text may come from a chain or a file; it is shown inert.
    fn tell(&self, event: Event<'_>);

    /// Whether there is a person who can be asked.
    fn can_ask(&self) -> bool;

    /// Asks the person, and returns whether they said yes.
    ///
    /// # Errors
    /// If there is nobody, or no answer comes.
    fn ask(&self, question: &Question<'_>) -> AppResult<bool>;
}

impl dyn Front + '_ {
    /// Tells a line of the result.
    pub fn line(&self, text: impl AsRef<str>) {
        self.tell(Event::Line(text.as_ref()));
    }

    /// Tells a labelled line of the result.
    pub fn row(&self, label: &str, text: &str) {
        self.tell(Event::Row(label, text));
    }

    /// Tells labelled values under a heading.
    pub fn fields(&self, heading: &str, rows: &[(String, String)]) {
        self.tell(Event::Fields(heading, rows));
    }

    /// Tells labelled lines under labels of one width.
    pub fn table(&self, rows: &[(String, String)]) {
        self.tell(Event::Table(rows));
    }

    /// Tells the result for programs.
    pub fn result(&self, value: &Value) {
        self.tell(Event::Result(value));
    }

    /// Tells progress, or a remark.
    pub fn note(&self, text: impl AsRef<str>) {
        self.tell(Event::Note(text.as_ref()));
    }

    /// Tells a warning for those who approve.
    pub fn attend(&self, text: impl AsRef<str>) {
        self.tell(Event::Attention(text.as_ref()));
    }

    /// Begins a long task, which ends when the answer is dropped.
    pub fn busy(&self, what: impl AsRef<str>) -> Busy<'_> {
        self.tell(Event::Begin(what.as_ref()));
        Busy(self)
    }

    /// Tells a warning that stops nothing.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.tell(Event::Warning(text.as_ref()));
    }
}
