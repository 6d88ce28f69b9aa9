//! Projects in temporary folders and a front end that remembers, for tests.

use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tidegate_store::write_new;

use crate::error::{AppError, AppResult};
use crate::front::{Event, Front, Question};
use crate::project::{Caller, Project};
use crate::settings::Environment;

/// A front end at which nobody sits.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// What took a while, in the order in which it began.
    pub(crate) begun: Mutex<Vec<String>>,
    pub(crate) warned: Mutex<Vec<String>>,
    /// What whoever approves may not overlook.
    pub(crate) attended: Mutex<Vec<String>>,
}

impl Front for Recorder {
    fn tell(&self, event: Event<'_>) {
        let (list, text) = match event {
            Event::Begin(text) => (&self.begun, text),
            Event::Warning(text) => (&self.warned, text),
            Event::Attention(text) => (&self.attended, text),
            _ => return,
        };
        list.lock().unwrap().push(text.to_owned());
    }

    fn can_ask(&self) -> bool {
        false
    }

    fn ask(&self, question: &Question<'_>) -> AppResult<bool> {
        Err(AppError::usage(format!("nobody answers {question:?}")))
    }
}

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write_new(&root.path().join(name), text.as_bytes()).unwrap();
    }
    root
}

/// Variables of an environment whose home is this folder.
pub(crate) fn environment(home: &Path, variables: &[(&str, &str)]) -> Environment {
    let home = ("HOME".to_owned(), home.display().to_string());
    let others = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::new(others.chain([home]).collect())
}

/// A project of these files, with its front end.
pub(crate) fn opened(root: &Path, variables: &[(&str, &str)]) -> (Project, Arc<Recorder>) {
    let front = Arc::new(Recorder::default());
    let caller = Caller {
        env: environment(root, variables),
        front: Arc::clone(&front) as Arc<dyn Front>,
        approved: None,
        pin: None,
        typed_data: None,
        dry_run: false,
        clock: || 1_800_000_000,
    };
    (Project::open(root, caller).unwrap(), front)
}
