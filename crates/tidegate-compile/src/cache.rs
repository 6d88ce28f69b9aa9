//! Compilations that were done before, by everything that went into them.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex, keccak256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{self, Access};

/// The most bytes of an entry.
const ENTRY_BYTES_MAX: u64 = 256 << 20;

/// Changes with whatever is stored, so that no entry of another version is ever read.
const FORMAT: &str = "tidegate-compile/8";

/// The place of one compilation in the cache.
#[derive(Debug)]
pub(crate) struct Slot {
    key: B256,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<T> {
    key: B256,
    made: T,
}

impl Slot {
    /// The place of what a compiler makes of these inputs, by the digest over everything that is
    /// executed.
    pub(crate) fn new<'a>(
        cache_dir: &Path,
        inputs: impl IntoIterator<Item = &'a String>,
        compiler: B256,
    ) -> Self {
        let mut parts = vec![keccak256(FORMAT), compiler];
        parts.extend(inputs.into_iter().map(keccak256));
        let key = keccak256(parts.concat());
        let path = cache_dir.join(format!("compile-{}.json", hex::encode(key)));
        Self { key, path }
    }

    /// The kept answer, if it is whole and belongs to this very compilation.
    pub(crate) fn load<T: DeserializeOwned>(&self) -> Option<T> {
        let text = files::read_text(&self.path, ENTRY_BYTES_MAX).ok()?;
        let (digest, entry) = text.split_once('\n')?;
        if digest != keccak256(entry).to_string() {
            tracing::warn!(path = %self.path.display(), "a cached compilation is damaged");
            return None;
        }
        let entry: Entry<T> = serde_json::from_str(entry).ok()?;
        (entry.key == self.key).then_some(entry.made)
    }

    /// Keeps a compilation. A folder that cannot be written costs time, not the result.
    pub(crate) fn store<T: Serialize>(&self, made: &T) {
        let entry = match serde_json::to_string(&Entry { key: self.key, made }) {
            Ok(entry) => entry,
            Err(error) => {
                tracing::warn!(%error, "a compilation cannot be cached");
                return;
            }
        };
        let text = format!("{}\n{entry}", keccak256(&entry));
        if let Err(error) = files::write(&self.path, text.as_bytes(), Access::Data) {
            tracing::warn!(%error, "a compilation is not cached");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Unit;

    #[test]
    fn an_entry_is_read_only_if_it_is_whole_and_of_the_same_inputs() {
        let dir = tempfile::tempdir().unwrap();
        let slot = |build: &str, compiler| {
            let inputs = [build.to_owned(), "b".to_owned()];
            Slot::new(dir.path(), &inputs, B256::repeat_byte(compiler))
        };
        let unit = Unit {
            contracts: Default::default(),
            errors: Vec::new(),
            warnings: vec!["w".to_owned()],
        };
        let first = slot("a", 1);
        assert_eq!(first.load::<Unit>(), None);
        first.store(&unit);
        assert_eq!(first.load(), Some(unit));
        assert_eq!(slot("a", 2).load::<Unit>(), None);
        assert_eq!(slot("x", 1).load::<Unit>(), None);

        let text = std::fs::read_to_string(&first.path).unwrap();
        let moved = slot("x", 1);
        files::write(&moved.path, text.as_bytes(), Access::Data).unwrap();
        assert_eq!(moved.load::<Unit>(), None, "an entry under another name");
        let edited = text.replace("\"w\"", "\"v\"");
        files::write(&first.path, edited.as_bytes(), Access::Data).unwrap();
        assert_eq!(first.load::<Unit>(), None, "an edited entry");
    }
}
