//! A case: a name, the level of the pipeline that it begins at, and what it does.

use libtest_mimic::{Completion, Failed};

use super::{Level, Scene};

/// What a case came to.
pub(crate) type Outcome = Result<(), Failed>;

type Body = Box<dyn Fn(&Scene<'_>) -> Result<Completion, Failed> + Send>;

/// One case.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) level: Level,
    /// Whether it is left out unless ignored cases are asked for, as `./scripts/test --full` does.
    pub(crate) slow: bool,
    pub(crate) body: Body,
}

impl Case {
    /// A case that says whether it could be run.
    pub(crate) fn new<R: Into<Ended> + 'static>(
        path: &str,
        level: Level,
        body: fn(&Scene<'_>) -> Result<R, Failed>,
    ) -> Self {
        let name = path.split_once("::").map_or(path, |(_, name)| name).to_owned();
        let body: Body = Box::new(move |scene| body(scene).map(|ended| ended.into().0));
        Self { name, level, slow: false, body }
    }

    /// The same cases, of which a change waits for none.
    pub(crate) fn slow(cases: Vec<Self>) -> Vec<Self> {
        cases.into_iter().map(|case| Self { slow: true, ..case }).collect()
    }
}

/// How a case that did not fail ended.
pub(crate) struct Ended(Completion);

impl From<()> for Ended {
    fn from((): ()) -> Self {
        Self(Completion::Completed)
    }
}

impl From<Completion> for Ended {
    fn from(completion: Completion) -> Self {
        Self(completion)
    }
}

/// Lists functions as cases, by the level that they begin at.
macro_rules! cases {
    ($($level:ident: $($name:ident),+ ;)+) => {
        vec![$($($crate::support::Case::new(
            concat!(module_path!(), "::", stringify!($name)),
            $crate::support::Level::$level,
            $name,
        )),+),+]
    };
}
pub(crate) use cases;
