//! Paths that a use case is given.

use std::path::Path;

use crate::error::{AppError, AppResult, Kind};

/// The path, if it is absolute: nothing here knows a current directory, and a front end may have
/// several projects open.
pub(crate) fn absolute(path: &Path) -> AppResult<&Path> {
    match path.is_absolute() {
        true => Ok(path),
        false => {
            let text = format!("a use case was given the relative path {}", path.display());
            Err(AppError::new(Kind::Internal, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_begins_nowhere_is_refused() {
        assert!(absolute(Path::new("/a/../b")).is_ok());
        for path in ["", "a", "./a", "../a"] {
            assert_eq!(absolute(Path::new(path)).unwrap_err().kind, Kind::Internal, "{path}");
        }
    }
}
