// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {IUniswapV2Factory} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Factory.sol";
import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";

/// Keeps the last cumulative price of each pair.
contract PriceOracle is OwnableUpgradeable, UUPSUpgradeable {
    IUniswapV2Factory public factory;
    mapping(address => uint256) public prices;

    event Observed(address indexed pair, uint256 price);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(IUniswapV2Factory factory_, address owner_) external initializer {
        __Ownable_init(owner_);
        factory = factory_;
    }

    function observe(address tokenA, address tokenB) external {
        address pair = factory.getPair(tokenA, tokenB);
        prices[pair] = IUniswapV2Pair(pair).price0CumulativeLast();
        emit Observed(pair, prices[pair]);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
