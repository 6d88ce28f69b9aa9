//! The digest of a compiler's file, which is computed anew only when the file has changed.
//!
//! A compiler has some ten megabytes, and every command that builds names its digest. As git does
//! with its index, what the file system says of a file stands for its content: device, inode,
//! size, and the times of its last change, of which no program sets the last. What is kept says
//! only which compilation in the cache is taken; before anything is compiled, the whole file is
//! read ([`FoundCompiler::check_digest`](crate::solc::FoundCompiler::check_digest)).

use std::path::Path;

use alloy_primitives::{B256, hex, keccak256};
use sha2::{Digest, Sha256};

use crate::files::{self, Access, FileError};

/// The most bytes of what is kept of a file.
const KEPT_BYTES_MAX: u64 = 512;

/// A file that changes twice within one tick of its file system's clock looks the same. What was
/// kept less than this after the file's last change is not believed.
const SETTLED_SECS: i64 = 2;

/// The SHA-256 of a file of at most `limit` bytes.
pub(crate) fn of_file(path: &Path, limit: u64, cache_dir: &Path) -> Result<B256, FileError> {
    let Some(before) = Stamp::of(path) else { return files::sha256(path, limit) };
    let name = keccak256(path.as_os_str().as_encoded_bytes());
    let kept_at = cache_dir.join(format!("digest-{}.txt", hex::encode(name)));
    if let Some(kept) = kept(&kept_at, before.changed.0, &before.text()) {
        return Ok(kept);
    }
    let digest = files::sha256(path, limit)?;
    if Stamp::of(path).as_ref() == Some(&before) {
        keep(&kept_at, &before.text(), digest);
    }
    Ok(digest)
}

/// The most files of a folder that is digested.
const TREE_FILES_MAX: usize = 50_000;
/// The most bytes of each.
const TREE_BYTES_MAX: u64 = 256 << 20;

/// The SHA-256 over names and digests of every file below a folder that counts, by its path with
/// `/`. A link is refused: what it leads to could be anywhere.
pub(crate) fn of_tree(
    folder: &Path,
    counts: impl Fn(&str) -> bool,
    cache_dir: &Path,
) -> Result<B256, FileError> {
    let names = names_below(folder, counts)?;
    let stamps = || {
        let mut newest = 0;
        let mut text = String::new();
        for name in &names {
            let stamp = Stamp::of(&folder.join(name))?;
            newest = newest.max(stamp.changed.0);
            text += &format!("{name}\0{}", stamp.text());
        }
        Some((newest, format!("{} ", keccak256(text))))
    };
    let path = keccak256(folder.as_os_str().as_encoded_bytes());
    let kept_at = cache_dir.join(format!("tree-{}.txt", hex::encode(path)));
    let before = stamps();
    if let Some(kept) = before.as_ref().and_then(|(newest, text)| kept(&kept_at, *newest, text)) {
        return Ok(kept);
    }
    let mut hasher = Sha256::new();
    for name in &names {
        hasher.update(Sha256::digest(name));
        hasher.update(files::sha256(&folder.join(name), TREE_BYTES_MAX)?);
    }
    let digest = B256::from_slice(&hasher.finalize());
    match before {
        Some((newest, text)) if stamps() == Some((newest, text.clone())) => {
            keep(&kept_at, &text, digest);
        }
        _ => {}
    }
    Ok(digest)
}

/// The SHA-256 over two digests.
pub(crate) fn of_both(one: B256, other: B256) -> B256 {
    B256::from_slice(&Sha256::digest([one, other].concat()))
}

