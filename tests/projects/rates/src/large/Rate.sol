// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

library Rate {
    function part(uint256 amount) public pure returns (uint256) {
        return amount * 100;
    }
}
