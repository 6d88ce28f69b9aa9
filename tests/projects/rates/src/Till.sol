// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {Rate as Fee} from "@fee/Rate.sol";
import {Rate as Fine} from "@fine/Rate.sol";

contract Till {
    address public immutable self = address(this);

    function fee(uint256 amount) external pure returns (uint256) {
        return Fee.part(amount);
    }

    function fine(uint256 amount) external pure returns (uint256) {
        return Fine.part(amount);
    }
}
