// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// Stands on the testnet for a contract of others.
contract Router {
    uint256 public gone;

    function go() external {
        gone++;
    }
}

/// Opens once, and calls on.
contract Desk {
    bool public opened;

    error Opened();

    function open(Router router) external {
        if (opened) revert Opened();
        opened = true;
        router.go();
    }
}
