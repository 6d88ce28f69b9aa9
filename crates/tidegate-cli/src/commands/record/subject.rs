//! What a statement is about, as options.

use clap::Args;
use tidegate_app::drafts::Subject;

use crate::options::ForTarget;

/// The release and the target that a statement is about.
#[derive(Debug, Args)]
pub(super) struct OfRelease {
    /// The release; default: the release that the working tree builds
    #[arg(long)]
    release: Option<String>,
    #[command(flatten)]
    target: ForTarget,
}

impl OfRelease {
    pub(super) fn subject(&self) -> Subject {
        subject(self.release.as_ref(), &self.target)
    }
}

pub(super) fn subject(release: Option<&String>, target: &ForTarget) -> Subject {
    Subject { release: release.cloned(), target: target.target.clone() }
}
