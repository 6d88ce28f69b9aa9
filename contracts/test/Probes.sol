// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ITidegate} from "../src/interfaces/ITidegate.sol";

/// Passes money of the caller's to anybody, past any function that could refuse it: by a creation that destroys itself.
function force(address to, uint256 value) {
    bytes memory initCode = abi.encodePacked(hex"73", to, hex"ff");
    assembly ("memory-safe") {
        pop(create(value, add(initCode, 0x20), mload(initCode)))
    }
}

// Contracts for the helper to create or ask, one for each way a creation or an answer can go.

/// Keeps what its constructor was given, both in storage and in its code.
contract Plain {
    error Sour(uint256 taste);

    uint256 public stored;
    uint256 public immutable baked;
    address public immutable creator;

    constructor(uint256 value) {
        stored = value;
        baked = value;
        creator = msg.sender;
    }

    function write(uint256 value) external returns (uint256) {
        stored = value;
        return value;
    }

    function caller() external view returns (address) {
        return msg.sender;
    }

    function sour(uint256 taste) external pure {
        revert Sour(taste);
    }
}

/// Takes money while it is created.
contract Paid {
    uint256 public immutable received;

    constructor() payable {
        received = msg.value;
    }
}

/// Is never created, and says why.
contract Refusing {
    error Refused(uint256 value);

    constructor() payable {
        revert Refused(msg.value);
    }
}

/// Is created without any code.
contract Hollow {
    constructor() payable {
        assembly ("memory-safe") {
            return(0, 0)
        }
    }
}

/// Throws the money it was created with back at its creator.
contract Returning {
    constructor() payable {
        force(msg.sender, msg.value);
    }
}

/// Has the helper create something else while it is being created itself.
contract Reentering {
    constructor(bytes memory initCode, bytes32 codeHash) payable {
        ITidegate(msg.sender).createGuarded{value: msg.value}(0, initCode, codeHash);
    }
}

/// A wallet that answers for its signatures (ERC-1271) with whatever it was told to.
contract Wallet {
    bytes private answer;
    bytes32 private asked;

    /// Answers `answer_`, and only about `asked_`; with nothing to answer it reverts.
    constructor(bytes32 asked_, bytes memory answer_) {
        (asked, answer) = (asked_, answer_);
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        require(digest == asked && keccak256(signature) == keccak256("its own form"));
        bytes memory said = answer;
        if (said.length == 0) revert();
        assembly ("memory-safe") {
            return(add(said, 0x20), mload(said))
        }
    }
}
