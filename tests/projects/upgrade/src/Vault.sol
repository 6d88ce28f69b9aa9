// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// What it becomes.
contract VaultV2 is OwnableUpgradeable, UUPSUpgradeable {
    uint256 public immutable ceiling;
    uint256 public cap;
    mapping(address user => uint256) public deposits;
    uint64 public cooldown;

    constructor(uint256 ceiling_) {
        ceiling = ceiling_;
        _disableInitializers();
    }

    function migrate(uint64 cooldown_) external reinitializer(2) {
        cooldown = cooldown_;
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
