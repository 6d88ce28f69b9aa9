//! Which files are what a package published, whatever the folder that they lie in is called.
//!
//! A lock file pins tarballs, which are not there any more once they are unpacked, so it proves
//! nothing of files. A table does.

use alloy_primitives::{hex, keccak256};

/// The files of OpenZeppelin's packages, as `scripts/known-packages.mjs` writes them: the first
/// half of keccak256(keccak256(name) ‖ keccak256(file)) of each, sorted.
const OPENZEPPELIN: &str = include_str!("openzeppelin.txt");
const LINE_BYTES: usize = 33;

/// Whether a package, to go by `<package>/<path>`, published exactly this file.
pub(crate) fn is_published(name: &str, content: &str) -> bool {
    let both = [keccak256(name), keccak256(content)].concat();
    let digest = hex::encode(&keccak256(both)[..LINE_BYTES / 2]);
    let (lines, _) = OPENZEPPELIN.as_bytes().as_chunks::<LINE_BYTES>();
    lines.binary_search_by(|line| line[..LINE_BYTES - 1].cmp(digest.as_bytes())).is_ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const IERC20: &str = "@openzeppelin/contracts/interfaces/IERC20.sol";

    /// The same file of two versions, whose texts differ.
    pub(crate) fn ierc20(version: &str) -> String {
        let pragma = if version == "5.0.0" { "^0.8.20" } else { ">=0.4.16" };
        format!(
            "// SPDX-License-Identifier: MIT\n// OpenZeppelin Contracts (last updated v{version}) \
             (interfaces/IERC20.sol)\n\npragma solidity {pragma};\n\nimport {{IERC20}} from \
             \"../token/ERC20/IERC20.sol\";\n"
        )
    }

    #[test]
    fn only_a_published_file_at_its_place_is_known() {
        for version in ["5.0.0", "5.4.0"] {
            let text = ierc20(version);
            assert!(is_published(IERC20, &text), "{version}");
            assert!(!is_published(IERC20, &format!("{text}\n")));
            assert!(!is_published(&IERC20.replace("IERC20", "IERC721"), &text));
            assert!(!is_published(&IERC20.replace("contracts", "contracts-upgradeable"), &text));
        }
        assert!(!is_published("", "") && !is_published(IERC20, ""));
    }

    #[test]
    fn the_table_is_sorted_and_whole() {
        let lines: Vec<_> = OPENZEPPELIN.lines().collect();
        assert!(lines.len() > 2_000 && lines.is_sorted());
        assert!(lines.iter().all(|line| line.len() == LINE_BYTES - 1));
        assert_eq!(OPENZEPPELIN.len(), lines.len() * LINE_BYTES);
    }
}
