//! Settings: what the environment of whoever runs a use case says. Nothing here reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::{AppError, AppResult, Kind};

/// The environment variables that are read.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// These variables, however they were read.
    pub const fn new(variables: BTreeMap<String, String>) -> Self {
        Self { variables }
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn user_home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }

    /// The folder of keys and pins.
    pub fn tidegate_home(&self) -> Option<PathBuf> {
        let named = self.get("TIDEGATE_HOME").map(PathBuf::from);
        named.or_else(|| Some(self.user_home()?.join(".tidegate")))
    }

    /// The same, where there is nothing to do without it.
    pub(crate) fn home(&self) -> AppResult<PathBuf> {
        self.tidegate_home().ok_or_else(|| {
            AppError::new(Kind::Keys, "there is no home directory").hint("set TIDEGATE_HOME")
        })
    }

    /// Foundry's folder.
    pub fn foundry_home(&self) -> Option<PathBuf> {
        let named = self.get("FOUNDRY_DIR").map(PathBuf::from);
        named.or_else(|| Some(self.user_home()?.join(".foundry")))
    }

    /// Where Foundry installs compilers.
    pub(crate) fn svm_dirs(&self) -> Vec<PathBuf> {
        let data = self.get("XDG_DATA_HOME").map(|data| PathBuf::from(data).join("svm"));
        let home = self.user_home();
        let local = home.as_ref().map(|home| home.join(".local/share/svm"));
        let plain = home.map(|home| home.join(".svm"));
        [data, local, plain].into_iter().flatten().collect()
    }

    /// The folders of `PATH`.
    pub(crate) fn path_dirs(&self) -> Vec<PathBuf> {
        self.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default()
    }

    /// A folder for what can be made again.
    pub(crate) fn cache_dir(&self) -> Option<PathBuf> {
        let named = self.get("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = named.or_else(|| Some(self.user_home()?.join(".cache")))?;
        Some(cache.join("tidegate"))
    }
}
