//! What git's history has below `deployments/` and the folder has no more. Whoever deletes a file
//! takes it from no clone: each finds it here, and judges by it as a machine that saw it does.

use tidegate_model::ReleaseRoot;
use tidegate_model::shared::{RELEASES, STATEMENTS, is_record_name};
use tidegate_store::{History, first_commit_with};

use crate::project::Project;
use crate::proposal_files::Found;
use crate::records;

/// The largest statement, and the largest record or release, in bytes.
const STATEMENT_BYTES_MAX: usize = 1 << 20;
const RECORD_BYTES_MAX: usize = 16 << 20;
const RELEASE_BYTES_MAX: usize = 64 << 20;

/// How large a file that is recalled may be; `None` for one that is not.
fn wanted(path: &str) -> Option<usize> {
    let (folder, name) = path.split_once('/')?;
    match folder {
        _ if name.contains('/') || !name.ends_with(".json") => None,
        STATEMENTS => Some(STATEMENT_BYTES_MAX),
        RELEASES => Some(RELEASE_BYTES_MAX),
        _ => is_record_name(name).then_some(RECORD_BYTES_MAX),
    }
}

/// What is gone, read once. What cannot be read is warned of: it is of one machine.
fn history(project: &Project) -> &History {
    project.history.get_or_init(|| {
        let _busy = project.front.busy("reading what the commits before had");
        match History::below(&project.layout.deployments_dir(), wanted) {
            Ok(history) => {
                if history.is_cut {
                    project.front.warn(
                        "this clone does not have every commit: what was deleted from \
                         deployments/ before is not seen here; run `git fetch --unshallow`",
                    );
                }
                history
            }
            Err(error) => {
                project.front.warn(format!("{error}; what was deleted before is not seen here"));
                History::default()
            }
        }
    })
}

/// The contents that files of one folder below `deployments/` had, and have no more.
pub(crate) fn gone_from(project: &Project, folder: &str) -> impl Iterator<Item = Vec<u8>> {
    let below = format!("{folder}/");
    let gone = history(project).gone.iter();
    let gone: Vec<_> = gone.filter(|(path, _)| path.starts_with(&below)).collect();
    gone.into_iter().flat_map(|(_, contents)| contents.clone())
}

/// The contents that one file had, and has no more.
pub(crate) fn gone_file<'a>(project: &'a Project, path: &str) -> &'a [Vec<u8>] {
    history(project).gone.get(path).map_or(&[], Vec::as_slice)
}

/// What a release is called, as its records say: `vault-1.4.0 (release 0x0a1b…)`.
pub(crate) fn called(project: &Project, root: ReleaseRoot) -> String {
    match recorded(project, root) {
        Some((_, name)) => format!("{name} (release {})", root.short()),
        None => format!("release {}", root.short()),
    }
}

/// How to come to the sources of a proposal's release: they lie beside the proposal or its record
/// where it was committed first.
pub(crate) fn way_to(project: &Project, root: ReleaseRoot, found: &Found) -> String {
    let proposal = project.layout.proposal(&found.network, found.checked.hash().0).ok();
    let record = recorded(project, root).map(|(path, _)| path);
    let files = [(proposal, "this proposal"), (record, "a record of it")];
    for (file, what) in files {
        let commit = file.and_then(|file| first_commit_with(&file).ok().flatten());
        if let Some(commit) = commit {
            let commit = commit.get(..12).unwrap_or(&commit);
            return format!(
                "check out its sources: `git checkout {commit}` is the first commit that has {what}"
            );
        }
    }
    "check out the commit that the proposal was made from; no commit up to this one has it, so \
     pull, or ask who proposed it"
        .to_owned()
}

/// A record of a release, with its file and the name that the release has there.
fn recorded(project: &Project, root: ReleaseRoot) -> Option<(std::path::PathBuf, String)> {
    let networks = project.config.networks.keys();
    let mut all = networks.filter_map(|network| records::all(project, network).ok()).flatten();
    all.find(|(_, record)| record.release_root == root).map(|(path, record)| (path, record.name))
}
