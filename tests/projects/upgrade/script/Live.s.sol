// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {TransparentUpgradeableProxy} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {Box} from "../src/v1/Box.sol";
import {Vault} from "../src/v1/Vault.sol";

interface Vm {
    function startBroadcast() external;
    function envAddress(string calldata name) external view returns (address);
}

/// Puts the first versions on a chain, as a project does before it knows Tidegate.
contract Live {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external {
        address owner = VM.envAddress("OWNER");
        VM.startBroadcast();
        address vault = address(new Vault(1000e18));
        new ERC1967Proxy(vault, abi.encodeCall(Vault.initialize, (owner, 10e18)));
        address box = address(new Box());
        new TransparentUpgradeableProxy(box, owner, abi.encodeCall(Box.set, (1)));
    }
}
