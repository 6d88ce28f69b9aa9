// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

contract BoxV2 {
    uint256 public size;
    address public keeper;

    function keep() external {
        keeper = msg.sender;
    }
}
