// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// What it becomes. Its proxy is initialised already.
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract VaultV2 is OwnableUpgradeable, UUPSUpgradeable {
    /// @custom:oz-upgrades-unsafe-allow state-variable-immutable
    uint256 public immutable ceiling;
    uint256 public cap;
    mapping(address user => uint256) public deposits;
    uint64 public cooldown;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(uint256 ceiling_) {
        ceiling = ceiling_;
        _disableInitializers();
    }

    function migrate(uint64 cooldown_) external reinitializer(2) {
        cooldown = cooldown_;
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
