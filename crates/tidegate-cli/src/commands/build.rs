//! `tidegate build`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use tidegate_app::error::AppResult;
use tidegate_app::release::{Built, build};
use tidegate_compile::source_places;
use tidegate_model::release::Compiler;
use tidegate_plan::requested_contracts;

use crate::context::Context;
use crate::ui::COLUMNS;

/// Compile the plan's contracts and show the release's digests
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// With --json, also the documents and files that the scopes' digests are over
    #[arg(long, requires = "json")]
    scope: bool,
}

pub(crate) fn run(project: &Context, args: &BuildArgs) -> AppResult<u8> {
    let built = build(project)?;
    for warning in &built.warnings {
        project.ui.note(warning);
    }
    let mut result = shown(project, &built)?;
    if args.scope {
        add_documents(project, &built, &mut result)?;
    }
    project.ui.result(&result);
    Ok(0)
}

/// Adds what `scripts/scope-root.mjs` recomputes the scope's root from.
fn add_documents(project: &Context, built: &Built, result: &mut Value) -> AppResult {
    let foundry = tidegate_app::compiler::settings(project)?;
    let contracts: Vec<_> = requested_contracts(&project.config).into_iter().collect();
    let places = source_places(&project.root, &foundry, &contracts)?;
    for (row, artifact) in built.release.artifacts.values().enumerate() {
        let named = |name: &String| Some((name.clone(), places.get(name)?));
        let sources: BTreeMap<_, _> = artifact.sources.keys().filter_map(named).collect();
        result["contracts"][row]["documents"] = json!({
            "sources": sources,
            "profile": artifact.profile,
            "layout": artifact.layout_document(),
            "paramPolicy": built.release.plan.param_policy(&artifact.fqn),
        });
    }
    let remappings: Vec<_> = foundry.remappings.iter().map(ToString::to_string).collect();
    result["remappings"] = json!(remappings);
    Ok(())
}

/// The compilers in a line. Vyper's versions say that they are, and come after solc's.
fn compilers(all: &[Compiler]) -> String {
    let versions: Vec<_> = all.iter().map(|compiler| compiler.version.as_str()).collect();
    let only_vyper = versions.first().is_some_and(|version| version.starts_with("vyper "));
    let first = if only_vyper { "" } else { "solc " };
    format!("{first}{}", versions.join(", "))
}

/// Shows the release, its digests and its contracts, and gives the same for machines.
fn shown(project: &Context, built: &Built) -> AppResult<Value> {
    let Built { release, roots, .. } = built;
    let ui = &project.ui;
    ui.row("release", &release.name);
    ui.row("compiler", &compilers(&release.compilers));
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
        let size = format!("  {:<22} {runtime:>6} bytes", artifact.fqn.name());
        let path = artifact.fqn.path();
        match size.len() + path.len() + 2 <= COLUMNS {
            true => ui.line(format!("{size}  {path}")),
            false => ui.line(format!("{size}\n    {path}")),
        }
        let scope = release.scope(artifact)?;
        rows.push(json!({"fqn": artifact.fqn, "runtimeBytes": runtime, "scope": scope}));
    }
    Ok(json!({
        "release": release.name, "roots": roots, "compilers": release.compilers,
        "contracts": rows, "warnings": built.warnings,
    }))
}
