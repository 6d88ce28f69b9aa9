// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// The code in Poke*.hex, by solc 0.8.37 with 200 runs: see make.mjs.

bytes32 constant SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

contract PokeConstant {
    function migrate(bytes32 value) external {
        assembly {
            sstore(SLOT, value)
        }
    }
}

contract PokeAnnounced {
    event Upgraded(address indexed implementation);

    function migrate(address to) external {
        assembly {
            sstore(SLOT, to)
        }
        emit Upgraded(to);
    }
}

contract PokeAnywhere {
    event Upgraded(address indexed implementation);

    function set(bytes32 slot, bytes32 value) external {
        emit Upgraded(address(this));
        assembly {
            sstore(slot, value)
        }
    }
}

contract PokeElsewhere {
    function run(address to, bytes calldata data) external {
        (bool done,) = to.delegatecall(data);
        require(done);
    }
}

/// Everything ordinary: mappings, arrays, structures, strings, packed values, loops.
contract PokeNever {
    struct Item {
        uint128 a;
        uint128 b;
        string name;
    }

    mapping(address => mapping(uint256 => Item)) public items;
    Item[] public list;
    uint256[] public numbers;
    string public title;
    address public owner;
    uint256[3] public fixedThree;

    function add(uint256 key, string calldata name, uint128 a) external {
        items[msg.sender][key] = Item(a, a, name);
        list.push(Item({a: a, b: 1, name: name}));
        for (uint256 i = 0; i < numbers.length; i++) numbers[i] += a;
        title = name;
    }

    function clear(uint256 key) external {
        delete items[msg.sender][key];
        list.pop();
        delete numbers;
        delete title;
        delete fixedThree;
        owner = msg.sender;
    }

    function own() external {
        (bool done,) = address(this).delegatecall(msg.data[4:]);
        require(done);
    }
}

/// One door announces, the other does not.
contract PokeTwoDoors {
    event Upgraded(address indexed implementation);

    function upgrade(address to) external {
        assembly {
            sstore(SLOT, to)
        }
        emit Upgraded(to);
    }

    function migrate(address to) external {
        assembly {
            sstore(SLOT, to)
        }
    }
}

/// It announces where its caller asks for it.
contract PokeOnRequest {
    event Upgraded(address indexed implementation);

    function upgrade(address to, bool loud) external {
        if (loud) emit Upgraded(to);
        assembly {
            sstore(SLOT, to)
        }
    }
}

/// The event comes first, and on every path.
contract PokeAnnouncedBefore {
    event Upgraded(address indexed implementation);

    function upgrade(address to, bool keep) external {
        emit Upgraded(to);
        if (keep) return;
        assembly {
            sstore(SLOT, to)
        }
    }
}

/// The text that the slot is made from comes with the call.
contract PokeMinusOne {
    function set(bytes calldata text, bytes32 value) external {
        bytes32 slot = bytes32(uint256(keccak256(text)) - 1);
        assembly {
            sstore(slot, value)
        }
    }
}

/// One less than the place of a mapping's entry.
contract PokeMappedMinusOne {
    mapping(bytes32 => bytes32) values;

    function set(bytes32 key, bytes32 value) external {
        assembly {
            mstore(0, key)
            mstore(32, values.slot)
            sstore(sub(keccak256(0, 64), 1), value)
        }
    }
}

/// The same, added: the distance is as large as what is added to.
contract PokeMappedPlusLarge {
    mapping(bytes32 => bytes32) values;

    function set(bytes32 key, bytes32 value) external {
        assembly {
            mstore(0, key)
            mstore(32, values.slot)
            sstore(add(keccak256(0, 64), not(0)), value)
        }
    }
}

contract PokeText {
    function set(bytes calldata text, bytes32 value) external {
        bytes32 slot = keccak256(text);
        assembly {
            sstore(slot, value)
        }
    }
}

contract PokePlusVariable {
    bytes32[] values;

    function set(uint256 index, bytes32 value) external {
        assembly {
            mstore(0, values.slot)
            sstore(add(keccak256(0, 32), index), value)
        }
    }
}

/// The length is no bound.
contract PokeLength {
    bytes32[] values;

    function set(uint256 index, bytes32 value) external {
        values[index] = value;
    }

    function extend(uint256 length) external {
        assembly {
            sstore(values.slot, length)
        }
    }
}

/// What is added is stored, and anything can be.
contract PokeStoredDistance {
    bytes32[] values;
    uint256 distance;

    function choose(uint256 to) external {
        distance = to;
    }

    function set(bytes32 value) external {
        assembly {
            mstore(0, values.slot)
            sstore(add(keccak256(0, 32), sload(distance.slot)), value)
        }
    }
}

library Pointers {
    struct Pointer {
        bytes32 value;
    }

    function set(Pointer storage pointer, bytes32 value) external {
        pointer.value = value;
    }
}

/// The library writes where it is told to.
contract PokeLibrary {
    using Pointers for Pointers.Pointer;

    function migrate(bytes32 value) external {
        Pointers.Pointer storage pointer;
        assembly {
            pointer.slot := SLOT
        }
        pointer.set(value);
    }
}

/// An upgrade is announced, and the other door runs any code.
contract PokeRuns {
    event Upgraded(address indexed implementation);

    function upgrade(address to) external {
        assembly {
            sstore(SLOT, to)
        }
        emit Upgraded(to);
    }

    function run(address to, bytes calldata data) external {
        (bool done,) = to.delegatecall(data);
        require(done);
    }
}

/// The address is in the code, and nobody looks at what stands there.
contract PokeConstantTarget {
    function run(bytes calldata data) external {
        (bool done,) = address(0xbeef).delegatecall(data);
        require(done);
    }
}

/// A proxy that obeys its caller beside its slot.
contract PokeProxyDoor {
    function run(address to, bytes calldata data) external {
        (bool done,) = to.delegatecall(data);
        require(done);
    }

    fallback() external payable {
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(SLOT), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}

/// A proxy that is led by a slot of its own.
contract PokeProxyElsewhere {
    fallback() external payable {
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(7), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}

interface Registry {
    function implementation() external view returns (address);
}

/// A proxy that asks whom its caller names.
contract PokeProxyAsks {
    fallback() external payable {
        address to = Registry(address(uint160(uint256(bytes32(msg.data))))).implementation();
        (bool done,) = to.delegatecall(msg.data);
        require(done);
    }
}
