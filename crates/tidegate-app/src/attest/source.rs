//! Where the sources come from that an auditor has read.

use tidegate_model::units::counted;
use tidegate_store::Checkout;

use super::AttestRequest;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::Project;
use crate::release::Built;

/// How many changed files are named.
const NAMED_MAX: usize = 5;

/// What marks a source whose files are not those of its commit.
const MARK: &str = "+changes";

/// `repository@commit` of the checkout, or what `--source` says; nothing where the project is in no
/// commit. Whoever attests other files than the commit's says so in what is signed, and is told
/// which.
///
/// # Errors
/// If files are not those of the commit, and nobody asked for that.
pub(super) fn source(
    project: &Project,
    request: &AttestRequest,
    built: &Built,
) -> AppResult<String> {
    let given = request.source.clone();
    let Some(checkout) = Checkout::read(&project.root).or_kind(Kind::Config)? else {
        return Ok(given.unwrap_or_default());
    };
    let below = project.root.strip_prefix(&checkout.root).unwrap_or(&project.root);
    let changed: Vec<_> = checkout.changed.iter().filter(|file| below_is(file, below)).collect();
    let config = below.join("tidegate.toml");
    let is_own = changed.iter().any(|file| **file == config.to_string_lossy())
        || !checkout.lacks(&project.layout.config());
    if !is_own {
        // The folder lies in the checkout of something else.
        return Ok(given.unwrap_or_default());
    }
    let artifacts = built.release.artifacts.values();
    // Packages need not be in the commit; those that are vendored are listed by name.
    let own = |name: &&String| !["dep:", "vendored:"].iter().any(|of| name.starts_with(of));
    let sources = artifacts.flat_map(|a| a.sources.keys()).filter(own);
    let lacked = sources.filter(|name| checkout.lacks(&project.root.join(name)));
    let mut files: Vec<String> = changed.into_iter().chain(lacked).cloned().collect();
    files.sort();
    files.dedup();
    let commit = &checkout.commit;
    let repository = checkout.repository.unwrap_or_default();
    let source = given.unwrap_or_else(|| format!("{repository}@{commit}"));
    if files.is_empty() {
        return Ok(source);
    }
    let named = files.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = files.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let files = counted(files.len(), "file");
    let what = format!("{files} here differ from commit {commit}: {named}{more}");
    if !request.dirty {
        return Err(AppError::new(Kind::Fail, what)
            .hint("commit them, or attest what is here with --dirty"));
    }
    project.front.warn(format!("{what}; the attestation is marked `{MARK}`"));
    Ok(if source.ends_with(MARK) { source } else { source + MARK })
}

/// Whether a file of the checkout is the project's, and none of what people say about it.
fn below_is(file: &str, below: &std::path::Path) -> bool {
    let inside = std::path::Path::new(file).strip_prefix(below);
    inside.is_ok_and(|inside| !inside.starts_with("deployments"))
}
