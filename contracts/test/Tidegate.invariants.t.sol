// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ITidegate} from "../src/interfaces/ITidegate.sol";
import {Base} from "./Base.sol";
import {Hollow, Paid, Plain, Refusing, Returning, force} from "./Probes.sol";

/// @title Does to the helper whatever anybody could
/// @notice Every step here says beforehand whether it must succeed, so a call that should have been refused fails the
/// run at once; what was accepted is kept as a model, which the invariants compare with the helper.
contract Anybody is Base {
    struct Accepted {
        address account;
        bytes32 codeHash;
    }

    ITidegate private immutable helper;

    address[3] public actors = [vm.addr(1), vm.addr(2), vm.addr(3)];
    bytes32[2] public keys = [keccak256("one"), keccak256("two")];

    /// Money that was forced on the helper, which no code can refuse.
    uint256 public forced;

    /// Money that went into contracts.
    uint256 public sent;
    address[] private paid;

    Accepted[] private accepted;
    mapping(address account => bytes32) private expectedCode;

    mapping(address by => mapping(bytes32 project => bytes32[])) private adopted;
    mapping(address by => mapping(bytes32 project => bytes32[])) private recorded;
    mapping(address by => mapping(bytes32 subject => uint64)) public raised;

    constructor(ITidegate helper_) {
        helper = helper_;
    }

    // Creation

    /// Through the helper or straight through the proxy, with the right hash or another one.
    function createOnce(uint256 actor, uint256 salt, uint256 kind, bool straight, bool right) external {
        (bytes memory initCode, bytes32 codeHash, bool creatable) = creation(kind, 0, PROXY);
        bytes32 salt_ = bytes32(salt % 3);
        address account = create2Address(PROXY, salt_, initCode);
        bool present = account.code.length != 0;

        vm.prank(anActor(actor));
        if (straight) {
            vm.assertFalse(createByProxy(salt_, initCode) && present, "the proxy creates only once");
            return;
        }
        (bool done,) = address(helper).call{gas: 5_000_000}(
            abi.encodeCall(helper.createOnce, (salt_, initCode, right ? codeHash : ~codeHash))
        );
        vm.assertTrue(done == (right && creatable), "exactly the right creation is accepted");
        if (done) accepted.push(Accepted(account, codeHash));
    }

    function createGuarded(uint256 actor, uint256 salt, uint256 kind, uint256 value, bool right) external {
        address by = anActor(actor);
        value = bound(value, 0, 3) * 1 ether;
        (bytes memory initCode, bytes32 codeHash, bool creatable) = creation(kind, value, address(helper));
        bytes32 salt_ = bytes32(salt % 3);
        address account = create2Address(address(helper), keccak256(abi.encode(by, salt_)), initCode);
        bool present = account.code.length != 0;
        // What was created with another value has that one in its code.
        if (present) codeHash = expectedCode[account];

        vm.deal(by, value);
        vm.prank(by);
        (bool done,) = address(helper).call{value: value, gas: 5_000_000}(
            abi.encodeCall(helper.createGuarded, (salt_, initCode, right ? codeHash : ~codeHash))
        );
        vm.assertTrue(
            done == (right && creatable && !(present && value != 0)), "exactly the right creation is accepted"
        );
        vm.assertEq(by.balance, done ? 0 : value, "money goes in whole or not at all");
        if (!done) return;
        accepted.push(Accepted(account, codeHash));
        expectedCode[account] = codeHash;
        if (!present) {
            sent += value;
            paid.push(account);
        }
    }

    function forceMoney(uint256 value) external {
        value = bound(value, 1, 5 ether);
        vm.deal(address(this), value);
        force(address(helper), value);
        forced += value;
    }

    // Records

    function adoptPolicy(uint256 actor, uint256 key, uint64 version, bytes32 digest, bool next, bool late) external {
        address by = anActor(actor);
        bytes32[] storage mine = adopted[by][keys[key % 2]];
        if (next) version = uint64(mine.length + 1);
        vm.prank(by);
        uint256 before = late ? block.timestamp - 1 : block.timestamp;
        (bool done,) =
            address(helper).call(abi.encodeCall(helper.adoptPolicy, (keys[key % 2], digest, version, before)));
        vm.assertTrue(done == (version == mine.length + 1 && !late), "exactly the next version is accepted, in time");
        if (done) mine.push(digest);
    }

    function record(uint256 actor, uint256 key, bytes32 root) external {
        address by = anActor(actor);
        vm.prank(by);
        helper.record(keys[key % 2], root, 0, 0, 0, 0);
        recorded[by][keys[key % 2]].push(root);
    }

    function post(uint256 actor, uint256 key, uint64 until) external {
        address by = anActor(actor);
        uint64 present = raised[by][keys[key % 2]];
        vm.prank(by);
        (bool done,) = address(helper).call(abi.encodeCall(helper.post, (keys[key % 2], until)));
        vm.assertTrue(done == (until > present), "exactly a raise is accepted");
        if (done) raised[by][keys[key % 2]] = until;
    }

    /// Somebody posts what an actor, or somebody else in their name, signed for here or for elsewhere.
    function postSigned(uint256 payer, uint256 actor, uint256 key, uint64 until, uint256 by, bool here) external {
        ITidegate.Statement memory s;
        s.signer = anActor(actor);
        s.kind = "kind";
        s.subject = keys[key % 2];
        s.expiresAt = until;
        uint256 chain = here ? block.chainid : block.chainid + 1;
        bytes memory signature = signed(by % 3 + 1, digestOf(s, chain, address(helper)));
        bytes32 subject = subjectOf(s);
        uint64 present = raised[s.signer][subject];
        vm.prank(anActor(payer));
        (bool done,) = address(helper).call(abi.encodeCall(helper.postSigned, (s, signature)));
        bool right = here && by % 3 == actor % 3 && until > present;
        vm.assertTrue(done == right, "exactly a raise that its poster signed is accepted");
        if (done) raised[s.signer][subject] = until;
    }

    /// Whoever asks, each requirement holds exactly where the model says so.
    function requireWhatIs(uint256 actor, uint256 key, uint64 version, uint256 count, uint64 until) external {
        (address by, bytes32 key_) = (anActor(actor), keys[key % 2]);
        version = uint64(bound(version, 0, 2));
        count = bound(count, 0, 2);
        vm.startPrank(by);
        (bool done,) = address(helper).call(abi.encodeCall(helper.requirePolicy, (key_, version)));
        vm.assertTrue(done == (version == adopted[by][key_].length), "the version is the model's");
        (done,) = address(helper).call(abi.encodeCall(helper.requireRecords, (key_, count)));
        vm.assertTrue(done == (count == recorded[by][key_].length), "the count is the model's");
        (done,) = address(helper).call(requirePosts(by, until));
        vm.assertTrue(done == (raised[by][keys[0]] == until), "the posts are the model's");
        vm.stopPrank();
    }

    /// The first notice as it is claimed, the second as it is.
    function requirePosts(address by, uint64 until) private view returns (bytes memory) {
        address[] memory posters = new address[](2);
        bytes32[] memory subjects = new bytes32[](2);
        uint64[] memory times = new uint64[](2);
        (posters[0], posters[1]) = (by, by);
        (subjects[0], subjects[1]) = (keys[0], keys[1]);
        (times[0], times[1]) = (until, raised[by][keys[1]]);
        return abi.encodeCall(helper.requirePosted, (posters, subjects, times));
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 30 days));
    }

    // The model, compared

    function checkCode() external view {
        for (uint256 i = 0; i < accepted.length; i++) {
            vm.assertTrue(accepted[i].account.code.length != 0, "what was accepted is there");
            vm.assertEq(accepted[i].account.codehash, accepted[i].codeHash, "with the code it was accepted for");
        }
    }

    function checkMoney() external view {
        uint256 held;
        for (uint256 i = 0; i < paid.length; i++) {
            held += paid[i].balance;
        }
        vm.assertEq(held, sent, "all money is where it was sent");
        vm.assertEq(address(helper).balance, forced, "and none of it in the helper");
    }

    function checkRecords() external view {
        for (uint256 a = 0; a < 3; a++) {
            for (uint256 k = 0; k < 2; k++) {
                checkPolicies(actors[a], keys[k]);
                bytes32[] storage roots = recorded[actors[a]][keys[k]];
                vm.assertEq(helper.recordCount(actors[a], keys[k]), roots.length, "every record counts");
                for (uint256 i = 0; i < roots.length; i++) {
                    vm.assertEq(helper.recordAt(actors[a], keys[k], i).releaseRoot, roots[i], "and stays");
                }
                checkPosts(actors[a], keys[k]);
            }
        }
    }

    /// Under the subject itself, and under that of a statement about it.
    function checkPosts(address by, bytes32 subject) private view {
        ITidegate.Statement memory s;
        (s.kind, s.subject) = ("kind", subject);
        vm.assertEq(helper.posted(by, subject), raised[by][subject], "a notice never falls");
        vm.assertEq(helper.posted(by, subjectOf(s)), raised[by][subjectOf(s)], "nor one that was signed");
    }

    function checkPolicies(address by, bytes32 project) private view {
        bytes32[] storage digests = adopted[by][project];
        vm.assertEq(helper.policyVersion(by, project), digests.length, "versions count up one by one");
        uint64 before;
        for (uint64 i = 0; i < digests.length; i++) {
            (bytes32 digest, uint64 adoptedAt) = helper.policyAt(by, project, i + 1);
            vm.assertEq(digest, digests[i], "no version is overwritten");
            vm.assertTrue(adoptedAt != 0 && adoptedAt >= before, "and their times follow one another");
            before = adoptedAt;
        }
        (, uint64 none) = helper.policyAt(by, project, uint64(digests.length + 1));
        vm.assertEq(none, 0, "there is none after the last");
    }

    // Choices

    function anActor(uint256 actor) private view returns (address) {
        return actors[actor % 3];
    }

    /// One of the ways a creation can go: its code, the hash it leads to, and whether it can be accepted at all.
    function creation(uint256 kind, uint256 value, address creator)
        private
        returns (bytes memory initCode, bytes32 codeHash, bool creatable)
    {
        kind %= 5;
        if (kind == 0) {
            initCode = abi.encodePacked(type(Plain).creationCode, abi.encode(7));
            vm.prank(creator);
            codeHash = address(new Plain(7)).codehash;
            // Its constructor takes no money.
            creatable = value == 0;
        } else if (kind == 1) {
            initCode = type(Paid).creationCode;
            vm.deal(address(this), value);
            codeHash = address(new Paid{value: value}()).codehash;
            creatable = true;
        } else if (kind == 2) {
            initCode = type(Refusing).creationCode;
            codeHash = keccak256(type(Refusing).runtimeCode);
        } else if (kind == 3) {
            initCode = type(Hollow).creationCode;
            codeHash = keccak256("");
        } else {
            initCode = type(Returning).creationCode;
            codeHash = keccak256(type(Returning).runtimeCode);
            creatable = value == 0;
        }
    }
}

/// @title What holds for the helper whatever anybody does
/// @notice On the committed bytes, since those are what will hold it.
contract TidegateInvariants is Base {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Anybody private anybody;

    function setUp() public {
        vm.warp(1_800_000_000);
        anybody = new Anybody(createCommittedHelper());
    }

    /// Read by forge: only these are called, so the checks themselves are not.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = Anybody.createOnce.selector;
        selectors[1] = Anybody.createGuarded.selector;
        selectors[2] = Anybody.forceMoney.selector;
        selectors[3] = Anybody.adoptPolicy.selector;
        selectors[4] = Anybody.record.selector;
        selectors[5] = Anybody.post.selector;
        selectors[6] = Anybody.wait.selector;
        selectors[7] = Anybody.postSigned.selector;
        selectors[8] = Anybody.requireWhatIs.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(anybody), selectors);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(anybody);
    }

    /// All in one, since the runs, which take the time, would be the same for each: what was accepted has the right code,
    /// no money stays but what was forced on the helper, versions have no gap, nothing is overwritten or written for
    /// somebody else, and no notice falls.
    function invariant_helper_agrees_with_the_model() public view {
        anybody.checkCode();
        anybody.checkMoney();
        anybody.checkRecords();
    }
}
