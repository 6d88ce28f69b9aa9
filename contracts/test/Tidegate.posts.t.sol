// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Tidegate} from "../src/Tidegate.sol";
import {ITidegate} from "../src/interfaces/ITidegate.sol";
import {Base} from "./Base.sol";
import {Wallet} from "./Probes.sol";

/// @title What others post for who signed it, and what a batch requires of posts
/// @notice With `COMMITTED=true` in the environment the same tests run on the committed bytes instead of the source.
contract PostsTidegateTest is Base {
    uint256 private constant KEY = 7;

    /// The order of secp256k1.
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    address private immutable signer = vm.addr(KEY);

    ITidegate private helper;

    function setUp() public {
        helper = vm.envOr("COMMITTED", false) ? createCommittedHelper() : new Tidegate();
        vm.warp(1_800_000_000);
    }

    // postSigned

    function testFuzz_postSigned_is_the_signers_post(
        address payer,
        string calldata kind,
        string calldata text,
        bytes32 project,
        bytes32 subject,
        uint64 until
    ) public {
        vm.assume(until != 0);
        ITidegate.Statement memory s = statement();
        (s.kind, s.text, s.project, s.subject, s.expiresAt) = (kind, text, project, subject, until);

        bytes memory signature = signed(KEY, digestOf(s));
        vm.expectEmit(address(helper));
        emit ITidegate.Posted(signer, subjectOf(s), until);
        vm.prank(payer);
        helper.postSigned(s, signature);
        vm.assertEq(helper.posted(signer, subjectOf(s)), until);
        if (payer != signer) vm.assertEq(helper.posted(payer, subjectOf(s)), 0);
    }

    /// What anybody posts for somebody, and what they post themselves, is one notice, which only rises.
    function test_postSigned_only_raises() public {
        ITidegate.Statement memory s = statement();
        bytes memory signature = signed(KEY, digestOf(s));
        helper.postSigned(s, signature);
        vm.expectRevert(notRaised(s));
        helper.postSigned(s, signature);

        vm.prank(signer);
        helper.post(subjectOf(s), s.expiresAt + 1);
        vm.expectRevert(notRaised(s));
        helper.postSigned(s, signature);

        s.expiresAt += 2;
        helper.postSigned(s, signed(KEY, digestOf(s)));
        vm.assertEq(helper.posted(signer, subjectOf(s)), s.expiresAt);
    }

    /// Whatever is changed after signing, the signature is not over it.
    function testFuzz_postSigned_refuses_what_was_not_signed(uint256 field, uint32 change) public {
        vm.assume(change != 0);
        ITidegate.Statement memory s = statement();
        bytes memory signature = signed(KEY, digestOf(s));
        field %= 10;
        if (field == 0) s.signer = address(uint160(s.signer) + change);
        else if (field == 1) s.kind = "no-go";
        else if (field == 2) s.text = "Freeze nothing";
        else if (field == 3) s.project = bytes32(uint256(s.project) + change);
        else if (field == 4) s.subject = bytes32(uint256(s.subject) + change);
        else if (field == 5) s.bodyDigest = bytes32(uint256(s.bodyDigest) + change);
        else if (field == 6) s.blockNumber += change;
        else if (field == 7) s.blockHash = bytes32(uint256(s.blockHash) + change);
        else if (field == 8) s.issuedAt += change;
        else s.expiresAt += change;
        refused(s, signature);
        vm.assertEq(helper.posted(signer, subjectOf(s)), 0);
    }

    function testFuzz_postSigned_refuses_another_signer(uint256 key) public {
        key = bound(key, 1, ORDER - 1);
        vm.assume(key != KEY);
        ITidegate.Statement memory s = statement();
        refused(s, signed(key, digestOf(s)));
    }

    /// Signed for another chain, or for a contract elsewhere: nothing of it counts here.
    function testFuzz_postSigned_is_for_one_chain_and_helper(uint64 chain, address verifier) public {
        vm.assume(chain != 0 && chain != block.chainid && verifier != address(helper));
        ITidegate.Statement memory s = statement();
        refused(s, signed(KEY, digestOf(s, chain, address(helper))));
        refused(s, signed(KEY, digestOf(s, block.chainid, verifier)));
        bytes memory here = signed(KEY, digestOf(s));
        vm.chainId(chain);
        bytes32 there = digestOf(s, chain, address(helper));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.NotSigned.selector, s.signer, there));
        helper.postSigned(s, here);
    }

    function test_postSigned_takes_one_form_of_a_signature() public {
        ITidegate.Statement memory s = statement();
        (uint8 v, bytes32 r, bytes32 low) = vm.sign(KEY, digestOf(s));
        bytes32 high = bytes32(ORDER - uint256(low));
        refused(s, abi.encodePacked(r, high, v == 27 ? 28 : 27));
        refused(s, abi.encodePacked(r, low, v - 27));
        refused(s, abi.encodePacked(r, low, v + 4));
        refused(s, abi.encodePacked(r, low, v, v));
        refused(s, abi.encodePacked(r, bytes32(uint256(low) | uint256(v - 27) << 255)));
        refused(s, "");
        refused(s, new bytes(65));
        helper.postSigned(s, abi.encodePacked(r, low, v));
    }

    /// Recovery answers zero where it fails; nobody speaks in the name of that address.
    function testFuzz_postSigned_refuses_nobody(bytes32 r, bytes32 low, uint8 v) public {
        ITidegate.Statement memory s = statement();
        s.signer = address(0);
        refused(s, abi.encodePacked(r, low, v));
        refused(s, abi.encodePacked(bytes32(0), bytes32(0), uint8(27)));
    }

    function test_postSigned_asks_a_contract() public {
        ITidegate.Statement memory s = statement();
        bytes memory yes = abi.encode(bytes4(0x1626ba7e));
        walletOf(s, yes);
        // The key of an address that has code says nothing.
        refused(s, signed(KEY, digestOf(s)));
        helper.postSigned(s, "its own form");
        vm.assertEq(helper.posted(s.signer, subjectOf(s)), s.expiresAt);
    }

    /// Anything but the one word is a no: another word, one with something after it, less, more, and a revert.
    function test_postSigned_takes_only_the_word_of_a_contract() public {
        bytes[6] memory answers = [
            abi.encode(bytes4(0xffffffff)),
            abi.encode(uint256(1)),
            abi.encode(bytes32(bytes4(0x1626ba7e)) | bytes32(uint256(1))),
            abi.encodePacked(bytes4(0x1626ba7e)),
            abi.encode(bytes4(0x1626ba7e), 0),
            bytes("")
        ];
        for (uint256 i = 0; i < answers.length; i++) {
            ITidegate.Statement memory s = statement();
            walletOf(s, answers[i]);
            refused(s, "its own form");
        }
    }

    /// Code that an account borrows can be another one in the next block, so the key goes on signing for it.
    function test_postSigned_takes_the_key_of_a_delegating_account() public {
        ITidegate.Statement memory s = statement();
        address lent = address(new Wallet(digestOf(s), abi.encode(bytes4(0x1626ba7e))));
        vm.etch(signer, abi.encodePacked(hex"ef0100", lent));
        refused(s, "its own form");
        helper.postSigned(s, signed(KEY, digestOf(s)));
        vm.assertEq(helper.posted(signer, subjectOf(s)), s.expiresAt);
    }

    // requirePosted

    function testFuzz_requirePosted_compares_each(uint64[3] memory raised, uint64[3] memory seen) public {
        (address[] memory by, bytes32[] memory subject, uint64[] memory until) = lists(3);
        for (uint256 i = 0; i < 3; i++) {
            raised[i] %= 2;
            seen[i] %= 3;
            until[i] = raised[i];
            if (raised[i] == 0) continue;
            vm.prank(by[i]);
            helper.post(subject[i], raised[i]);
        }
        helper.requirePosted(by, subject, until);
        for (uint256 i = 3; i > 0; i--) {
            until[i - 1] = seen[i - 1];
            if (seen[i - 1] != raised[i - 1]) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        ITidegate.OtherPost.selector, by[i - 1], subject[i - 1], seen[i - 1], raised[i - 1]
                    )
                );
                helper.requirePosted(by, subject, until);
                return;
            }
        }
        helper.requirePosted(by, subject, until);
    }

    function test_requirePosted_lists_belong_together() public {
        helper.requirePosted(new address[](0), new bytes32[](0), new uint64[](0));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.LengthMismatch.selector, 1, 0));
        helper.requirePosted(new address[](1), new bytes32[](0), new uint64[](1));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.LengthMismatch.selector, 1, 2));
        helper.requirePosted(new address[](1), new bytes32[](1), new uint64[](2));
        vm.expectRevert(abi.encodeWithSelector(ITidegate.LengthMismatch.selector, 0, 1));
        helper.requirePosted(new address[](0), new bytes32[](0), new uint64[](1));
    }

    /// So many a batch checks at most: with their calldata they stay a small part of a block.
    function test_requirePosted_gas() public {
        (address[] memory by, bytes32[] memory subject, uint64[] memory until) = lists(256);
        bytes memory call = abi.encodeCall(helper.requirePosted, (by, subject, until));
        vm.assertEq(call.length, 4 + 32 * (6 + 3 * 256));
        uint256 before = gasleft();
        (bool done,) = address(helper).call(call);
        uint256 used = before - gasleft();
        vm.assertTrue(done, "nothing was posted");
        vm.assertLe(used, 800_000, "gas of 256 checks");
    }

    function test_postSigned_gas() public {
        ITidegate.Statement memory s = statement();
        bytes memory call = abi.encodeCall(helper.postSigned, (s, signed(KEY, digestOf(s))));
        uint256 before = gasleft();
        (bool done,) = address(helper).call(call);
        uint256 used = before - gasleft();
        vm.assertTrue(done, "it is posted");
        vm.assertLe(used, 50_000, "gas of a signed post");
    }

    // What the tests above share

    function statement() private view returns (ITidegate.Statement memory s) {
        s.signer = signer;
        s.kind = "freeze";
        s.text = "Freeze every promotion";
        s.project = keccak256("project");
        s.subject = keccak256("subject");
        s.bodyDigest = keccak256("body");
        s.blockNumber = 21_000_000;
        s.blockHash = keccak256("block");
        s.issuedAt = uint64(block.timestamp);
        s.expiresAt = uint64(block.timestamp + 1 days);
    }

    /// Gives the statement a wallet as its signer that answers about it; the digest has the wallet's address in it.
    function walletOf(ITidegate.Statement memory s, bytes memory answer) private {
        s.signer = vm.addr(KEY + 1);
        Wallet wallet = new Wallet(digestOf(s), answer);
        vm.etch(s.signer, address(wallet).code);
        copyStorage(address(wallet), s.signer, answer);
    }

    function copyStorage(address from, address to, bytes memory answer) private {
        for (uint256 slot = 0; slot < 2; slot++) {
            vm.store(to, bytes32(slot), vm.load(from, bytes32(slot)));
        }
        // Longer than 31 bytes, a byte string lies from the hash of its slot on.
        for (uint256 i = 0; i * 32 < answer.length; i++) {
            bytes32 slot = bytes32(uint256(keccak256(abi.encode(0))) + i);
            vm.store(to, slot, vm.load(from, slot));
        }
    }

    function lists(uint256 length)
        private
        pure
        returns (address[] memory by, bytes32[] memory subject, uint64[] memory until)
    {
        by = new address[](length);
        subject = new bytes32[](length);
        until = new uint64[](length);
        for (uint256 i = 0; i < length; i++) {
            by[i] = vm.addr(i + 1);
            subject[i] = keccak256(abi.encode("subject", i));
        }
    }

    function digestOf(ITidegate.Statement memory s) private view returns (bytes32) {
        return digestOf(s, block.chainid, address(helper));
    }

    function refused(ITidegate.Statement memory s, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(ITidegate.NotSigned.selector, s.signer, digestOf(s)));
        helper.postSigned(s, signature);
    }

    function notRaised(ITidegate.Statement memory s) private view returns (bytes memory) {
        uint64 present = helper.posted(s.signer, subjectOf(s));
        return abi.encodeWithSelector(ITidegate.NotRaised.selector, subjectOf(s), s.expiresAt, present);
    }
}
