// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

// Contracts that run other code as their own: see own_code/tests.rs.

abstract contract Owns {
    function _code() internal view virtual returns (address);

    fallback(bytes calldata data) external returns (bytes memory) {
        (bool done, bytes memory said) = _code().delegatecall(data);
        require(done);
        return said;
    }
}

contract OwnConstant is Owns {
    function _code() internal pure override returns (address) {
        return 0x0E01111111111111111111111111111111111e01;
    }
}

contract OwnSlot is Owns {
    uint256 public kept;
    address public at;

    function _code() internal view override returns (address) {
        return at;
    }
}

/// Not at the end of its slot.
contract OwnPacked is Owns {
    uint32 public fee;
    address public at;

    function _code() internal view override returns (address) {
        return at;
    }
}

contract OwnEntry is Owns {
    mapping(bytes4 => address) public at;

    function _code() internal view override returns (address) {
        return at[msg.sig];
    }
}

/// By way of memory.
contract OwnMemory is Owns {
    struct Config {
        uint256 fee;
        address at;
    }

    Config public config;

    function _code() internal view override returns (address) {
        Config memory copy = config;
        require(copy.fee < 7);
        return copy.at;
    }
}

/// From two parts, neither of which is the address.
contract OwnParts is Owns {
    uint256 public part;

    function _code() internal view override returns (address) {
        return address(uint160(part ^ uint256(uint160(address(this)))));
    }
}

contract OwnCalls {
    address public at;

    fallback(bytes calldata data) external returns (bytes memory) {
        (bool done, bytes memory said) = at.call(data);
        require(done);
        return said;
    }
}

contract OwnMulticall is OwnCalls, Multicall {}
