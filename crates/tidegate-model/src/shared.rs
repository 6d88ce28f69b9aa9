//! The files that a team shares: which paths there are below `deployments/`, and no others.
//!
//! Whatever comes from elsewhere (a bundle, a clone) is data of one of these kinds. A path that is
//! not listed here is written by nobody and read by nobody.

use alloy_primitives::{Address, B256};

/// The longest name of a network or file, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// The folder of everything that a team shares.
pub const DEPLOYMENTS: &str = "deployments";
/// The folder of signed statements below it.
pub const STATEMENTS: &str = "statements";
/// The folder of preimages of scope roots.
pub const SCOPES: &str = "scopes";
/// The folder of what audits found.
pub const FINDINGS: &str = "findings";

/// The folder of releases that others follow.
pub const RELEASES: &str = "releases";

/// The kind of a file below `deployments/`, by its path. Each kind holds JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SharedFile {
    /// `statements/<digest>.json`.
    Statement,
    /// `scopes/<scopeRoot>.json`.
    Scope,
    /// `findings/<digest>.sarif`.
    Findings,
    /// `releases/<releaseRoot>.json`.
    Release,
    /// `<network>/<name>-<root16>-<id>.json`.
    Record,
    /// `<network>/policy-<version>.json`.
    Policy,
    /// `<network>/addresses.json`.
    Addresses,
    /// `<network>/existing/<name>.json`.
    Existing,
    /// `<network>/abi/<name>.json`.
    Abi,
    /// `<network>/proposals/<safeTxHash>.json`.
    Proposal,
    /// `<network>/proposals/<safeTxHash>.<owner>.json`.
    Signature,
}

impl SharedFile {
    /// The kind of a path, written with `/` and relative to the project; `None` where it is no
    /// path of a shared file, or another spelling of one.
    pub fn of(path: &str) -> Option<Self> {
        let below = path.strip_prefix(DEPLOYMENTS)?.strip_prefix('/')?;
        match below.split('/').collect::<Vec<_>>().as_slice() {
            [STATEMENTS, file] => is_hash(file.strip_suffix(".json")?).then_some(Self::Statement),
            [SCOPES, file] => is_hash(file.strip_suffix(".json")?).then_some(Self::Scope),
            [FINDINGS, file] => is_hash(file.strip_suffix(".sarif")?).then_some(Self::Findings),
            [RELEASES, file] => is_hash(file.strip_suffix(".json")?).then_some(Self::Release),
            [network, rest @ ..] if is_network(network) => Self::of_network(rest),
            _ => None,
        }
    }

    fn of_network(rest: &[&str]) -> Option<Self> {
        let named = |file: &str| is_plain(file) && file.strip_suffix(".json").is_some_and(is_plain);
        match rest {
            ["addresses.json"] => Some(Self::Addresses),
            [file] if policy_version(file).is_some() => Some(Self::Policy),
            [file] if is_plain(file) && is_record_name(file) => Some(Self::Record),
            ["existing", file] if named(file) => Some(Self::Existing),
            ["abi", file] if named(file) => Some(Self::Abi),
            ["proposals", file] => match file.strip_suffix(".json")?.split_once('.') {
                None => is_hash(file.strip_suffix(".json")?).then_some(Self::Proposal),
                Some((hash, owner)) => {
                    (is_hash(hash) && is_address(owner)).then_some(Self::Signature)
                }
            },
            _ => None,
        }
    }
}

