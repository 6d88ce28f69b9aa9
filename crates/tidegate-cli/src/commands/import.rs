//! `tidegate import`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tidegate_evidence::{BUNDLE_BYTES_MAX, Bundle};
use tidegate_model::statement::SignedStatement;
use tidegate_store::read_limited;

use crate::args::Global;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::project::Project;
use crate::settings::Environment;
use crate::ui::Ui;
use crate::{bundle, statements};

/// The largest statement, in bytes.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

/// Take signed statements, or a bundle, from files, checking every signature and digest
///
/// A bundle may be taken in an empty folder, which becomes a project without sources.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files with signed statements, or one bundle
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(ui: &Ui, env: &Environment, global: &Global, args: &ImportArgs) -> CliResult<u8> {
    if let [file] = args.files.as_slice() {
        let bytes = read_limited(file, BUNDLE_BYTES_MAX).or_kind(Kind::Config)?;
        if Bundle::is_one(&bytes) {
            return take(ui, env, global, bytes);
        }
    }
    statements_of(&Project::open(ui, env, global)?, args)
}

/// Takes a bundle in this very folder, which becomes a project if it is none.
fn take(ui: &Ui, env: &Environment, global: &Global, bytes: Vec<u8>) -> CliResult<u8> {
    // Never a project above: an empty folder inside another project is meant to become its own.
    let root = match &global.project {
        Some(dir) => dir.clone(),
        None => std::env::current_dir().or_kind(Kind::Config)?,
    };
    let bundle = bundle::place(&root, bytes)?;
    let project = Project::open(ui, env, &Global { project: Some(root), ..global.clone() })?;
    bundle::keep(&project, &bundle)?;
    let set = statements::load(&project)?;
    let Bundle { release, roots, statements, files, .. } = &bundle;
    ui.row("release", &release.name);
    ui.row("releaseRoot", &roots.release_root.to_string());
    ui.row("scopeRoot", &roots.scope_root.to_string());
    ui.row("signed", &format!("{} statements, each signature holds", statements.len()));
    ui.line("");
    ui.line("Nothing in the bundle vouches for these; chains have to confirm them:");
    for claim in bundle.claims() {
        ui.line(format!("  {claim}"));
    }
    ui.note("name your own endpoints in tidegate.toml or its variables, then `tidegate status`");
    ui.result(&json!({
        "roots": roots, "statements": set.statements.len(), "files": files.len(),
        "claims": bundle.claims(),
    }));
    Ok(0)
}

fn statements_of(project: &Project, args: &ImportArgs) -> CliResult<u8> {
    // All are read and checked before the first is written.
    let mut statements = Vec::new();
    for file in &args.files {
        let bytes = read_limited(file, STATEMENT_BYTES_MAX).or_kind(Kind::Config)?;
        let signed: SignedStatement = serde_json::from_slice(&bytes).map_err(|error| {
            CliError::config(format!("read {} as a signed statement: {error}", file.display()))
        })?;
        signed.verify()?;
        statements.push(signed);
    }
    let mut digests = Vec::new();
    for signed in &statements {
        let digest = statements::write(project, signed)?;
        project.ui.line(format!("{digest} by {}", signed.signer));
        project.ui.line(format!("  {}", signed.statement.text()));
        digests.push(digest);
    }
    project.ui.result(&json!({ "imported": digests }));
    Ok(0)
}
