// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Tidegate} from "../src/Tidegate.sol";
import {ITidegate} from "../src/interfaces/ITidegate.sol";
import {Base} from "./Base.sol";
import {Hollow, Paid, Plain, Reentering, Refusing, Returning} from "./Probes.sol";

/// @title Every function of the helper, with every way it can fail
/// @notice With `COMMITTED=true` in the environment the same tests run on the committed bytes instead of the source.
contract TidegateTest is Base {
    bytes32 internal constant SALT = keccak256("salt");
    bytes32 internal constant PROJECT = keccak256("project");
    bytes32 internal constant NOTHING = keccak256("");

    address internal immutable safe = vm.addr(1);
    address internal immutable other = vm.addr(2);

    ITidegate internal helper;

    function setUp() public {
        helper = vm.envOr("COMMITTED", false) ? createCommittedHelper() : new Tidegate();
        vm.warp(1_800_000_000);
        vm.deal(safe, 100 ether);
        vm.deal(other, 100 ether);
    }

    /// Everybody who uses the tool relies on these two; no change to the source may move them unseen.
    function test_committed_bytes_stand_at_their_address() public {
        if (HELPER.code.length == 0) createCommittedHelper();
        vm.assertEq(create2Address(PROXY, 0, committedInitCode()), HELPER);
        vm.assertEq(HELPER.codehash, HELPER_CODE_HASH);
    }

    // createOnce

    function test_createOnce_creates() public {
        bytes memory initCode = plain(7);
        address account = create2Address(PROXY, SALT, initCode);
        bytes32 codeHash = hashOfPlain(7, PROXY);

        vm.expectEmit(address(helper));
        emit ITidegate.Created(safe, account, codeHash);
        vm.prank(safe);
        helper.createOnce(SALT, initCode, codeHash);

        vm.assertEq(account.codehash, codeHash);
        vm.assertEq(Plain(account).stored(), 7);
        vm.assertEq(Plain(account).creator(), PROXY);
    }

    function test_createOnce_again_is_done() public {
        helper.createOnce(SALT, plain(7), hashOfPlain(7, PROXY));
        helper.createOnce(SALT, plain(7), hashOfPlain(7, PROXY));
    }

    /// Whoever creates first, and by which way: the address, the code and the state are the same, and the batch goes on.
    function testFuzz_createOnce_stranger_first_changes_nothing(address stranger, bytes32 salt, uint256 value, bool way)
        public
    {
        bytes memory initCode = plain(value);
        bytes32 codeHash = hashOfPlain(value, PROXY);
        address account = create2Address(PROXY, salt, initCode);

        vm.startPrank(stranger);
        if (way) helper.createOnce(salt, initCode, codeHash);
        else vm.assertTrue(createByProxy(salt, initCode), "the stranger creates");
        vm.stopPrank();
        vm.assertFalse(createByProxy(salt, initCode), "the proxy by itself fails now");

        vm.prank(safe);
        helper.createOnce(salt, initCode, codeHash);
        vm.assertEq(account.codehash, codeHash);
        vm.assertEq(Plain(account).stored(), value);
    }

    function test_createOnce_refuses_other_code() public {
        bytes memory initCode = plain(7);
        address account = create2Address(PROXY, SALT, initCode);
        bytes32 expected = hashOfPlain(8, PROXY);

        vm.expectRevert(wrongCode(account, expected, hashOfPlain(7, PROXY)));
        helper.createOnce(SALT, initCode, expected);
        vm.assertEq(account.code.length, 0, "nothing stays of the refused creation");

        createByProxy(SALT, initCode);
        vm.expectRevert(wrongCode(account, expected, hashOfPlain(7, PROXY)));
        helper.createOnce(SALT, initCode, expected);
    }

    function test_createOnce_refuses_no_code_even_where_expected() public {
        bytes memory initCode = type(Hollow).creationCode;
        address account = create2Address(PROXY, SALT, initCode);

        vm.expectRevert(wrongCode(account, NOTHING, NOTHING));
        helper.createOnce(SALT, initCode, NOTHING);
        vm.expectRevert(wrongCode(account, 0, NOTHING));
        helper.createOnce(SALT, initCode, 0);

        // Once it stands there without code it can neither be created again nor pass.
        createByProxy(SALT, initCode);
        vm.expectRevert(creationFailed(account, ""));
        helper.createOnce{gas: 5_000_000}(SALT, initCode, NOTHING);
    }

    function test_createOnce_says_what_failed() public {
        bytes memory initCode = type(Refusing).creationCode;
        vm.expectRevert(creationFailed(create2Address(PROXY, SALT, initCode), ""));
        helper.createOnce(SALT, initCode, keccak256("any"));
    }

    function test_createOnce_takes_no_value() public {
        bytes memory call = abi.encodeCall(helper.createOnce, (SALT, plain(7), hashOfPlain(7, PROXY)));
        vm.prank(safe);
        (bool taken,) = address(helper).call{value: 1}(call);
        vm.assertFalse(taken, "value is refused");
    }

    // createGuarded

    function testFuzz_createGuarded_is_bound_to_its_sender(bytes32 salt, uint256 value) public {
        bytes memory initCode = plain(value);
        bytes32 codeHash = hashOfPlain(value, address(helper));
        address mine = guardedAddress(safe, salt, initCode);
        address others = guardedAddress(other, salt, initCode);
        vm.assertNotEq(mine, others, "each sender has their own address");

        vm.prank(other);
        helper.createGuarded(salt, initCode, codeHash);
        vm.assertEq(mine.code.length, 0, "somebody else's creation is somewhere else");

        vm.expectEmit(address(helper));
        emit ITidegate.Created(safe, mine, codeHash);
        vm.prank(safe);
        helper.createGuarded(salt, initCode, codeHash);
        vm.assertEq(mine.codehash, codeHash);
        vm.assertEq(Plain(mine).stored(), value);
        vm.assertEq(Plain(mine).creator(), address(helper));
    }

    function testFuzz_createGuarded_forwards_all_value(uint256 value, uint256 stuck, uint256 waiting) public {
        value = bound(value, 0, 100 ether);
        stuck = bound(stuck, 0, 100 ether);
        waiting = bound(waiting, 0, 100 ether);
        bytes memory initCode = type(Paid).creationCode;
        address account = guardedAddress(safe, SALT, initCode);
        // Anybody can force money on the helper, and send some to where the contract will be.
        vm.deal(address(helper), stuck);
        vm.deal(account, waiting);

        bytes32 codeHash = hashOfPaid(value);
        vm.prank(safe);
        helper.createGuarded{value: value}(SALT, initCode, codeHash);

        vm.assertEq(Paid(account).received(), value);
        vm.assertEq(account.balance, waiting + value);
        vm.assertEq(address(helper).balance, stuck);
        vm.assertEq(safe.balance, 100 ether - value);
    }

    function test_createGuarded_again_is_done_without_value() public {
        bytes memory initCode = type(Paid).creationCode;
        bytes32 codeHash = hashOfPaid(1 ether);
        address account = guardedAddress(safe, SALT, initCode);

        vm.startPrank(safe);
        helper.createGuarded{value: 1 ether}(SALT, initCode, codeHash);
        helper.createGuarded(SALT, initCode, codeHash);
        vm.expectRevert(abi.encodeWithSelector(ITidegate.ValueNotForwarded.selector, account, 1 ether));
        helper.createGuarded{value: 1 ether}(SALT, initCode, codeHash);
        vm.stopPrank();

        vm.assertEq(safe.balance, 99 ether);
        vm.assertEq(address(helper).balance, 0);
    }

    function test_createGuarded_hands_on_the_reason_and_the_money() public {
        bytes memory initCode = type(Refusing).creationCode;
        vm.expectRevert(
            creationFailed(
                guardedAddress(safe, SALT, initCode), abi.encodeWithSelector(Refusing.Refused.selector, 1 ether)
            )
        );
        vm.prank(safe);
        helper.createGuarded{value: 1 ether}(SALT, initCode, keccak256("any"));
        vm.assertEq(safe.balance, 100 ether);

        // The failure leaves nothing locked.
        bytes32 codeHash = hashOfPlain(7, address(helper));
        vm.prank(safe);
        helper.createGuarded(SALT, plain(7), codeHash);
    }

    function test_createGuarded_refuses_other_code() public {
        bytes memory initCode = type(Paid).creationCode;
        address account = guardedAddress(safe, SALT, initCode);
        bytes32 expected = keccak256("something else");
        bytes32 actual = hashOfPaid(1 ether);

        vm.expectRevert(wrongCode(account, expected, actual));
        vm.prank(safe);
        helper.createGuarded{value: 1 ether}(SALT, initCode, expected);
        vm.assertEq(safe.balance, 100 ether);
        vm.assertEq(account.code.length, 0, "nothing stays of the refused creation");

        vm.startPrank(safe);
        helper.createGuarded{value: 1 ether}(SALT, initCode, actual);
        vm.expectRevert(wrongCode(account, expected, actual));
        helper.createGuarded(SALT, initCode, expected);
        vm.stopPrank();
    }

    function test_createGuarded_refuses_no_code_even_where_expected() public {
        bytes memory initCode = type(Hollow).creationCode;
        vm.expectRevert(wrongCode(guardedAddress(safe, SALT, initCode), NOTHING, NOTHING));
        vm.prank(safe);
        helper.createGuarded{value: 1 ether}(SALT, initCode, NOTHING);
    }

    function test_createGuarded_keeps_nothing_that_is_thrown_back() public {
        bytes memory initCode = type(Returning).creationCode;
        address account = guardedAddress(safe, SALT, initCode);
        bytes32 codeHash = keccak256(type(Returning).runtimeCode);

        vm.expectRevert(abi.encodeWithSelector(ITidegate.ValueLeftBehind.selector, account, 1 ether));
        vm.prank(safe);
        helper.createGuarded{value: 1 ether}(SALT, initCode, codeHash);
        vm.assertEq(safe.balance, 100 ether);
        vm.assertEq(address(helper).balance, 0);
    }

    function test_createGuarded_cannot_be_entered_again() public {
        bytes memory inner = type(Paid).creationCode;
        bytes memory initCode = abi.encodePacked(type(Reentering).creationCode, abi.encode(inner, hashOfPaid(1 ether)));
        vm.expectRevert(
            creationFailed(guardedAddress(safe, SALT, initCode), abi.encodeWithSelector(ITidegate.Reentered.selector))
        );
        vm.prank(safe);
        helper.createGuarded{value: 1 ether}(SALT, initCode, keccak256(type(Reentering).runtimeCode));
    }

    function test_no_other_way_for_money_in() public {
        vm.startPrank(safe);
        (bool taken,) = address(helper).call{value: 1}("");
        vm.assertFalse(taken, "a plain transfer is refused");
        (taken,) = address(helper).call{value: 1}(abi.encodeCall(helper.post, (SALT, 1)));
        vm.assertFalse(taken, "other functions take no value");
        vm.stopPrank();
    }

    // requireCode

    function test_requireCode() public {
        address[] memory accounts = new address[](2);
        bytes32[] memory hashes = new bytes32[](2);
        accounts[0] = address(new Plain(1));
        accounts[1] = address(new Plain(2));
        hashes[0] = accounts[0].codehash;
        hashes[1] = accounts[1].codehash;
        helper.requireCode(accounts, hashes);

        (hashes[0], hashes[1]) = (hashes[1], hashes[0]);
        vm.expectRevert(wrongCode(accounts[0], hashes[0], hashes[1]));
        helper.requireCode(accounts, hashes);

        // The last one counts as much as the first.
        hashes[0] = accounts[0].codehash;
        vm.expectRevert(wrongCode(accounts[1], hashes[1], accounts[1].codehash));
        helper.requireCode(accounts, hashes);
    }

    function test_requireCode_refuses_no_code_even_where_expected() public {
        address[] memory accounts = new address[](1);
        bytes32[] memory hashes = new bytes32[](1);

        accounts[0] = safe; // Has money, so its code hash is that of nothing.
        hashes[0] = NOTHING;
        vm.expectRevert(wrongCode(safe, NOTHING, NOTHING));
        helper.requireCode(accounts, hashes);

        accounts[0] = vm.addr(3); // Was never touched, so its code hash is zero.
        hashes[0] = 0;
        vm.expectRevert(wrongCode(accounts[0], 0, 0));
        helper.requireCode(accounts, hashes);
    }

    function test_requireCode_lists_belong_together() public {
        helper.requireCode(new address[](0), new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.LengthMismatch.selector, 2, 1));
        helper.requireCode(new address[](2), new bytes32[](1));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.LengthMismatch.selector, 0, 1));
        helper.requireCode(new address[](0), new bytes32[](1));
    }

    // requireCall

    function testFuzz_requireCall(uint256 value, uint256 expected) public {
        Plain target = new Plain(value);
        bytes memory data = abi.encodeCall(target.stored, ());
        helper.requireCall(address(target), data, keccak256(abi.encode(value)));

        vm.assume(expected != value);
        bytes32 hash = keccak256(abi.encode(expected));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.WrongReturn.selector, target, data, hash, abi.encode(value)));
        helper.requireCall(address(target), data, hash);
    }

    function test_requireCall_hands_on_the_reason() public {
        Plain target = new Plain(1);
        bytes memory data = abi.encodeCall(target.sour, (9));
        bytes memory reason = abi.encodeWithSelector(Plain.Sour.selector, 9);
        vm.expectRevert(abi.encodeWithSelector(ITidegate.CallFailed.selector, target, data, reason));
        helper.requireCall(address(target), data, keccak256(reason));
    }

    function test_requireCall_needs_code() public {
        // Both would answer: an empty account with nothing, the identity precompile with what it was given.
        vm.expectRevert(abi.encodeWithSelector(ITidegate.NoCode.selector, safe));
        helper.requireCall(safe, "", NOTHING);
        vm.expectRevert(abi.encodeWithSelector(ITidegate.NoCode.selector, address(4)));
        helper.requireCall(address(4), "x", keccak256("x"));
    }

    function test_requireCall_changes_nothing() public {
        Plain target = new Plain(1);
        bytes memory data = abi.encodeCall(target.write, (2));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.CallFailed.selector, target, data, ""));
        helper.requireCall{gas: 1_000_000}(address(target), data, keccak256(abi.encode(2)));
        vm.assertEq(target.stored(), 1);
    }

    function test_requireCall_is_the_helper_asking() public {
        Plain target = new Plain(1);
        vm.prank(safe);
        helper.requireCall(address(target), abi.encodeCall(target.caller, ()), keccak256(abi.encode(helper)));
    }

    /// A batch can so require that nobody has revoked anything since it was signed.
    function test_requireCall_can_ask_the_helper_itself() public {
        bytes memory data = abi.encodeCall(helper.posted, (other, SALT));
        helper.requireCall(address(helper), data, keccak256(abi.encode(0)));
        vm.prank(other);
        helper.post(SALT, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITidegate.WrongReturn.selector, helper, data, keccak256(abi.encode(0)), abi.encode(1)
            )
        );
        helper.requireCall(address(helper), data, keccak256(abi.encode(0)));
    }

    // requireBefore

    function testFuzz_requireBefore(uint64 present, uint256 timestamp) public {
        vm.warp(present);
        if (present > timestamp) {
            vm.expectRevert(abi.encodeWithSelector(ITidegate.TooLate.selector, timestamp, present));
        }
        helper.requireBefore(timestamp);
    }

    function test_requireBefore_includes_the_time_itself() public {
        helper.requireBefore(block.timestamp + 1);
        helper.requireBefore(block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(ITidegate.TooLate.selector, block.timestamp - 1, block.timestamp));
        helper.requireBefore(block.timestamp - 1);
    }

    // requireAfter

    function testFuzz_requireAfter(uint64 present, uint256 timestamp) public {
        vm.warp(present);
        if (present <= timestamp) {
            vm.expectRevert(abi.encodeWithSelector(ITidegate.TooEarly.selector, timestamp, present));
        }
        helper.requireAfter(timestamp);
    }

    /// Of any time exactly one of the two holds.
    function test_requireAfter_begins_where_requireBefore_ends() public {
        helper.requireAfter(block.timestamp - 1);
        vm.expectRevert(abi.encodeWithSelector(ITidegate.TooEarly.selector, block.timestamp, block.timestamp));
        helper.requireAfter(block.timestamp);
    }

    // requirePolicy, requireRecords

    function testFuzz_requirePolicy_is_of_the_sender(uint256 adopted, uint64 version) public {
        adopted = bound(adopted, 0, 3);
        version = uint64(bound(version, 0, 4));
        vm.startPrank(safe);
        for (uint64 v = 1; v <= adopted; v++) {
            helper.adoptPolicy(PROJECT, digest(v), v, block.timestamp);
        }
        if (version != adopted) {
            vm.expectRevert(abi.encodeWithSelector(ITidegate.OtherPolicy.selector, PROJECT, version, adopted));
        }
        helper.requirePolicy(PROJECT, version);
        helper.requirePolicy(digest(0), 0);
        vm.stopPrank();
        vm.prank(other);
        helper.requirePolicy(PROJECT, 0);
    }

    function testFuzz_requireRecords_is_of_the_sender(uint256 recorded, uint256 count) public {
        recorded = bound(recorded, 0, 3);
        count = bound(count, 0, 4);
        vm.startPrank(safe);
        for (uint256 i = 0; i < recorded; i++) {
            recordFrom(i);
        }
        if (count != recorded) {
            vm.expectRevert(abi.encodeWithSelector(ITidegate.OtherRecords.selector, PROJECT, count, recorded));
        }
        helper.requireRecords(PROJECT, count);
        helper.requireRecords(digest(0), 0);
        vm.stopPrank();
        vm.prank(other);
        helper.requireRecords(PROJECT, 0);
    }

    // adoptPolicy

    function test_adoptPolicy_counts_from_one() public {
        vm.assertEq(helper.policyVersion(safe, PROJECT), 0);
        for (uint64 version = 1; version <= 3; version++) {
            vm.warp(block.timestamp + 1 days);
            vm.expectEmit(address(helper));
            emit ITidegate.PolicyAdopted(safe, PROJECT, version, digest(version));
            vm.prank(safe);
            helper.adoptPolicy(PROJECT, digest(version), version, block.timestamp);
            vm.assertEq(helper.policyVersion(safe, PROJECT), version);
            checkPolicy(safe, PROJECT, version, digest(version), block.timestamp);
        }
        checkPolicy(safe, PROJECT, 1, digest(1), block.timestamp - 2 days);
        checkPolicy(safe, PROJECT, 0, 0, 0);
        checkPolicy(safe, PROJECT, 4, 0, 0);
        checkPolicy(safe, PROJECT, type(uint64).max, 0, 0);
    }

    function testFuzz_adoptPolicy_leaves_no_gap(uint256 adopted, uint64 version) public {
        adopted = bound(adopted, 0, 5);
        for (uint64 v = 1; v <= adopted; v++) {
            helper.adoptPolicy(PROJECT, digest(v), v, block.timestamp);
        }
        vm.assume(version != adopted + 1);
        vm.expectRevert(abi.encodeWithSelector(ITidegate.WrongVersion.selector, PROJECT, version, adopted + 1));
        helper.adoptPolicy(PROJECT, digest(9), version, block.timestamp);
        vm.assertEq(helper.policyVersion(address(this), PROJECT), adopted);
    }

    function testFuzz_adoptPolicy_is_per_sender_and_project(address stranger, bytes32 project) public {
        vm.assume(stranger != safe);
        vm.prank(safe);
        helper.adoptPolicy(PROJECT, digest(1), 1, block.timestamp);
        vm.startPrank(stranger);
        helper.adoptPolicy(PROJECT, digest(2), 1, block.timestamp);
        helper.adoptPolicy(PROJECT, digest(3), 2, block.timestamp);
        vm.stopPrank();
        vm.assertEq(helper.policyVersion(safe, PROJECT), 1);
        checkPolicy(safe, PROJECT, 1, digest(1), block.timestamp);
        if (project != PROJECT) vm.assertEq(helper.policyVersion(safe, project), 0);
    }

    /// An adoption that owners signed and forgot cannot come true a year later.
    function testFuzz_adoptPolicy_has_an_end(uint64 present, uint256 before) public {
        vm.warp(present);
        bytes memory late = abi.encodeWithSelector(ITidegate.TooLate.selector, before, present);
        if (present > before) vm.expectRevert(late);
        helper.adoptPolicy(PROJECT, digest(1), 1, before);
        vm.assertEq(helper.policyVersion(address(this), PROJECT), present > before ? 0 : 1);
    }

    // record

    function test_record_appends() public {
        vm.assertEq(helper.recordCount(safe, PROJECT), 0);
        for (uint256 i = 0; i < 3; i++) {
            vm.warp(block.timestamp + 1 days);
            vm.expectEmit(address(helper));
            emit ITidegate.Recorded(
                safe,
                PROJECT,
                digest(5 * i),
                i,
                digest(5 * i + 1),
                digest(5 * i + 2),
                digest(5 * i + 3),
                digest(5 * i + 4)
            );
            vm.prank(safe);
            recordFrom(5 * i);
        }
        vm.assertEq(helper.recordCount(safe, PROJECT), 3);
        for (uint256 i = 0; i < 3; i++) {
            checkRecord(safe, i, 5 * i, block.timestamp - (2 - i) * 1 days);
        }
        ITidegate.Record memory none;
        vm.assertEq(abi.encode(helper.recordAt(safe, PROJECT, 3)), abi.encode(none));
        vm.assertEq(abi.encode(helper.recordAt(safe, PROJECT, type(uint256).max)), abi.encode(none));
    }

    function testFuzz_record_is_per_sender_and_project(address stranger, bytes32 project) public {
        vm.assume(stranger != safe);
        vm.prank(safe);
        recordFrom(0);
        vm.startPrank(stranger);
        recordFrom(10);
        recordFrom(20);
        vm.stopPrank();
        vm.assertEq(helper.recordCount(safe, PROJECT), 1);
        checkRecord(safe, 0, 0, block.timestamp);
        if (project != PROJECT) vm.assertEq(helper.recordCount(safe, project), 0);
    }

    // post

    function testFuzz_post_only_raises(uint64 first, uint64 second) public {
        vm.assume(first != 0);
        vm.expectEmit(address(helper));
        emit ITidegate.Posted(safe, SALT, first);
        vm.prank(safe);
        helper.post(SALT, first);

        if (second <= first) {
            vm.expectRevert(abi.encodeWithSelector(ITidegate.NotRaised.selector, SALT, second, first));
        }
        vm.prank(safe);
        helper.post(SALT, second);
        vm.assertEq(helper.posted(safe, SALT), second > first ? second : first);
    }

    function test_post_says_nothing_with_zero() public {
        vm.expectRevert(abi.encodeWithSelector(ITidegate.NotRaised.selector, SALT, 0, 0));
        helper.post(SALT, 0);
    }

    function testFuzz_post_is_per_sender_and_subject(address stranger, bytes32 subject, uint64 until) public {
        vm.assume(stranger != safe && until != 0);
        vm.prank(stranger);
        helper.post(subject, until);
        vm.assertEq(helper.posted(stranger, subject), until);
        vm.assertEq(helper.posted(safe, subject), 0);
        if (subject != SALT) vm.assertEq(helper.posted(stranger, SALT), 0);
    }

    // What the tests above share

    function plain(uint256 value) internal pure returns (bytes memory) {
        return abi.encodePacked(type(Plain).creationCode, abi.encode(value));
    }

    /// The code's hash with its immutables, found by creating it once more for the same creator elsewhere.
    function hashOfPlain(uint256 value, address creator) internal returns (bytes32) {
        vm.prank(creator);
        return address(new Plain(value)).codehash;
    }

    function hashOfPaid(uint256 value) internal returns (bytes32) {
        vm.deal(address(this), value);
        return address(new Paid{value: value}()).codehash;
    }

    function guardedAddress(address sender, bytes32 salt, bytes memory initCode) internal view returns (address) {
        return create2Address(address(helper), keccak256(abi.encode(sender, salt)), initCode);
    }

    function wrongCode(address account, bytes32 expected, bytes32 actual) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ITidegate.WrongCode.selector, account, expected, actual);
    }

    function creationFailed(address account, bytes memory reason) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ITidegate.CreationFailed.selector, account, reason);
    }

    function digest(uint256 n) internal pure returns (bytes32) {
        return keccak256(abi.encode("digest", n));
    }

    /// Records with the five digests from number `n` on.
    function recordFrom(uint256 n) internal {
        helper.record(PROJECT, digest(n), digest(n + 1), digest(n + 2), digest(n + 3), digest(n + 4));
    }

    function checkRecord(address by, uint256 i, uint256 n, uint256 recordedAt) internal view {
        ITidegate.Record memory r = helper.recordAt(by, PROJECT, i);
        vm.assertEq(r.releaseRoot, digest(n));
        vm.assertEq(r.policyDigest, digest(n + 1));
        vm.assertEq(r.evidenceDigest, digest(n + 2));
        vm.assertEq(r.deploymentDigest, digest(n + 3));
        vm.assertEq(r.soakTerminalHash, digest(n + 4));
        vm.assertEq(r.recordedAt, recordedAt);
    }

    function checkPolicy(address by, bytes32 project, uint64 version, bytes32 expected, uint256 time) internal view {
        (bytes32 adopted, uint64 adoptedAt) = helper.policyAt(by, project, version);
        vm.assertEq(adopted, expected);
        vm.assertEq(adoptedAt, time);
    }
}
