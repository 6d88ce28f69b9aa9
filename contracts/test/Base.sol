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
    address internal constant HELPER = 0xb49c2E825ce1675d0cEd1556CEDBF10f7cde038e;
    bytes32 internal constant HELPER_CODE_HASH = 0xeb78e40673bb5929db462511b25c835c114db19064325c559d466f8b5a05c936;

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

    /// What a statement's signer signs on a chain for a helper, computed apart from the code under test.
    function digestOf(ITidegate.Statement memory s, uint256 chain, address verifier) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Tidegate"),
                keccak256("1"),
                chain,
                verifier
            )
        );
        bytes32[11] memory words = [
            keccak256(
                "Statement(address signer,string kind,string text,bytes32 project,bytes32 subject,bytes32 bodyDigest,uint64 blockNumber,bytes32 blockHash,uint64 issuedAt,uint64 expiresAt)"
            ),
            bytes32(uint256(uint160(s.signer))),
            keccak256(bytes(s.kind)),
            keccak256(bytes(s.text)),
            s.project,
            s.subject,
            s.bodyDigest,
            bytes32(uint256(s.blockNumber)),
            s.blockHash,
            bytes32(uint256(s.issuedAt)),
            bytes32(uint256(s.expiresAt))
        ];
        return keccak256(bytes.concat(hex"1901", domain, keccak256(abi.encodePacked(words))));
    }

    /// Under which subject a statement is posted.
    function subjectOf(ITidegate.Statement memory s) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(bytes(s.kind)), s.project, s.subject));
    }

    /// A key's signature as it is posted.
    function signed(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
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
