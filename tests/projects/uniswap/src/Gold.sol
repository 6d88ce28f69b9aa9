// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

contract Gold is ERC20 {
    constructor(address holder, uint256 supply) ERC20("Gold", "GLD") {
        _mint(holder, supply);
    }
}
