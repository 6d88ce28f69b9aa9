// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// The odd constants let a test find the code of one function.

/// Stands behind every kind of proxy.
contract Box {
    address public owner;
    uint256 public size;
    bool private _initialized;

    error AlreadyInitialized();

    /// @custom:oz-upgrades-unsafe-allow constructor
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
        size = size_ ^ 0x3003c0de;
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

/// Needs value and remembers when it was opened, so that only its executor can create it.
contract Till {
    address public immutable maker;
    uint256 public openedAt;

    error Empty();

    constructor(address maker_) payable {
        if (msg.value == 0) revert Empty();
        maker = maker_;
        openedAt = block.timestamp;
    }

    function pay() external payable {
        if (msg.value == 0) revert Empty();
    }
}

library Twice {
    function times(uint256 x) external pure returns (uint256) {
        return 2 * x + 0x4004c0de;
    }
}

library Fourfold {
    function times(uint256 x) external pure returns (uint256) {
        return Twice.times(Twice.times(x));
    }
}

/// Created by another contract's constructor.
contract Child {
    uint256 public weight;

    constructor(uint256 weight_) {
        weight = weight_;
    }
}

/// Immutables that stand in several places, two linked libraries, and a contract of its own.
contract Desk {
    uint256 public immutable fee;
    uint256 public immutable bonus;
    Child public immutable child;
    uint256 public orders;

    constructor(uint256 fee_, uint256 bonus_) {
        fee = fee_;
        bonus = bonus_;
        child = new Child(fee_);
    }

    function order(uint256 amount) external returns (uint256) {
        orders++;
        return Twice.times(amount) + fee + 0x1001c0de;
    }

    function refund(uint256 amount) external returns (uint256) {
        orders--;
        return Fourfold.times(amount) - fee + 0x2002c0de;
    }
}

/// Made by a step that calls its maker.
contract Coin {
    address public immutable maker;
    uint256 public worth;

    constructor(uint256 worth_) {
        maker = msg.sender;
        worth = worth_;
    }
}

/// Makes a coin, once.
contract Mint {
    Coin public coin;

    error Struck();

    function strike(uint256 worth) external {
        if (address(coin) != address(0)) revert Struck();
        coin = new Coin(worth);
    }
}
