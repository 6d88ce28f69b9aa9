// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// The code in Poke*.hex, by solc 0.8.37 with 200 runs.

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
