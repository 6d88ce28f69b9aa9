// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {SimpleAccount} from "@account-abstraction/contracts/accounts/SimpleAccount.sol";

/// An account of a team, with a second key that only pauses. What it inherits is allowed here.
/// @custom:oz-upgrades-unsafe-allow-reachable constructor state-variable-immutable
contract TeamAccount is SimpleAccount {
    address public guardian;
    bool public paused;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(IEntryPoint entryPoint_) SimpleAccount(entryPoint_) {}

    function setGuardian(address guardian_) external onlyOwner {
        guardian = guardian_;
    }

    function pause(bool paused_) external {
        require(msg.sender == guardian, "guardian only");
        paused = paused_;
    }
}