/// Whether a name is one plain file or folder name: letters, digits and `._-`, beginning with a
/// letter or digit, and not ending in a dot, which some systems drop.
pub fn is_plain(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.ends_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Whether a name can be a network's: plain, and no folder beside those of networks.
pub fn is_network(name: &str) -> bool {
    let taken = [STATEMENTS, SCOPES, FINDINGS, RELEASES];
    is_plain(name) && !taken.iter().any(|taken| name.eq_ignore_ascii_case(taken))
}

/// The version in `policy-<version>.json`, in its one spelling.
pub fn policy_version(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("policy-")?.strip_suffix(".json")?;
    let version: u64 = digits.parse().ok()?;
    (version.to_string() == digits).then_some(version)
}

/// Whether a name is `<name>-<root16>-<id>.json`, a deployment record's.
pub fn is_record_name(name: &str) -> bool {
    let parts = name.strip_suffix(".json").and_then(|stem| {
        let (rest, id) = stem.rsplit_once('-')?;
        let (name, root) = rest.rsplit_once('-')?;
        Some((name, root, id))
    });
    parts.is_some_and(|(name, root, id)| {
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        !name.is_empty()
            && root.len() == crate::lookup::DIGITS_MIN
            && root.bytes().all(hex)
            && !id.is_empty()
            && id.bytes().all(|c| c.is_ascii_digit())
    })
}

/// A hash in its one spelling: other spellings are other files.
pub fn parse_hash(text: &str) -> Option<B256> {
    let hash: B256 = text.parse().ok()?;
    (hash.to_string() == text).then_some(hash)
}

fn is_hash(text: &str) -> bool {
    parse_hash(text).is_some()
}

/// An address with its checksum.
fn is_address(text: &str) -> bool {
    text.parse::<Address>().is_ok_and(|address| address.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_paths_of_the_layout_are_shared_files() {
        let hash = B256::repeat_byte(0xab);
        let owner = Address::repeat_byte(0x7a);
        let paths = [
            (format!("deployments/statements/{hash}.json"), SharedFile::Statement),
            (format!("deployments/scopes/{hash}.json"), SharedFile::Scope),
            (format!("deployments/findings/{hash}.sarif"), SharedFile::Findings),
            (format!("deployments/releases/{hash}.json"), SharedFile::Release),
            ("deployments/s/vault-1.4.0-0123abcd0123abcd-0.json".to_owned(), SharedFile::Record),
            ("deployments/s/policy-12.json".to_owned(), SharedFile::Policy),
            ("deployments/s/addresses.json".to_owned(), SharedFile::Addresses),
            ("deployments/s/existing/vault.json".to_owned(), SharedFile::Existing),
            ("deployments/s/abi/Vault.json".to_owned(), SharedFile::Abi),
            (format!("deployments/s/proposals/{hash}.json"), SharedFile::Proposal),
            (format!("deployments/s/proposals/{hash}.{owner}.json"), SharedFile::Signature),
        ];
        for (path, kind) in &paths {
            assert_eq!(SharedFile::of(path), Some(*kind), "{path}");
            // Neither deeper, nor elsewhere, nor under another name or kind.
            let lower = owner.to_string().to_lowercase();
            for other in [
                format!("{path}/x.json"),
                format!("./{path}"),
                format!("/{path}"),
                format!("a/{path}"),
                path.replacen("deployments/", "deployments//", 1),
                path.replacen("deployments/", "deployments/../deployments/", 1),
                path.replacen("deployments/", "deployments/.git/", 1),
                path.replacen("deployments/", "Deployments/", 1),
                path.replace(".json", ".js").replace(".sarif", ".sol"),
                path.replace(".json", ".JSON").replace(".sarif", ".json"),
                path.replace(&owner.to_string(), &lower).replace("policy-12", "policy-012"),
            ] {
                let same = other == *path;
                assert!(same || SharedFile::of(&other).is_none(), "{other}");
            }
        }
        for path in [
            "tidegate.toml",
            "foundry.toml",
            "deployments",
            "deployments/bundle.toml",
            "deployments/src/A.sol",
            "deployments/solc/soljson.js",
            "deployments/solc/package.json",
            "deployments/s/foundry.toml",
            "deployments/s./addresses.json",
            "deployments/s/abi/.hidden.json",
            "deployments/s/abi/a.b/c.json",
            "deployments/Statements/a/addresses.json",
            "deployments/statements/addresses.json",
            "deployments/releases/addresses.json",
            "deployments/s\\abi\\x.json",
        ] {
            assert_eq!(SharedFile::of(path), None, "{path}");
        }
    }
}
