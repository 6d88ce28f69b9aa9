// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "solady/tokens/ERC20.sol";
import {Initializable} from "solady/utils/Initializable.sol";
import {OwnableRoles} from "solady/auth/OwnableRoles.sol";
import {UUPSUpgradeable} from "solady/utils/UUPSUpgradeable.sol";

/// Shares of what its owner keeps. Solady's contracts cannot be annotated, so this one is.
/// @custom:oz-upgrades-unsafe-allow-reachable constructor state-variable-immutable delegatecall
contract Savings is ERC20, OwnableRoles, Initializable, UUPSUpgradeable {
    uint256 public cap;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_, uint256 cap_) external initializer {
        _initializeOwner(owner_);
        cap = cap_;
    }

    function name() public pure override returns (string memory) {
        return "Savings";
    }

    function symbol() public pure override returns (string memory) {
        return "SAV";
    }

    function mint(address to, uint256 amount) external onlyOwner {
        require(totalSupply() + amount <= cap, "cap");
        _mint(to, amount);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
