// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// What is live.
contract Vault is OwnableUpgradeable, UUPSUpgradeable {
    /// @custom:oz-upgrades-unsafe-allow state-variable-immutable
    uint256 public immutable ceiling;
    uint256 public cap;
    mapping(address user => uint256) public deposits;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(uint256 ceiling_) {
        ceiling = ceiling_;
        _disableInitializers();
    }

    function initialize(address owner_, uint256 cap_) external initializer {
        __Ownable_init(owner_);
        cap = cap_;
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
