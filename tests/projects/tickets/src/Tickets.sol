// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC721AUpgradeable} from "erc721a-upgradeable/contracts/ERC721AUpgradeable.sol";
import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// Tickets that are bought several at once.
contract Tickets is ERC721AUpgradeable, OwnableUpgradeable, UUPSUpgradeable {
    uint256 public price;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(string calldata name_, address owner_, uint256 price_)
        external
        initializerERC721A
        initializer
    {
        __ERC721A_init(name_, "TIX");
        __Ownable_init(owner_);
        price = price_;
    }

    function buy(uint256 quantity) external payable {
        require(msg.value == quantity * price, "price");
        _mint(msg.sender, quantity);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
