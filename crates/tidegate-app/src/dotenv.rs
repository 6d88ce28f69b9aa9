//! A project's `.env`, which forge reads by itself: what it sets there shapes the code that forge
//! builds, and no commit has it.

use std::path::Path;

use tidegate_compile::shapes_code;
use tidegate_store::{FileError, read_limited};

const FILE: &str = ".env";
const BYTES_MAX: u64 = 1 << 20;
/// What forge calls its settings in an environment, in any case.
const PREFIXES: [&str; 2] = ["foundry_", "dapp_"];
/// Those that no profile has: another file, the compiler's choice, and names of dapptools.
const OTHERS: [&str; 4] = ["config", "auto_detect_solc", "build_optimize", "build_optimize_runs"];

/// What it sets of what shapes code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Dotenv {
    /// The profile that it chooses.
    pub(crate) profile: Option<String>,
    /// The first variable that sets something else.
    pub(crate) shaping: Option<String>,
}

/// Reads it in a project's root, if there is one. A folder of that name is somebody else's.
///
/// # Errors
/// If it is there and cannot be read: forge might.
pub(crate) fn read(root: &Path) -> Result<Dotenv, FileError> {
    match read_limited(&root.join(FILE), BYTES_MAX) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(FileError::Missing(_) | FileError::NotAFile(_)) => Ok(Dotenv::default()),
        Err(error) => Err(error),
    }
}

/// As forge reads it: up to the first line that is none, and of a name its first value.
fn parse(bytes: &[u8]) -> Dotenv {
    let mut found = Dotenv::default();
    for (name, value) in dotenvy::from_read_iter(bytes).map_while(Result::ok) {
        let lower = name.to_lowercase();
        let Some(key) = PREFIXES.iter().find_map(|prefix| lower.strip_prefix(prefix)) else {
            continue;
        };
        if key == "profile" {
            found.profile.get_or_insert(value);
        } else if OTHERS.contains(&key) || shapes_code(key) {
            found.shaping.get_or_insert(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each was seen to change what forge 1.7.1 builds, or not to.
    #[test]
    fn what_shapes_code_is_found() {
        let shaping = |text: &str| parse(text.as_bytes()).shaping;
        for (line, name) in [
            ("FOUNDRY_OPTIMIZER=true", "FOUNDRY_OPTIMIZER"),
            ("A=1\n Foundry_Optimizer_Runs=1\nDAPP_VIA_IR=1", "Foundry_Optimizer_Runs"),
            ("export\tFOUNDRY_CONFIG=other.toml", "FOUNDRY_CONFIG"),
            ("DAPP_BUILD_OPTIMIZE=1", "DAPP_BUILD_OPTIMIZE"),
            ("FOUNDRY_OPTIMIZER_DETAILS={yul=true}", "FOUNDRY_OPTIMIZER_DETAILS"),
            ("FOUNDRY_LIBRARIES=[]", "FOUNDRY_LIBRARIES"),
        ] {
            assert_eq!(shaping(line).as_deref(), Some(name), "{line}");
        }
        for line in [
            "# FOUNDRY_OPTIMIZER=true",
            "FOUNDRY_OPTIMIZER: true",
            "not a line\nFOUNDRY_OPTIMIZER=true",
            "FOUNDRY_ETH_RPC_URL=x\nFOUNDRY_FUZZ_RUNS=9\nRPC=https://a/?b=c",
            "FOUNDRY_DEFAULT_OPTIMIZER=true",
            "",
        ] {
            assert_eq!(parse(line.as_bytes()), Dotenv::default(), "{line}");
        }
        for line in ["FOUNDRY_PROFILE=ci", "export foundry_profile = \"ci\" # here"] {
            assert_eq!(parse(line.as_bytes()).profile.as_deref(), Some("ci"), "{line}");
        }
    }

    #[test]
    fn what_is_there_is_read_or_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(read(folder.path()).unwrap(), Dotenv::default());
        std::fs::create_dir(&file).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Dotenv::default());
        std::fs::remove_dir(&file).unwrap();
        let large = "#".repeat(usize::try_from(BYTES_MAX).unwrap()) + "\nFOUNDRY_VIA_IR=true\n";
        tidegate_store::write_atomic(&file, large.as_bytes()).unwrap();
        assert!(matches!(read(folder.path()), Err(FileError::TooLarge { .. })));
    }
}
