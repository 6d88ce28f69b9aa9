//! The digest of a compiler's file, which is computed anew only when the file has changed.
//!
//! A compiler has some ten megabytes, and every command that builds names its digest. As git does
//! with its index, what the file system says of a file stands for its content: device, inode,
//! size, and the times of its last change, of which no program sets the last. What is kept says
//! only which compilation in the cache is taken; before anything is compiled, the whole file is
//! read ([`FoundCompiler::check_digest`](crate::solc::FoundCompiler::check_digest)).

use std::path::Path;

use alloy_primitives::{B256, hex, keccak256};

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
    if let Some(kept) = kept(&kept_at, &before) {
        return Ok(kept);
    }
    let digest = files::sha256(path, limit)?;
    if Stamp::of(path).as_ref() == Some(&before) {
        keep(&kept_at, &before, digest);
    }
    Ok(digest)
}

fn kept(at: &Path, stamp: &Stamp) -> Option<B256> {
    if Stamp::of(at)?.changed.0 < stamp.changed.0.checked_add(SETTLED_SECS)? {
        return None;
    }
    let text = files::read_text(at, KEPT_BYTES_MAX).ok()?;
    text.strip_prefix(&stamp.text())?.strip_suffix('\n')?.parse().ok()
}

fn keep(at: &Path, stamp: &Stamp, digest: B256) {
    let line = format!("{}{digest}\n", stamp.text());
    if let Err(error) = files::write(at, line.as_bytes(), Access::Data) {
        tracing::warn!(%error, "a compiler's digest is not kept");
    }
}

/// What the file system says of a file.
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
        keep(&at, &stamp, digest);
        assert_eq!(kept(&at, &stamp), None, "just written");

        let earlier = Stamp { changed: (stamp.changed.0 - SETTLED_SECS, 0), ..stamp };
        keep(&at, &earlier, digest);
        assert_eq!(kept(&at, &earlier), Some(digest));
        for other in [
            Stamp { bytes: 4, ..earlier.clone() },
            Stamp { place: (0, 0), ..earlier.clone() },
            Stamp { written: (0, 0), ..earlier.clone() },
            Stamp { changed: (earlier.changed.0, 1), ..earlier.clone() },
        ] {
            assert_eq!(kept(&at, &other), None, "{other:?}");
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
