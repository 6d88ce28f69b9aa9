//! Compilations that were done before, by everything that went into them.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex, keccak256};
use serde::{Deserialize, Serialize};

use crate::files::{self, Access};
use crate::input::Inputs;
use crate::unit::Unit;

/// The most bytes of an entry.
const ENTRY_BYTES_MAX: u64 = 256 << 20;

/// Changes with whatever is stored, so that no entry of another version is ever read.
const FORMAT: &str = "tidegate-compile/2";

/// Where one compilation is kept.
#[derive(Debug)]
pub(crate) struct Slot {
    key: B256,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<U> {
    key: B256,
    unit: U,
}

impl Slot {
    /// The place of a compilation of these inputs by this compiler.
    pub(crate) fn new(cache_dir: &Path, inputs: &Inputs, compiler: B256) -> Self {
        let contrast = inputs.contrast.as_deref().unwrap_or_default();
        let parts = [keccak256(FORMAT), keccak256(&inputs.build), keccak256(contrast), compiler];
        let key = keccak256(parts.map(|part| part.0).concat());
        let path = cache_dir.join(format!("compile-{}.json", hex::encode(key)));
        Self { key, path }
    }

    /// What is kept there, if it is whole and is of this very compilation.
    pub(crate) fn load(&self) -> Option<Unit> {
        let text = files::read_text(&self.path, ENTRY_BYTES_MAX).ok()?;
        let (digest, entry) = text.split_once('\n')?;
        if digest != keccak256(entry).to_string() {
            tracing::warn!(path = %self.path.display(), "a cached compilation is damaged");
            return None;
        }
        let entry: Entry<Unit> = serde_json::from_str(entry).ok()?;
        (entry.key == self.key).then_some(entry.unit)
    }

    /// Keeps a compilation. A folder that cannot be written costs time, not the result.
    pub(crate) fn store(&self, unit: &Unit) {
        let entry = serde_json::to_string(&Entry { key: self.key, unit })
            .expect("a unit has string keys only");
        let text = format!("{}\n{entry}", keccak256(&entry));
        if let Err(error) = files::write(&self.path, text.as_bytes(), Access::Data) {
            tracing::warn!(%error, "a compilation is not cached");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_only_if_it_is_whole_and_of_the_same_inputs() {
        let dir = tempfile::tempdir().unwrap();
        let slot = |build: &str, compiler| {
            let inputs = Inputs { build: build.to_owned(), contrast: Some("b".to_owned()) };
            Slot::new(dir.path(), &inputs, B256::repeat_byte(compiler))
        };
        let unit =
            Unit { contracts: std::collections::BTreeMap::new(), warnings: vec!["w".to_owned()] };
        let first = slot("a", 1);
        assert_eq!(first.load(), None);
        first.store(&unit);
        assert_eq!(first.load(), Some(unit));
        assert_eq!(slot("a", 2).load(), None);
        assert_eq!(slot("x", 1).load(), None);

        let text = std::fs::read_to_string(&first.path).unwrap();
        let moved = slot("x", 1);
        files::write(&moved.path, text.as_bytes(), Access::Data).unwrap();
        assert_eq!(moved.load(), None, "an entry under another name");
        let edited = text.replace("\"w\"", "\"v\"");
        files::write(&first.path, edited.as_bytes(), Access::Data).unwrap();
        assert_eq!(first.load(), None, "an edited entry");
    }
}
