// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ITidegate} from "./interfaces/ITidegate.sol";

/// @title Tidegate
/// @notice See `ITidegate`. The committed build under `contracts/helper` is what stands on chains; this source, once
/// released, does not change.
contract Tidegate is ITidegate {
    /// The keyless CREATE2 proxy: takes salt and creation code, one after the other.
    address private constant PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant STATEMENT_TYPE = keccak256(
        "Statement(address signer,string kind,string text,bytes32 project,bytes32 subject,bytes32 bodyDigest,"
        "uint64 blockNumber,bytes32 blockHash,uint64 issuedAt,uint64 expiresAt)"
    );

    /// What a contract answers to `isValidSignature` where it signed (ERC-1271), as a whole word.
    bytes32 private constant SIGNED = bytes32(bytes4(0x1626ba7e));

    /// Half of the order of secp256k1: of the two signatures that every signature stands for, the one below it counts.
    uint256 private constant S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

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
        _requireBefore(timestamp);
    }

    /// @inheritdoc ITidegate
    function requireAfter(uint256 timestamp) external view {
        if (block.timestamp <= timestamp) revert TooEarly(timestamp, block.timestamp);
    }

    /// @inheritdoc ITidegate
    function requirePolicy(bytes32 project, uint64 version) external view {
        uint64 present = uint64(_policies[msg.sender][project].length);
        if (present != version) revert OtherPolicy(project, version, present);
    }

    /// @inheritdoc ITidegate
    function requireRecords(bytes32 project, uint256 count) external view {
        uint256 present = _records[msg.sender][project].length;
        if (present != count) revert OtherRecords(project, count, present);
    }

    /// @inheritdoc ITidegate
    function requirePosted(address[] calldata by, bytes32[] calldata subject, uint64[] calldata until) external view {
        if (by.length != subject.length) revert LengthMismatch(by.length, subject.length);
        if (by.length != until.length) revert LengthMismatch(by.length, until.length);
        for (uint256 i = 0; i < by.length; i++) {
            uint64 present = _posted[by[i]][subject[i]];
            if (present != until[i]) revert OtherPost(by[i], subject[i], until[i], present);
        }
    }

    /// @inheritdoc ITidegate
    function adoptPolicy(bytes32 project, bytes32 digest, uint64 version, uint256 before) external {
        _requireBefore(before);
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
        _post(msg.sender, subject, until);
    }

    /// @inheritdoc ITidegate
    function postSigned(Statement calldata statement, bytes calldata signature) external {
        bytes32 kind = keccak256(bytes(statement.kind));
        _requireSigned(statement.signer, _digest(statement, kind), signature);
        bytes32 subject = keccak256(abi.encode(kind, statement.project, statement.subject));
        _post(statement.signer, subject, statement.expiresAt);
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

    function _post(address by, bytes32 subject, uint64 until) private {
        uint64 present = _posted[by][subject];
        if (until <= present) revert NotRaised(subject, until, present);
        _posted[by][subject] = until;
        emit Posted(by, subject, until);
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

    function _requireBefore(uint256 timestamp) private view {
        if (block.timestamp > timestamp) revert TooLate(timestamp, block.timestamp);
    }

    /// A contract says for itself whether it signed. Who has no code, or only the delegation of EIP-7702, which can change
    /// from one block to the next, signs with a key.
    function _requireSigned(address signer, bytes32 digest, bytes calldata signature) private view {
        bool signed;
        if (signer.code.length == 0 || _delegates(signer)) {
            signed = _recovers(signer, digest, signature);
        } else {
            (bool answered, bytes memory answer) =
                signer.staticcall(abi.encodeWithSignature("isValidSignature(bytes32,bytes)", digest, signature));
            signed = answered && answer.length == 32 && abi.decode(answer, (bytes32)) == SIGNED;
        }
        if (!signed) revert NotSigned(signer, digest);
    }

    /// Only the form that is 65 bytes long, with `v` 27 or 28 and the lower `s`. Recovery fails with zero, who is nobody.
    function _recovers(address signer, bytes32 digest, bytes calldata signature) private pure returns (bool) {
        if (signer == address(0) || signature.length != 65) return false;
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        if (uint256(s) > S_MAX || (v != 27 && v != 28)) return false;
        return ecrecover(digest, v, bytes32(signature[:32]), s) == signer;
    }

    function _delegates(address account) private view returns (bool) {
        return account.code.length == 23 && bytes3(account.code) == 0xef0100;
    }

    /// What is signed, by EIP-712. The domain is this contract on this chain, so that nothing counts on another one.
    function _digest(Statement calldata statement, bytes32 kind) private view returns (bytes32) {
        bytes32 domain =
            keccak256(abi.encode(DOMAIN_TYPE, keccak256("Tidegate"), keccak256("1"), block.chainid, address(this)));
        // In two halves, which are words end to end either way: all at once is more than the older code generator holds.
        bytes memory said = abi.encode(
            STATEMENT_TYPE,
            statement.signer,
            kind,
            keccak256(bytes(statement.text)),
            statement.project,
            statement.subject
        );
        bytes memory dated = abi.encode(
            statement.bodyDigest, statement.blockNumber, statement.blockHash, statement.issuedAt, statement.expiresAt
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(bytes.concat(said, dated))));
    }

    function _create2Address(address creator, bytes32 salt, bytes calldata initCode) private pure returns (address) {
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), creator, salt, keccak256(initCode)));
        return address(uint160(uint256(hash)));
    }
}
