//! `tidegate export`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tidegate_store::write_atomic;

use crate::bundle;
use crate::error::{CliResult, Kind, OrKind};
use crate::project::Project;
use crate::release::built;

/// Write a release with all that speaks of it as one file: `tidegate import` takes it
///
/// The bundle holds the release, every statement, record, policy and proposal, and the
/// configuration without its URLs.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The release; default: what the working tree builds
    release: Option<String>,
    /// The file; default: the release's name, with `.tidegate`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(project: &Project, args: &ExportArgs) -> CliResult<u8> {
    let built = built(project, args.release.as_deref())?;
    let bundle = bundle::gather(project, &built)?;
    let text = bundle.to_text().or_kind(Kind::Config)?;
    let name = format!("{}.tidegate", built.release.name);
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(name));
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
    let digest = text.lines().next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let ui = &project.ui;
    ui.row("bundle", &path.display().to_string());
    ui.row("digest", digest);
    ui.row("releaseRoot", &built.roots.release_root.to_string());
    ui.row(
        "holds",
        &format!("{} statements and {} files", bundle.statements.len(), bundle.files.len()),
    );
    ui.result(&json!({
        "file": path, "digest": digest, "roots": built.roots,
        "statements": bundle.statements.len(), "files": bundle.files.keys().collect::<Vec<_>>(),
    }));
    Ok(0)
}
