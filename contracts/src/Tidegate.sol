// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ITidegate} from "./interfaces/ITidegate.sol";

/// @title Tidegate
/// @notice See `ITidegate`. The committed build under `contracts/helper` is what stands on chains; this source, once
/// released, does not change.
contract Tidegate is ITidegate {
    /// The keyless CREATE2 proxy: takes salt and creation code, one after the other.
    address private constant PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    uint256 private constant OPEN = 1;
    uint256 private constant ENTERED = 2;

    // Never zero, since a slot that is not cleared in between costs less to lock.
    uint256 private _lock = OPEN;

    // A version is its index plus one, so a gap cannot even be written.
    mapping(address safe => mapping(bytes32 project => Policy[])) private _policies;
    mapping(address safe => mapping(bytes32 project => Record[])) private _records;
    mapping(address by => mapping(bytes32 subject => uint64)) private _posted;

    /// @inheritdoc ITidegate
    function createOnce(bytes32 salt, bytes calldata initCode, bytes32 codeHash) external {
        address account = _create2Address(PROXY, salt, initCode);
        if (account.code.length == 0) {
            // What the proxy answers is not looked at: only code at the computed address counts.
            (bool created, bytes memory reason) = PROXY.call(bytes.concat(salt, initCode));
            if (!created) revert CreationFailed(account, reason);
            emit Created(msg.sender, account, codeHash);
        }
        _requireCode(account, codeHash);
    }

    /// @inheritdoc ITidegate
    function createGuarded(bytes32 salt, bytes calldata initCode, bytes32 codeHash) external payable {
        // The constructor is foreign code that is given money. The lock makes the balance below mean one creation only.
        if (_lock == ENTERED) revert Reentered();
        _lock = ENTERED;

        bytes32 own = keccak256(abi.encode(msg.sender, salt));
        address account = _create2Address(address(this), own, initCode);
        if (account.code.length == 0) {
            // Money forced upon this contract earlier is stuck here; it must not make anybody's creation fail.
            uint256 stuck = address(this).balance - msg.value;
            _create2(account, own, initCode);
            uint256 left = address(this).balance - stuck;
            if (left != 0) revert ValueLeftBehind(account, left);
            emit Created(msg.sender, account, codeHash);
        } else if (msg.value != 0) {
            revert ValueNotForwarded(account, msg.value);
        }
        _requireCode(account, codeHash);

        _lock = OPEN;
    }

    /// @inheritdoc ITidegate
    function requireCode(address[] calldata accounts, bytes32[] calldata codeHash) external view {
        if (accounts.length != codeHash.length) revert LengthMismatch(accounts.length, codeHash.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            _requireCode(accounts[i], codeHash[i]);
        }
    }

    /// @inheritdoc ITidegate
    function requireCall(address target, bytes calldata data, bytes32 keccakOfReturn) external view {
        if (target.code.length == 0) revert NoCode(target);
        (bool answered, bytes memory returned) = target.staticcall(data);
        if (!answered) revert CallFailed(target, data, returned);
        if (keccak256(returned) != keccakOfReturn) revert WrongReturn(target, data, keccakOfReturn, returned);
    }

    /// @inheritdoc ITidegate
    function requireBefore(uint256 timestamp) external view {
        if (block.timestamp > timestamp) revert TooLate(timestamp, block.timestamp);
    }

    /// @inheritdoc ITidegate
    function adoptPolicy(bytes32 project, bytes32 digest, uint64 version) external {
        Policy[] storage adopted = _policies[msg.sender][project];
        uint64 next = uint64(adopted.length + 1);
        if (version != next) revert WrongVersion(project, version, next);
        adopted.push(Policy({digest: digest, adoptedAt: uint64(block.timestamp)}));
        emit PolicyAdopted(msg.sender, project, version, digest);
    }

    /// @inheritdoc ITidegate
    function record(
        bytes32 project,
        bytes32 releaseRoot,
        bytes32 policyDigest,
        bytes32 evidenceDigest,
        bytes32 deploymentDigest,
        bytes32 soakTerminalHash
    ) external {
        Record[] storage records = _records[msg.sender][project];
        emit Recorded(
            msg.sender,
            project,
            releaseRoot,
            records.length,
            policyDigest,
            evidenceDigest,
            deploymentDigest,
            soakTerminalHash
        );
        records.push(
            Record({
                releaseRoot: releaseRoot,
                policyDigest: policyDigest,
                evidenceDigest: evidenceDigest,
                deploymentDigest: deploymentDigest,
                soakTerminalHash: soakTerminalHash,
                recordedAt: uint64(block.timestamp)
            })
        );
    }

    /// @inheritdoc ITidegate
    function post(bytes32 subject, uint64 until) external {
        uint64 present = _posted[msg.sender][subject];
        if (until <= present) revert NotRaised(subject, until, present);
        _posted[msg.sender][subject] = until;
        emit Posted(msg.sender, subject, until);
    }

    /// @inheritdoc ITidegate
    function policyVersion(address safe, bytes32 project) external view returns (uint64) {
        return uint64(_policies[safe][project].length);
    }

    /// @inheritdoc ITidegate
    function policyAt(address safe, bytes32 project, uint64 version)
        external
        view
        returns (bytes32 digest, uint64 adoptedAt)
    {
        Policy[] storage adopted = _policies[safe][project];
        if (version == 0 || version > adopted.length) return (0, 0);
        Policy storage policy = adopted[version - 1];
        return (policy.digest, policy.adoptedAt);
    }

    /// @inheritdoc ITidegate
    function recordCount(address safe, bytes32 project) external view returns (uint256) {
        return _records[safe][project].length;
    }

    /// @inheritdoc ITidegate
    function recordAt(address safe, bytes32 project, uint256 i) external view returns (Record memory answer) {
        Record[] storage records = _records[safe][project];
        if (i < records.length) answer = records[i];
    }

    /// @inheritdoc ITidegate
    function posted(address by, bytes32 subject) external view returns (uint64) {
        return _posted[by][subject];
    }

    /// Creates with all of the call's value, and hands on the constructor's reason where it fails.
    function _create2(address account, bytes32 salt, bytes memory initCode) private {
        address created;
        assembly ("memory-safe") {
            created := create2(callvalue(), add(initCode, 0x20), mload(initCode), salt)
        }
        if (created == address(0)) {
            bytes memory reason;
            assembly ("memory-safe") {
                reason := mload(0x40)
                mstore(reason, returndatasize())
                returndatacopy(add(reason, 0x20), 0, returndatasize())
                mstore(0x40, and(add(add(reason, 0x3f), returndatasize()), not(0x1f)))
            }
            revert CreationFailed(account, reason);
        }
    }

    /// An empty account has a hash too, of nothing, and one that was never touched has zero; neither is ever expected.
    function _requireCode(address account, bytes32 codeHash) private view {
        if (account.code.length == 0 || account.codehash != codeHash) {
            revert WrongCode(account, codeHash, account.codehash);
        }
    }

    function _create2Address(address creator, bytes32 salt, bytes calldata initCode) private pure returns (address) {
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), creator, salt, keccak256(initCode)));
        return address(uint160(uint256(hash)));
    }
}
