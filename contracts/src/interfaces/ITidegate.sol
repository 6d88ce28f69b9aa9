// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title The helper contract of Tidegate
/// @notice Stands at one address on every chain, belongs to nobody, cannot be changed and keeps no money. It gives a
/// batch of calls three things that it lacks by itself: creation that a stranger cannot block, assertions that stop the
/// whole batch, and a public record of what a Safe adopted, promoted and announced.
/// @dev Everything stored is kept under `msg.sender`, or under whoever signed it, so nobody can write for somebody else.
/// Views never revert: what was never written reads as zero.
interface ITidegate {
    /// @notice A policy as a Safe adopted it.
    /// @param digest The policy's digest; what it covers is no concern of this contract.
    /// @param adoptedAt Timestamp of the block that adopted it; zero where there is no such version.
    struct Policy {
        bytes32 digest;
        uint64 adoptedAt;
    }

    /// @notice A promotion as a Safe recorded it.
    /// @param releaseRoot What was promoted.
    /// @param policyDigest The policy under which it was promoted.
    /// @param evidenceDigest The evidence that the policy's gates were given.
    /// @param deploymentDigest Where it lives, with which parameters.
    /// @param soakTerminalHash The last block of the soak, which anybody can ask the soak's chain for.
    /// @param recordedAt Timestamp of the block that recorded it; zero where there is no such record.
    struct Record {
        bytes32 releaseRoot;
        bytes32 policyDigest;
        bytes32 evidenceDigest;
        bytes32 deploymentDigest;
        bytes32 soakTerminalHash;
        uint64 recordedAt;
    }

    /// @notice What somebody signed, in the form that most statements have.
    /// @param signer Who signed: a key, or a contract that confirms it.
    /// @param kind What is said, such as `freeze`.
    /// @param text The sentence that the signer saw.
    /// @param project The project it belongs to, zero for none.
    /// @param subject What it is about.
    /// @param bodyDigest Digest of everything it says.
    /// @param blockNumber Number of the block that dates it.
    /// @param blockHash Hash of that block.
    /// @param issuedAt That block's timestamp.
    /// @param expiresAt Timestamp through which it holds.
    struct Statement {
        address signer;
        string kind;
        string text;
        bytes32 project;
        bytes32 subject;
        bytes32 bodyDigest;
        uint64 blockNumber;
        bytes32 blockHash;
        uint64 issuedAt;
        uint64 expiresAt;
    }

    /// @notice This contract made somebody's creation happen; not emitted for one that was there already.
    event Created(address indexed by, address indexed account, bytes32 codeHash);

    /// @notice `safe` adopted `version` of its policy for `project`.
    event PolicyAdopted(address indexed safe, bytes32 indexed project, uint64 indexed version, bytes32 digest);

    /// @notice `safe` recorded its promotion number `index`, counted from zero, of `project`.
    event Recorded(
        address indexed safe,
        bytes32 indexed project,
        bytes32 indexed releaseRoot,
        uint256 index,
        bytes32 policyDigest,
        bytes32 evidenceDigest,
        bytes32 deploymentDigest,
        bytes32 soakTerminalHash
    );

    /// @notice `by` raised its notice about `subject`, which now holds through `until`.
    event Posted(address indexed by, bytes32 indexed subject, uint64 until);

    /// @notice The creation of `account` failed; `reason` is what the constructor gave, empty where the CREATE2 proxy, which
    /// drops it, stood between.
    error CreationFailed(address account, bytes reason);

    /// @notice `account` has other code than expected, or none (then `actual` is zero or the hash of nothing).
    error WrongCode(address account, bytes32 expected, bytes32 actual);

    /// @notice `account` is there already, so `value` could not be forwarded.
    error ValueNotForwarded(address account, uint256 value);

    /// @notice The creation left `value` behind in this contract, which could never give it out again.
    error ValueLeftBehind(address account, uint256 value);

    /// @notice `createGuarded` was entered again from within a creation.
    error Reentered();

    /// @notice Two lists that belong together differ in length.
    error LengthMismatch(uint256 first, uint256 other);

    /// @notice There is no code at `target` to be asked.
    error NoCode(address target);

    /// @notice `target` reverted with `reason` when asked `data`.
    error CallFailed(address target, bytes data, bytes reason);

    /// @notice `target`, asked `data`, answered `returned`, whose hash is not `expected`.
    error WrongReturn(address target, bytes data, bytes32 expected, bytes returned);

    /// @notice The batch was good through `timestamp`, and it is `present` now.
    error TooLate(uint256 timestamp, uint256 present);

    /// @notice What is called is good after `timestamp`, and it is `present` now.
    error TooEarly(uint256 timestamp, uint256 present);

    /// @notice The sender's policy for `project` is at version `present`, not at `version`.
    error OtherPolicy(bytes32 project, uint64 version, uint64 present);

    /// @notice The sender has recorded `present` promotions of `project`, not `count`.
    error OtherRecords(bytes32 project, uint256 count, uint256 present);

    /// @notice What `by` posted about `subject` holds through `present`, not through `until`.
    error OtherPost(address by, bytes32 subject, uint64 until, uint64 present);

    /// @notice `signer` did not sign `digest`, or the signature has another form than counts.
    error NotSigned(address signer, bytes32 digest);

    /// @notice `version` was to be adopted where only `next` can be.
    error WrongVersion(bytes32 project, uint64 version, uint64 next);

    /// @notice The notice about `subject` holds through `present` already, which `until` does not raise.
    error NotRaised(bytes32 subject, uint64 until, uint64 present);

