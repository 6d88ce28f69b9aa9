// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// Live behind a transparent proxy.
contract Box {
    uint256 public size;

    function set(uint256 size_) external {
        size = size_;
    }
}
