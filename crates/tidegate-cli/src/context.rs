//! What a command works with: the opened project, the terminal, and the options of every command.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use tidegate_app::error::{AppResult, Kind, OrKind};
use tidegate_app::project::{Caller, Project, find_root};
use tidegate_app::settings::Environment;

use crate::clock;
use crate::options::Global;
use crate::ui::Ui;

/// An opened project at a terminal.
#[derive(Debug)]
pub(crate) struct Context {
    project: Project,
    pub(crate) ui: Ui,
    pub(crate) global: Global,
}

impl Context {
    /// Opens the project of `--project`, or the nearest one above the working directory.
    pub(crate) fn open(ui: &Ui, env: &Environment, global: &Global) -> AppResult<Self> {
        let root = match &global.project {
            Some(dir) => dir.clone(),
            None => find_root(&here()?)?,
        };
        let caller = Caller {
            env: env.clone(),
            front: Arc::new(ui.clone()),
            approved: global.approve.clone(),
            pin: global.pin.clone(),
            typed_data: global.typed_data.clone(),
            dry_run: global.dry_run,
            clock: clock::now,
        };
        let project = Project::open(&root, caller)?;
        Ok(Self { project, ui: ui.clone(), global: global.clone() })
    }
}

/// The directory in which the command was typed.
pub(crate) fn here() -> AppResult<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks for it")]
    std::env::current_dir().or_kind(Kind::Config)
}

impl Deref for Context {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.project
    }
}
