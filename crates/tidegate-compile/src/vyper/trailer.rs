//! Whether the trailer that Vyper puts at the end of creation code is believed.

use semver::Version;
use tidegate_model::trailer::Trailer;
use tidegate_model::units::counted;

/// A trailer of Vyper's creation code that contradicts the compiler or the runtime code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrailerError {
    /// The code does not end with one.
    #[error("cannot find the trailer at the end of the creation code")]
    Missing,
    /// It speaks of another compiler.
    #[error("the trailer is wrong: it names Vyper {found}, and {expected} was run")]
    Version {
        /// The version in the trailer.
        found: String,
        expected: Version,
    },
    /// It speaks of other code.
    #[error(
        "the trailer is wrong: it says that {what} has {}, and it has {expected}",
        counted(*found, "byte")
    )]
    Size {
        /// What has another size.
        what: &'static str,
        /// Its size by the trailer.
        found: usize,
        expected: usize,
    },
}

/// Whether a trailer is of that compiler and that runtime code.
pub(crate) fn check(
    trailer: &Trailer,
    version: &Version,
    runtime: usize,
) -> Result<(), TrailerError> {
    let [major, minor, patch] = trailer.version.map(|number| number as u64);
    if (major, minor, patch) != (version.major, version.minor, version.patch) {
        let found = format!("{major}.{minor}.{patch}");
        return Err(TrailerError::Version { found, expected: version.clone() });
    }
    if trailer.runtime != runtime {
        let (what, found) = ("the runtime code", trailer.runtime);
        return Err(TrailerError::Size { what, found, expected: runtime });
    }
    Ok(())
}
#[cfg(test)]
mod tests {
    use alloy_primitives::hex;
    use tidegate_model::trailer::read;

    use super::*;

    #[test]
    fn a_trailer_of_other_code_is_not_believed() {
        let code = hex::decode("8418d4801820a1657679706572830003 0a0013".replace(' ', "")).unwrap();
        let trailer = read(&code).unwrap();
        assert_eq!(check(&trailer, &Version::new(0, 3, 10), 212), Ok(()));
        let error = check(&trailer, &Version::new(0, 4, 3), 212).unwrap_err();
        assert!(matches!(error, TrailerError::Version { .. }), "{error:?}");
        let error = check(&trailer, &Version::new(0, 3, 10), 213).unwrap_err();
        assert!(matches!(error, TrailerError::Size { .. }), "{error:?}");
    }
}
