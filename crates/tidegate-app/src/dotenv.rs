//! A project's `.env`, which forge reads by itself: what it sets there shapes the code that forge
//! builds, and no commit has it.

use std::path::Path;

use tidegate_store::read_limited;

const FILE: &str = ".env";
const BYTES_MAX: u64 = 1 << 20;
/// What forge calls its settings in an environment.
const PREFIXES: [&str; 2] = ["FOUNDRY_", "DAPP_"];
/// The settings that shape code.
const SHAPING: [&str; 21] = [
    "SRC",
    "LIBS",
    "REMAPPINGS",
    "AUTO_DETECT_REMAPPINGS",
    "INCLUDE_PATHS",
    "LIBRARIES",
    "SOLC",
    "SOLC_VERSION",
    "AUTO_DETECT_SOLC",
    "EVM_VERSION",
    "OPTIMIZER",
    "OPTIMIZER_RUNS",
    "OPTIMIZER_DETAILS",
    "VIA_IR",
    "REVERT_STRINGS",
    "BYTECODE_HASH",
    "CBOR_METADATA",
    "USE_LITERAL_CONTENT",
    "EXTRA_ARGS",
    "COMPILATION_RESTRICTIONS",
    "ADDITIONAL_COMPILER_PROFILES",
];

/// What it sets of what shapes code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Dotenv {
    /// The profile that it chooses.
    pub(crate) profile: Option<String>,
    /// The first variable that sets something else.
    pub(crate) shaping: Option<String>,
}

/// Reads it in a project's root. What cannot be read, forge does not read either.
pub(crate) fn read(root: &Path) -> Dotenv {
    let bytes = read_limited(&root.join(FILE), BYTES_MAX).unwrap_or_default();
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Dotenv {
    let mut found = Dotenv::default();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        let Some(key) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) else {
            continue;
        };
        if key == "PROFILE" {
            let value = value.split(" #").next().unwrap_or_default();
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            found.profile.get_or_insert(value);
        } else if SHAPING.contains(&key) {
            found.shaping.get_or_insert_with(|| name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shapes_code_is_found() {
        let found = |text| {
            let Dotenv { profile, shaping } = parse(text);
            (profile, shaping)
        };
        let some = |text: &str| Some(text.to_owned());
        for (text, expected) in [
            ("FOUNDRY_PROFILE=ci\n", (some("ci"), None)),
            ("export FOUNDRY_PROFILE = \"ci\" # here\n", (some("ci"), None)),
            (
                "A=1\n FOUNDRY_OPTIMIZER_RUNS=1\nDAPP_VIA_IR=1",
                (None, some("FOUNDRY_OPTIMIZER_RUNS")),
            ),
            ("DAPP_SRC=contracts", (None, some("DAPP_SRC"))),
            ("# FOUNDRY_OPTIMIZER=true\nFOUNDRY_ETH_RPC_URL=x\nRPC=https://a/?b=c", (None, None)),
            ("", (None, None)),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
