// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What an administrator sets, and nobody else may.
contract Limits {
    address public immutable admin;
    uint256 public cap;
    uint256[] public steps;
    bool public open;

    event Opened(bool open);

    modifier told(bool opens) {
        _;
        emit Opened(opens);
    }

    modifier onlyAdmin() {
        require(msg.sender == admin, "only the administrator");
        _;
    }

    constructor(address first) {
        admin = first;
    }

    /// @notice Leaves no event.
    function setCap(uint256 to) external onlyAdmin {
        cap = to;
    }

    /// @notice Leaves none either, however often it goes round.
    function setSteps(uint256[] calldata to) external onlyAdmin {
        delete steps;
        for (uint256 i = 0; i < to.length; i++) {
            steps.push(to[i]);
        }
    }

    /// @notice Its modifier emits.
    function setOpen(bool to) external onlyAdmin told(to) {
        open = to;
    }
}
