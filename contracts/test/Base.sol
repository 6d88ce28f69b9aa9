// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ITidegate} from "../src/interfaces/ITidegate.sol";
import {Vm} from "./Vm.sol";

/// @title What all tests start from
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// The keyless CREATE2 proxy; forge puts it on its chain before each test.
    address internal constant PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    /// Where the helper stands on every chain, and its code's hash.
    address internal constant HELPER = 0x2b3ff6E2f9538AC28Eb1A22992C6944f0bdb42e2;
    bytes32 internal constant HELPER_CODE_HASH = 0xbf5f81e534afffc5ea943f2dd99e9450397d4707d294c56e38891ac61f643bd3;

    /// Folds a fuzzed number into a range, both ends included.
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + x % (high - low + 1);
    }

    /// Where a creation by CREATE2 ends up, computed apart from the code under test.
    function create2Address(address creator, bytes32 salt, bytes memory initCode) internal pure returns (address) {
        return
            address(
                uint160(uint256(keccak256(bytes.concat(bytes1(0xff), bytes20(creator), salt, keccak256(initCode)))))
            );
    }

    /// Creates through the proxy, as anybody may. A creation where there is one already burns all its gas, hence a limit.
    function createByProxy(bytes32 salt, bytes memory initCode) internal returns (bool) {
        (bool created,) = PROXY.call{gas: 5_000_000}(bytes.concat(salt, initCode));
        return created;
    }

    /// The helper's creation code as it is committed, which is what stands on chains.
    function committedInitCode() internal view returns (bytes memory) {
        return vm.parseBytes(vm.trim(vm.readFile("contracts/helper/initcode.hex")));
    }

    /// Creates the helper the way it is created on every chain.
    function createCommittedHelper() internal returns (ITidegate) {
        vm.assertTrue(createByProxy(0, committedInitCode()), "the proxy creates the helper");
        return ITidegate(HELPER);
    }
}
