//! Packages that people really build on.

use tidegate_compile::CompileOutput;
use tidegate_gates::Reference;

use super::hidden;
use crate::project::{Project, artifact, repository};

/// OpenZeppelin's contracts behind proxies, those with assembly among them.
const OPENZEPPELIN: &str = r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import "@openzeppelin/contracts-upgradeable/access/extensions/AccessControlEnumerableUpgradeable.sol";
import "@openzeppelin/contracts-upgradeable/access/Ownable2StepUpgradeable.sol";
import "@openzeppelin/contracts-upgradeable/token/ERC1155/extensions/ERC1155SupplyUpgradeable.sol";
import "@openzeppelin/contracts-upgradeable/token/ERC20/extensions/ERC20VotesUpgradeable.sol";
import "@openzeppelin/contracts-upgradeable/token/ERC20/extensions/ERC4626Upgradeable.sol";
import "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import "@openzeppelin/contracts/utils/Arrays.sol";
import "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import "@openzeppelin/contracts/utils/StorageSlot.sol";
import "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import "@openzeppelin/contracts/utils/structs/EnumerableMap.sol";

contract Votes is ERC20VotesUpgradeable, Ownable2StepUpgradeable, PausableUpgradeable,
    UUPSUpgradeable, ReentrancyGuard {
    using Checkpoints for Checkpoints.Trace160;
    Checkpoints.Trace160 private trace;
    uint256[] private all;
    function _authorizeUpgrade(address) internal override onlyOwner {}
    function push(uint96 key) external nonReentrant { trace.push(key, 1); }
    function at(uint256 i) external view returns (uint256) {
        return Arrays.unsafeAccess(all, i).value;
    }
}
contract Vault is ERC4626Upgradeable, AccessControlEnumerableUpgradeable {}
contract Items is ERC1155SupplyUpgradeable {}
contract Upgrades is UUPSUpgradeable { function _authorizeUpgrade(address) internal override {} }
contract Reads {
    function implementation() external view returns (address a) {
        assembly { a := sload(0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc) }
    }
    function set(uint256 x) external {
        StorageSlot.getUint256Slot(keccak256("total")).value = x;
    }
}
"#;

const SOLADY: &str = r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import {ERC20} from "solady/src/tokens/ERC20.sol";
import {Ownable} from "solady/src/auth/Ownable.sol";
import {UUPSUpgradeable} from "solady/src/utils/UUPSUpgradeable.sol";
import {Initializable} from "solady/src/utils/Initializable.sol";
import {ReentrancyGuard} from "solady/src/utils/ReentrancyGuard.sol";

contract Upgrades is UUPSUpgradeable { function _authorizeUpgrade(address) internal override {} }
contract Token is ERC20, Ownable, UUPSUpgradeable, Initializable, ReentrancyGuard {
    function name() public pure override returns (string memory) { return "T"; }
    function symbol() public pure override returns (string memory) { return "T"; }
    function _authorizeUpgrade(address) internal override onlyOwner {}
    function mint() external nonReentrant initializer { _mint(msg.sender, 1); }
}
"#;

/// A project with these packages below it.
fn project(source: &str, packages: &[&str]) -> Project {
    let project = Project::new(&[("src/T.sol", source)]);
    let modules = repository().join("tests/node_modules");
    let mut open: Vec<_> = packages.iter().map(|package| modules.join(package)).collect();
    while let Some(folder) = open.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sol") {
                let name = path.strip_prefix(&modules).unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                project.write(&format!("node_modules/{name}"), &text);
            }
        }
    }
    project
}

#[test]
fn nothing_of_openzeppelin_is_named() {
    let names = ["Votes", "Vault", "Items", "Upgrades", "Reads"];
    let output = project(OPENZEPPELIN, &["@openzeppelin"]).compile(&names);
    for name in names {
        assert_eq!(hidden(artifact(&output, &format!("src/T.sol:{name}"))), "", "{name}");
    }
    // Nothing of these two is declared: the one writes what the standard has and nothing else, the
    // other one reads that, and writes something else.
    assert_eq!(["Upgrades", "Reads"].map(|name| stores(&output, name)), [false, true]);
}

/// Whether nothing is declared of what a contract stores.
fn stores(output: &CompileOutput, name: &str) -> bool {
    Reference::of(artifact(output, &format!("src/T.sol:{name}")), "").unwrap().stores
}

#[test]
fn of_solady_each_contract_that_stores_is_named_once() {
    let output = project(SOLADY, &["solady/src"]).compile(&["Upgrades", "Token"]);
    // It writes what the standard has for the code behind a proxy, and nothing else.
    assert_eq!(hidden(artifact(&output, "src/T.sol:Upgrades")), "");
    assert!(!stores(&output, "Upgrades"));
    let notes = &artifact(&output, "src/T.sol:Token").layout_notes;
    let owners: Vec<_> = notes.files.keys().map(String::as_str).collect();
    assert_eq!(owners, ["ERC20", "Initializable", "Ownable", "ReentrancyGuard"]);
    assert!(notes.hidden.len() > owners.len(), "{notes:?}");
}