/// The paths of all files below a folder that count, sorted.
fn names_below(folder: &Path, counts: impl Fn(&str) -> bool) -> Result<Vec<String>, FileError> {
    let mut names = Vec::new();
    let mut open = vec![String::new()];
    while let Some(below) = open.pop() {
        let path = folder.join(&below);
        let io = |source| FileError::Io { action: "list", path: path.clone(), source };
        for entry in path.read_dir().map_err(io)? {
            let entry = entry.map_err(io)?;
            let not_text = || FileError::NotText { path: entry.path() };
            let name = entry.file_name().into_string().map_err(|_| not_text())?;
            let name = if below.is_empty() { name } else { format!("{below}/{name}") };
            let kind = entry.file_type().map_err(io)?;
            if !counts(&name) {
                continue;
            }
            if kind.is_symlink() {
                return Err(FileError::Link { path: entry.path() });
            }
            if kind.is_dir() {
                open.push(name)
            } else {
                names.push(name)
            }
            if names.len() + open.len() > TREE_FILES_MAX {
                let (path, limit) = (folder.to_owned(), TREE_FILES_MAX);
                return Err(FileError::TooMany { path, limit });
            }
        }
    }
    names.sort();
    Ok(names)
}

/// The remembered digest, if the files are as this text says and were last changed at that time.
fn kept(at: &Path, changed: i64, text: &str) -> Option<B256> {
    if Stamp::of(at)?.changed.0 < changed.checked_add(SETTLED_SECS)? {
        return None;
    }
    let line = files::read_text(at, KEPT_BYTES_MAX).ok()?;
    line.strip_prefix(text)?.strip_suffix('\n')?.parse().ok()
}

fn keep(at: &Path, text: &str, digest: B256) {
    let line = format!("{text}{digest}\n");
    if let Err(error) = files::write(at, line.as_bytes(), Access::Data) {
        tracing::warn!(%error, "a compiler's digest is not kept");
    }
}

/// The file system's facts about a file, by which a change is noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    place: (u64, u64),
    bytes: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let data = std::fs::metadata(path).ok()?;
        Some(Self {
            place: (data.dev(), data.ino()),
            bytes: data.size(),
            written: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }

    /// Elsewhere nothing is known that a program cannot set, so each file is read.
    #[cfg(not(unix))]
    fn of(_: &Path) -> Option<Self> {
        None
    }

    fn text(&self) -> String {
        let Self { place, bytes, written, changed } = self;
        format!("{place:?} {bytes} {written:?} {changed:?} ")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_kept_digest_is_taken_only_for_the_same_file_and_once_it_has_settled() {
        let dir = tempfile::tempdir().unwrap();
        let (path, at) = (dir.path().join("solc"), dir.path().join("kept"));
        files::write(&path, b"one", Access::Data).unwrap();
        let stamp = Stamp::of(&path).unwrap();
        let digest = files::sha256(&path, 9).unwrap();
        keep(&at, &stamp.text(), digest);
        let kept = |stamp: &Stamp| super::kept(&at, stamp.changed.0, &stamp.text());
        assert_eq!(kept(&stamp), None, "just written");

        let earlier = Stamp { changed: (stamp.changed.0 - SETTLED_SECS, 0), ..stamp };
        keep(&at, &earlier.text(), digest);
        assert_eq!(kept(&earlier), Some(digest));
        for other in [
            Stamp { bytes: 4, ..earlier.clone() },
            Stamp { place: (0, 0), ..earlier.clone() },
            Stamp { written: (0, 0), ..earlier.clone() },
            Stamp { changed: (earlier.changed.0, 1), ..earlier.clone() },
        ] {
            assert_eq!(kept(&other), None, "{other:?}");
        }
    }

    #[test]
    fn a_file_that_is_replaced_and_dated_back_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("solc");
        files::write(&path, b"", Access::Data).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        // In place, so that it stays the same file.
        let write = |text: &str| {
            let mut file = std::fs::File::options().write(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.set_modified(old).unwrap();
            of_file(&path, 9, dir.path()).unwrap()
        };
        let first = write("one");
        assert_eq!(of_file(&path, 9, dir.path()).unwrap(), first);
        let second = write("two");
        assert_eq!(second, files::sha256(&path, 9).unwrap());
        assert_ne!(second, first);
    }
}
