// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Registry of vaults
/// @notice Its owner lists vaults; everybody may follow one and leave notes about it.
contract Registry is Ownable {
    /// @notice Whether a vault is listed.
    mapping(address vault => bool) public isRegistered;

    /// @notice How many vaults are listed.
    uint256 public vaultCount;

    /// @notice How many notes there are about a vault.
    mapping(address vault => uint256) public noteCount;

    /// @notice Whether somebody follows a vault.
    mapping(address who => mapping(address vault => bool)) public follows;

    /// @notice `vault` was listed.
    event Registered(address indexed vault);

    /// @notice `by` left a note about `vault`.
    event Noted(address indexed by, address indexed vault, bytes32 indexed topic);

    /// @notice `who` began (`on`) or ceased to follow `vault`.
    event Followed(address indexed who, address indexed vault, bool on);

    /// @notice `vault` is listed already.
    error AlreadyRegistered(address vault);

    /// @notice `vault` is not listed.
    error NotRegistered(address vault);

    /// @notice There is no code at `vault`.
    error NotAContract(address vault);

    /// @param owner_ Who lists vaults. Named, not taken from the caller, so that anybody may create the contract.
    constructor(address owner_) Ownable(owner_) {}

    /// @dev Notes about anything else would be activity about nothing.
    modifier onlyRegistered(address vault) {
        if (!isRegistered[vault]) revert NotRegistered(vault);
        _;
    }

    /// @notice Lists `vault`.
    function register(address vault) external onlyOwner {
        if (vault.code.length == 0) revert NotAContract(vault);
        if (isRegistered[vault]) revert AlreadyRegistered(vault);
        isRegistered[vault] = true;
        vaultCount++;
        emit Registered(vault);
    }

    /// @notice Leaves a note about a listed vault.
    function note(address vault, bytes32 topic) external onlyRegistered(vault) {
        noteCount[vault]++;
        emit Noted(msg.sender, vault, topic);
    }

    /// @notice Begins or ceases to follow a listed vault.
    function follow(address vault, bool on) external onlyRegistered(vault) {
        follows[msg.sender][vault] = on;
        emit Followed(msg.sender, vault, on);
    }
}
