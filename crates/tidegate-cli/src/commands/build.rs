//! `tidegate build`.

use clap::Args;
use serde_json::json;

use crate::error::CliResult;
use crate::project::Project;
use crate::release::{Built, build};

/// Compile the plan's contracts and show the release's digests
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {}

pub(crate) fn run(project: &Project, _args: &BuildArgs) -> CliResult<u8> {
    let built = build(project)?;
    for warning in &built.warnings {
        project.ui.note(warning);
    }
    show(project, &built)?;
    Ok(0)
}

/// The release, its digests and its contracts.
pub(crate) fn show(project: &Project, built: &Built) -> CliResult {
    let Built { release, roots, .. } = built;
    let ui = &project.ui;
    let compilers: Vec<_> =
        release.compilers.iter().map(|compiler| compiler.version.as_str()).collect();
    ui.row("release", &release.name);
    ui.row("compiler", &format!("solc {}", compilers.join(", ")));
    ui.row("releaseRoot", &roots.release_root.to_string());
    ui.row("scopeRoot", &roots.scope_root.to_string());
    ui.row("codeRoot", &roots.code_root.to_string());
    ui.row("planDigest", &roots.plan_digest.to_string());
    ui.row("buildDigest", &roots.build_digest.to_string());
    ui.line("");
    ui.line(format!("{} contracts", release.artifacts.len()));
    let mut rows = Vec::new();
    for artifact in release.artifacts.values() {
        let runtime = artifact.runtime.object.len();
        ui.line(format!(
            "  {:<22} {runtime:>6} bytes  {}",
            artifact.fqn.name(),
            artifact.fqn.path()
        ));
        let scope = release.scope(artifact)?;
        rows.push(json!({"fqn": artifact.fqn, "runtimeBytes": runtime, "scope": scope}));
    }
    ui.result(&json!({
        "release": release.name, "roots": roots, "compilers": release.compilers,
        "contracts": rows, "warnings": built.warnings,
    }));
    Ok(())
}
