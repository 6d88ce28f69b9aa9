// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// A release's proxies are compiled from the project's own dependencies like everything else, so something has to ask
// for them.
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
