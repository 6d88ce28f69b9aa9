//! The project of the demo: a copy, so that the checkout stays clean.

use std::path::Path;

use tidegate_testkit::{Binary, Env, Person, Project, Tools};

use crate::error::XtaskResult;

/// The auditors' reports, as they publish them.
const REPORTS: [(&str, &str); 2] = [
    ("reports/acme.md", "# Acme: review of vault 1.4.0\n\nNo open findings.\n"),
    ("reports/bolt.md", "# Bolt: review of vault 1.4.0\n\nNo open findings.\n"),
];

/// Copies the example protocol to `project` below the folder.
pub(super) fn copy(tools: &Tools, folder: &Path) -> XtaskResult<Project> {
    let project = Project::copy(tools, &folder.join("project"))?;
    for (path, text) in REPORTS {
        project.write(path, text.as_bytes())?;
    }
    Ok(project)
}

/// Compiles the contracts into the cache while the chains are being set up, which saves some
/// seconds of the story; that the compiler is there is all that it says.
pub(super) fn warm_up(tools: &Tools, project: &Project, cache: &Path) -> XtaskResult {
    let path = tools.node.parent().unwrap_or(Path::new("/"));
    let variables = [("PATH", path), ("XDG_CACHE_HOME", cache)];
    let variables = variables.map(|(name, path)| (name, path.to_string_lossy()));
    let variables = variables.map(|(name, path)| (name.to_owned(), path.into_owned()));
    let env = Env {
        binary: Binary::here(tools)?.path().to_owned(),
        project: project.root().to_owned(),
        variables: variables.into(),
    };
    let nobody = Person::new(&env, "nobody", cache.join("nobody"));
    nobody.run(&["build"])?.expect_code(0)?;
    Ok(())
}
