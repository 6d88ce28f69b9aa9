//! The script that makes the npm package `solc` answer like the native binary.

use std::path::{Path, PathBuf};

use alloy_primitives::{hex, keccak256};

use crate::files::{self, Access, FileError};

const SCRIPT: &str = include_str!("solcjs.cjs");
const PLACEHOLDER: &str = "__SOLC_PACKAGE__";

/// Why the wrapper cannot be put in place.
#[derive(Debug, thiserror::Error)]
pub enum WrapperError {
    /// The package's path has no exact text.
    #[error("wrap the compiler in {}: its path is not UTF-8", package.display())]
    PathNotText {
        /// The npm package's folder.
        package: PathBuf,
    },
    /// The script cannot be written.
    #[error("write the compiler's wrapper")]
    Write {
        /// Why.
        #[source]
        source: FileError,
    },
}

/// Writes the wrapper of one npm package under a name made from its content, so that a script
/// in use never changes, and returns its path.
///
/// # Errors
/// If the package's path is not UTF-8, or the folder cannot be written.
pub(crate) fn place(package: &Path, cache_dir: &Path) -> Result<PathBuf, WrapperError> {
    let text = script(package)?;
    let digest = hex::encode(&keccak256(text.as_bytes())[..8]);
    let path = cache_dir.join(format!("solcjs-{digest}.cjs"));
    // What stands there may be cut short or edited, so it counts only if it is the same.
    if files::read(&path, text.len() as u64).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(path);
    }
    files::write(&path, text.as_bytes(), Access::Program)
        .map_err(|source| WrapperError::Write { source })?;
    Ok(path)
}

fn script(package: &Path) -> Result<String, WrapperError> {
    let not_text = || WrapperError::PathNotText { package: package.to_owned() };
    let path = package.to_str().ok_or_else(not_text)?;
    let quoted = serde_json::to_string(path).expect("a string always has a JSON form");
    Ok(SCRIPT.replace(PLACEHOLDER, &quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_repaired_and_names_its_package_safely() {
        let cache = tempfile::tempdir().unwrap();
        let package = Path::new("/a \"quoted\\ path/solc");
        let path = place(package, cache.path()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(r#"= "/a \"quoted\\ path/solc";"#));
        assert!(!text.contains(PLACEHOLDER));

        files::write(&path, b"cut", Access::Data).unwrap();
        assert_eq!(place(package, cache.path()).unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_ne!(place(Path::new("/b"), cache.path()).unwrap(), path);
    }
}
