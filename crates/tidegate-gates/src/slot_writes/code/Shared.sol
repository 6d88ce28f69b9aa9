// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// Codes that run in one storage, and proxies that ask for what is behind them: see make.mjs.

/// It writes elements below the length.
contract SharedValues {
    uint256[] values;

    function set(uint256 index, uint256 value) external {
        values[index] = value;
    }
}

/// It makes the length what an honest one makes it.
contract SharedGrows {
    uint256[] values;

    function add(uint256 value) external {
        values.push(value);
    }
}

/// It makes the length smaller as compilers do, and by hand where something is there.
contract SharedShrinks {
    uint256[] values;

    function drop() external {
        values.pop();
    }

    function dropLast(uint256 value) external {
        uint256 last = values.length - 1;
        require(values[last] == value);
        values.pop();
    }

    function dropByHand() external {
        assembly {
            let length := sload(values.slot)
            if iszero(length) { revert(0, 0) }
            sstore(values.slot, sub(length, 1))
        }
    }

    function dropChecked() external {
        uint256 length = values.length;
        length -= 1;
        assembly {
            sstore(values.slot, length)
        }
    }
}

/// One less than nothing is as long as can be.
contract SharedWraps {
    uint256[] values;

    function drop() external {
        assembly {
            sstore(values.slot, sub(sload(values.slot), 1))
        }
    }
}

/// The same, added.
contract SharedWrapsAdded {
    uint256[] values;

    function drop() external {
        assembly {
            sstore(values.slot, add(sload(values.slot), not(0)))
        }
    }
}

/// Something was there, and more is taken.
contract SharedWrapsMore {
    uint256[] values;

    function drop() external {
        assembly {
            let length := sload(values.slot)
            if iszero(length) { revert(0, 0) }
            sstore(values.slot, sub(length, 2))
        }
    }
}

/// Something was there when it was asked, and is gone when it is taken.
contract SharedWrapsLate {
    uint256[] values;

    function drop() external {
        assembly {
            let before := sload(values.slot)
            sstore(values.slot, 0)
            let length := sload(values.slot)
            if iszero(before) { revert(0, 0) }
            sstore(values.slot, sub(length, 1))
        }
    }
}

/// What one less is was asked of what was there before.
contract SharedWrapsStale {
    uint256[] values;

    function drop() external {
        assembly {
            let before := sub(sload(values.slot), 1)
            sstore(values.slot, 0)
            let length := sload(values.slot)
            let less := sub(length, 1)
            if gt(before, length) { revert(0, 0) }
            sstore(values.slot, less)
        }
    }
}

contract SharedLength {
    uint256[] values;

    function extend(uint256 length) external {
        assembly {
            sstore(values.slot, length)
        }
    }
}

/// The length becomes what stands in another slot, where anything may stand.
contract SharedCopy {
    uint256[] values;
    uint256 other;

    function choose(uint256 to) external {
        other = to;
    }

    function copy() external {
        assembly {
            sstore(values.slot, sload(other.slot))
        }
    }
}

/// One of three slots, and nobody knows which.
contract SharedLoop {
    function fill(uint256 value) external {
        assembly {
            for { let at := 0 } lt(at, 3) { at := add(at, 1) } {
                sstore(at, value)
            }
        }
    }
}

/// It delegates to a library that stands at 0x…02.
contract SharedCalls {
    function extend(uint256) external {
        (bool done,) = address(2).delegatecall(msg.data);
        require(done);
    }
}

bytes32 constant BEACON_SLOT = 0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50;

interface Beacon {
    function implementation() external view returns (address);
    function owner() external view returns (address);
}

abstract contract Asks {
    function _beacon() internal view virtual returns (Beacon beacon) {
        assembly {
            beacon := sload(BEACON_SLOT)
        }
    }

    function _target() internal virtual returns (address) {
        return _beacon().implementation();
    }

    fallback() external payable {
        address to = _target();
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), to, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}

contract AskSlot is Asks {}

/// The address is in the code, and it is not the beacon's.
contract AskConstant is Asks {
    function _beacon() internal pure override returns (Beacon) {
        return Beacon(address(0xbeef));
    }
}

contract AskOtherSlot is Asks {
    Beacon other;

    function _beacon() internal view override returns (Beacon) {
        return other;
    }
}

/// The beacon is asked, and then somebody else.
contract AskTwice is Asks {
    function _target() internal view override returns (address) {
        _beacon().implementation();
        return Beacon(address(0xbeef)).implementation();
    }
}

/// The beacon is asked, and what a slot holds takes the place of its answer.
contract AskAndKeep is Asks {
    address other;

    function choose(address to) external {
        other = to;
    }

    function _target() internal view override returns (address to) {
        _beacon().implementation();
        assembly {
            let at := mload(0x40)
            mstore(at, sload(other.slot))
            if calldatasize() { to := mload(at) }
        }
    }
}

contract AskOwner is Asks {
    function _target() internal view override returns (address) {
        return _beacon().owner();
    }
}

contract AskCreated is Asks {
    function _target() internal override returns (address to) {
        to = _beacon().implementation();
        assembly {
            if callvalue() { to := create(0, 0, calldatasize()) }
        }
    }
}

/// Another address, not far from the one that was answered.
contract AskNext is Asks {
    function _target() internal view override returns (address) {
        return address(uint160(_beacon().implementation()) + 1);
    }
}

/// Another address, not far from the one in the slot.
contract PokeProxyNext {
    fallback() external payable {
        assembly {
            let to := add(sload(0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc), 1)
            calldatacopy(0, 0, calldatasize())
            if iszero(delegatecall(gas(), to, 0, calldatasize(), 0, 0)) { revert(0, 0) }
        }
    }
}
