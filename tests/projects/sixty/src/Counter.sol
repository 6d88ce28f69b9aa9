// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Counts what it is told; each step of the project makes one, or calls one.
contract Counter {
    uint256 public immutable first;
    uint256 public count;

    constructor(uint256 start) {
        first = start;
    }

    function add(uint256 more) external {
        count += more;
    }
}