    /// @notice Creates a contract through the CREATE2 proxy 0x4e59b44847b379578588920cA78FbF26c0B4956C unless it is
    /// there, and requires its code.
    /// @dev A stranger who creates it first changes nothing: the proxy is the creator either way. Only what a constructor
    /// sees of the transaction around it (ORIGIN, the block, the gas that is left) is then the stranger's to choose; one
    /// that looks at those needs `createGuarded`.
    /// @param salt The proxy's salt, as it is.
    /// @param initCode Creation code with the constructor's arguments.
    /// @param codeHash Hash of the runtime code that must then be there.
    function createOnce(bytes32 salt, bytes calldata initCode, bytes32 codeHash) external;

    /// @notice Creates a contract by this contract itself unless it is there, and requires its code.
    /// @dev The salt in use is keccak256(abi.encode(msg.sender, salt)), so nobody else can create it first. All value
    /// goes to the constructor. If the contract is there already, any value is refused by a revert: paying it back
    /// would call the sender, keeping it would lose it.
    /// @param salt Told apart by sender.
    /// @param initCode Creation code with the constructor's arguments.
    /// @param codeHash Hash of the runtime code that must then be there.
    function createGuarded(bytes32 salt, bytes calldata initCode, bytes32 codeHash) external payable;

    /// @notice Requires code: the n-th address must have the n-th hash. An address without code never passes.
    /// @param accounts The addresses.
    /// @param codeHash Hashes of their runtime code.
    function requireCode(address[] calldata accounts, bytes32[] calldata codeHash) external view;

    /// @notice Requires a view's answer. The target sees this contract as its caller.
    /// @param target A contract; an address without code, which would answer anything with nothing, never passes.
    /// @param data The call.
    /// @param keccakOfReturn Hash of the whole answer, ABI-encoded as it comes.
    function requireCall(address target, bytes calldata data, bytes32 keccakOfReturn) external view;

    /// @notice Requires that it is not later than `timestamp`; a block of exactly that time still passes.
    /// @param timestamp Seconds since 1970, compared with the block's.
    function requireBefore(uint256 timestamp) external view;

    /// @notice Requires that it is later than `timestamp`; a block of exactly that time does not pass.
    /// @param timestamp Seconds since 1970, compared with the block's.
    function requireAfter(uint256 timestamp) external view;

    /// @notice Requires that the sender's policy for a project is still at a version.
    /// @param project A project of the sender's.
    /// @param version The version adopted last; zero for none.
    function requirePolicy(bytes32 project, uint64 version) external view;

    /// @notice Requires that the sender has recorded this many promotions of a project, and none since.
    /// @param project A project of the sender's.
    /// @param count How many.
    function requireRecords(bytes32 project, uint256 count) external view;

    /// @notice Requires posts as they were seen: the n-th poster's notice about the n-th subject holds exactly through the
    /// n-th time, zero for one that was never posted.
    /// @dev Each costs about 2,500 gas besides its calldata; whoever makes the lists bounds them.
    /// @param by Who posts.
    /// @param subject About what.
    /// @param until Through when.
    function requirePosted(address[] calldata by, bytes32[] calldata subject, uint64[] calldata until) external view;

    /// @notice Adopts a policy for a project of the sender's.
    /// @param project The project; each sender has their own.
    /// @param digest The policy's digest.
    /// @param version The version adopted last, plus one; the first is 1.
    /// @param before The last timestamp at which this adoption is good.
    function adoptPolicy(bytes32 project, bytes32 digest, uint64 version, uint256 before) external;

    /// @notice Appends a promotion to a project of the sender's. See `Record` for the parameters.
    function record(
        bytes32 project,
        bytes32 releaseRoot,
        bytes32 policyDigest,
        bytes32 evidenceDigest,
        bytes32 deploymentDigest,
        bytes32 soakTerminalHash
    ) external;

    /// @notice Announces a revocation or freeze of `subject` by the sender. It can be raised, never lowered or withdrawn.
    /// @param subject What it is about: a digest.
    /// @param until Timestamp through which it holds; the largest number stands for ever.
    function post(bytes32 subject, uint64 until) external;

    /// @notice Posts what somebody signed, under their name. Anybody may call and pay.
    /// @dev The subject is keccak256(abi.encode(keccak256(bytes(kind)), project, subject)), and it holds through
    /// `expiresAt`. The signature is over the EIP-712 digest under the domain {name "Tidegate", version "1", this chain,
    /// this contract}: 65 bytes of a key with the lower `s` and `v` 27 or 28, or whatever a contract takes by ERC-1271. An
    /// account that delegates its code (EIP-7702) signs with its key. A signature counts as long as its signer would
    /// confirm it; posting the same twice is refused, since it raises nothing.
    /// @param statement What was signed.
    /// @param signature The signature.
    function postSigned(Statement calldata statement, bytes calldata signature) external;

    /// @notice The version that `safe` adopted last, zero for none. All versions from 1 to this one are there.
    function policyVersion(address safe, bytes32 project) external view returns (uint64);

    /// @notice A policy by its version; zeros where there is none.
    function policyAt(address safe, bytes32 project, uint64 version)
        external
        view
        returns (bytes32 digest, uint64 adoptedAt);

    /// @notice How many promotions `safe` has recorded.
    function recordCount(address safe, bytes32 project) external view returns (uint256);

    /// @notice A promotion by its index, from zero; zeros where there is none.
    function recordAt(address safe, bytes32 project, uint256 i) external view returns (Record memory);

    /// @notice Timestamp through which `by` has posted about `subject`; zero for never.
    function posted(address by, bytes32 subject) external view returns (uint64);
}
