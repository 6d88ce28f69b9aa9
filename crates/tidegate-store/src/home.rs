//! Where one person's own files lie on one machine: `$TIDEGATE_HOME`, never a repository.

use std::path::{Path, PathBuf};

use alloy_primitives::{hex, keccak256};

/// The longest part of a folder's name that is taken over, in characters.
const LABEL_CHARS_MAX: usize = 48;

/// A person's folder, `$TIDEGATE_HOME`: keys, endpoints, pins and stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home in this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// `journal/store.db`: what this machine signed and sent, by chain and sender. There is one,
    /// whichever project sends, since a sender's nonces are one row on each chain.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal").join("store.db")
    }

    /// `checkouts/<folder>-<16 digits>/store.db`: what this machine remembers of the project in
    /// this folder. The digits are of the whole path, so each checkout has its own, whatever its
    /// configuration calls the project.
    pub fn checkout(&self, project_root: &Path) -> PathBuf {
        self.root.join("checkouts").join(Self::checkout_name(project_root)).join("store.db")
    }

    /// The name of a checkout on this machine, `<folder>-<16 digits>`, where the digits are the
    /// first of keccak256(its path).
    pub fn checkout_name(project_root: &Path) -> String {
        let label = project_root.file_name().unwrap_or_default().to_string_lossy();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let label: String = label.chars().map(plain).take(LABEL_CHARS_MAX).collect();
        let path = keccak256(project_root.as_os_str().as_encoded_bytes());
        format!("{label}-{}", hex::encode(&path[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_checkout_has_its_own_store_and_all_share_one_journal() {
        let home = Home::new("/h");
        let of = |path: &str| home.checkout(Path::new(path));
        assert_eq!(home.journal(), Path::new("/h/journal/store.db"));
        assert!(of("/team/a b").starts_with("/h/checkouts"));
        assert_ne!(of("/team/a"), of("/team/b"));
        assert_ne!(of("/team/a"), of("/other/a"));
        let name = of("/team/../x/ä b").parent().unwrap().file_name().unwrap().to_owned();
        assert!(name.to_str().unwrap().starts_with("--b-"), "{name:?}");
    }
}
