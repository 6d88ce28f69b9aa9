//! The project of the demo: a copy, so that the checkout stays clean.

use std::path::Path;

use tidegate_testkit::{Project, ProjectOptions, Tools, World};

use crate::error::XtaskResult;

/// The auditors' reports, as they publish them.
const REPORTS: [(&str, &str); 2] = [
    ("reports/acme.md", "# Acme: review of vault 1.4.0\n\nNo open findings.\n"),
    ("reports/bolt.md", "# Bolt: review of vault 1.4.0\n\nNo open findings.\n"),
];

/// Copies the example protocol to `project` below the folder, and writes its configuration.
pub(super) fn create(tools: &Tools, world: &World, folder: &Path) -> XtaskResult<Project> {
    let root = folder.join("project");
    let project = Project::create(tools, world, &root, &ProjectOptions::default())?;
    for (path, text) in REPORTS {
        project.write(path, text.as_bytes())?;
    }
    Ok(project)
}
