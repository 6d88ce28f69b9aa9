// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// Stands behind every kind of proxy.
contract Box {
    address public owner;
    uint256 public size;
    bool private _initialized;

    error AlreadyInitialized();

    constructor() {
        _initialized = true;
    }

    function initialize(address owner_, uint256 size_) external {
        if (_initialized) revert AlreadyInitialized();
        _initialized = true;
        owner = owner_;
        size = size_;
    }

    function resize(uint256 size_) external {
        size = size_;
    }
}

struct Limits {
    uint64 delay;
    address[] guards;
}

/// Takes a structure and an array in which parameters and addresses stand.
contract Gate {
    uint64 public delay;
    address[] public guards;
    address[2] public pair;

    constructor(Limits memory limits, address[2] memory pair_) {
        delay = limits.delay;
        guards = limits.guards;
        pair = pair_;
    }
}

/// Needs value and knows who made it, so that only its executor can create it.
contract Till {
    address public immutable maker;
    uint256 public openedAt;

    error Empty();

    constructor() payable {
        if (msg.value == 0) revert Empty();
        maker = tx.origin;
        openedAt = block.timestamp;
    }

    function pay() external payable {
        if (msg.value == 0) revert Empty();
    }
}
