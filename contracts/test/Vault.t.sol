// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {CapMath} from "../src/CapMath.sol";
import {MockUSDC} from "../src/MockUSDC.sol";
import {Registry} from "../src/Registry.sol";
import {Vault} from "../src/Vault.sol";
import {Base} from "./Base.sol";
import {ERC4626Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/extensions/ERC4626Upgradeable.sol";
import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// A later version, to upgrade to.
contract VaultV2 is Vault {
    constructor(address registry_) Vault(registry_) {}

    function generation() external pure returns (uint256) {
        return 2;
    }
}

/// @title The example protocol
contract VaultTest is Base {
    uint256 internal constant CAP = 250_000e6;

    address internal immutable owner = vm.addr(1);
    address internal immutable alice = vm.addr(2);
    address internal immutable bob = vm.addr(3);

    MockUSDC internal usdc;
    Registry internal registry;
    Vault internal implementation;
    Vault internal vault;

    function setUp() public {
        vm.warp(1_800_000_000);
        usdc = new MockUSDC();
        registry = new Registry(owner);
        implementation = new Vault(address(registry));
        vault = Vault(address(new ERC1967Proxy(address(implementation), initCall(address(usdc), CAP, owner))));
        vm.prank(owner);
        registry.register(address(vault));
    }

    // What it starts with

    function test_starts_as_told() public view {
        vm.assertEq(vault.owner(), owner);
        vm.assertEq(vault.asset(), address(usdc));
        vm.assertEq(vault.cap(), CAP);
        vm.assertEq(address(vault.registry()), address(registry));
        vm.assertEq(vault.decimals(), 12);
        vm.assertEq(vault.defaultAdminDelay(), 1 days);
        vm.assertTrue(vault.registered(), "the registry lists it");
        vm.assertTrue(vault.hasRole(vault.PAUSER_ROLE(), owner), "the owner may pause");
        vm.assertTrue(vault.hasRole(vault.CAP_ROLE(), owner), "the owner may set the cap");
        vm.assertFalse(vault.paused(), "it is open");
    }

    function test_initialises_only_once() public {
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        vault.initialize(address(usdc), CAP, alice);
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        implementation.initialize(address(usdc), CAP, alice);
    }

    function test_refuses_what_it_could_not_work_with() public {
        // An address without code answers nothing, and the wrong decimals would stay for ever.
        vm.expectRevert(abi.encodeWithSelector(Vault.NotAContract.selector, alice));
        new ERC1967Proxy(address(implementation), initCall(alice, CAP, owner));

        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlInvalidDefaultAdmin.selector, address(0)
            )
        );
        new ERC1967Proxy(address(implementation), initCall(address(usdc), CAP, address(0)));

        uint256 limit = type(uint128).max;
        vm.expectRevert(abi.encodeWithSelector(Vault.CapTooLarge.selector, limit + 1, limit));
        new ERC1967Proxy(address(implementation), initCall(address(usdc), limit + 1, owner));
    }

    function test_own_state_is_where_its_annotation_says() public view {
        bytes32 slot = keccak256(abi.encode(uint256(keccak256("tidegate.example.Vault")) - 1)) & ~bytes32(uint256(0xff));
        vm.assertEq(vm.load(address(vault), slot), bytes32(CAP));
    }

    function test_leaves_room_below_the_size_limit() public view {
        vm.assertLe(address(implementation).code.length, 20_000, "well below 24,576 bytes");
    }

    // The cap

    function test_takes_deposits_up_to_the_cap() public {
        deposit(alice, CAP - 1);
        vm.assertEq(vault.maxDeposit(bob), 1);
        vm.assertEq(vault.maxMint(bob), 1e6);
        vm.assertEq(vault.fill(), 9_999);
        expectTooMuch(bob, 2, 1);
        deposit(bob, 1);
        vm.assertEq(vault.fill(), 10_000);
        expectTooMuch(bob, 1, 0);
    }

    function test_lowered_cap_closes_the_way_in_only() public {
        deposit(alice, 100e6);
        vm.expectEmit(address(vault));
        emit Vault.CapChanged(CAP, 10e6);
        vm.prank(owner);
        vault.setCap(10e6);
        expectTooMuch(bob, 1, 0);

        vm.prank(alice);
        vault.withdraw(100e6, alice, alice);
        vm.assertEq(usdc.balanceOf(alice), 100e6);
        deposit(bob, 10e6);
    }

    function test_cap_is_for_its_role() public {
        bytes32 role = vault.CAP_ROLE();
        expectUnauthorized(alice, role);
        vault.setCap(1);

        vm.prank(owner);
        vault.grantRole(role, alice);
        vm.prank(alice);
        vault.setCap(1);
        vm.assertEq(vault.cap(), 1);
        vm.expectRevert(abi.encodeWithSelector(Vault.CapTooLarge.selector, uint256(1 << 128), (1 << 128) - 1));
        vm.prank(alice);
        vault.setCap(1 << 128);
    }

    /// Neither way in goes past the cap, and each takes as much as it says it would, whatever the price of a share is.
    function testFuzz_cap_holds(uint256 cap, uint256 first, uint256 donated, bool byShares) public {
        cap = bound(cap, 1, type(uint128).max);
        first = bound(first, 0, cap);
        donated = bound(donated, 0, type(uint128).max);
        vm.prank(owner);
        vault.setCap(cap);
        if (first != 0) deposit(alice, first);
        usdc.mint(address(vault), donated);

        uint256 room = first + donated < cap ? cap - first - donated : 0;
        vm.assertEq(vault.maxDeposit(bob), room);
        usdc.mint(bob, room);
        vm.startPrank(bob);
        usdc.approve(address(vault), room);
        if (byShares) vault.mint(vault.maxMint(bob), bob);
        else vault.deposit(room, bob);
        vm.stopPrank();
        if (room != 0) vm.assertLe(vault.totalAssets(), cap, "the cap holds");
        if (!byShares) vm.assertEq(vault.maxDeposit(bob), 0);
    }

    // Pausing

    function test_pause_closes_the_way_in_only() public {
        deposit(alice, 100e6);
        vm.prank(owner);
        vault.pause();
        vm.assertEq(vault.maxDeposit(bob), 0);
        vm.assertEq(vault.maxMint(bob), 0);
        expectTooMuch(bob, 1, 0);

        // Nothing is not above a limit of nothing, and still does not pass.
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        vault.deposit(0, bob);
        vm.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        vault.mint(0, bob);
        vm.stopPrank();

        vm.startPrank(alice);
        vault.withdraw(40e6, alice, alice);
        vault.redeem(vault.balanceOf(alice), alice, alice);
        vm.stopPrank();
        vm.assertEq(usdc.balanceOf(alice), 100e6);

        vm.prank(owner);
        vault.unpause();
        deposit(bob, 1);
    }

    function test_pause_is_for_its_role() public {
        bytes32 role = vault.PAUSER_ROLE();
        expectUnauthorized(alice, role);
        vault.pause();
        expectUnauthorized(alice, role);
        vault.unpause();

        vm.prank(owner);
        vault.grantRole(role, alice);
        vm.startPrank(alice);
        vault.pause();
        vault.unpause();
        vm.stopPrank();
    }

    // Upgrades and ownership

    function test_upgrade_is_for_the_owner() public {
        address next = address(new VaultV2(address(registry)));
        bytes32 pauser = vault.PAUSER_ROLE();
        vm.prank(owner);
        vault.grantRole(pauser, alice);
        expectUnauthorized(alice, 0);
        vault.upgradeToAndCall(next, "");

        deposit(alice, 100e6);
        vm.prank(owner);
        vault.upgradeToAndCall(next, "");
        vm.assertEq(VaultV2(address(vault)).generation(), 2);
        vm.assertEq(vault.cap(), CAP);
        vm.assertEq(vault.owner(), owner);
        vm.assertEq(vault.totalAssets(), 100e6);
    }

    function test_upgrade_goes_through_the_proxy_only() public {
        vm.expectRevert(abi.encodeWithSelector(UUPSUpgradeable.UUPSUnauthorizedCallContext.selector));
        vm.prank(owner);
        implementation.upgradeToAndCall(address(implementation), "");
    }

    function test_ownership_moves_in_two_steps() public {
        vm.prank(owner);
        vault.beginDefaultAdminTransfer(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlEnforcedDefaultAdminDelay.selector,
                uint48(block.timestamp + 1 days)
            )
        );
        vm.prank(alice);
        vault.acceptDefaultAdminTransfer();
        vm.assertEq(vault.owner(), owner);

        vm.warp(block.timestamp + 1 days + 1);
        vm.prank(alice);
        vault.acceptDefaultAdminTransfer();
        vm.assertEq(vault.owner(), alice);
    }

    // Shares

    /// Who comes in and goes out again gains nothing by it, and loses no more than one unit.
    function testFuzz_round_trip_gains_nothing(uint256 first, uint256 donated, uint256 assets) public {
        first = bound(first, 1, CAP / 4);
        donated = bound(donated, 0, CAP / 4);
        assets = bound(assets, 1, CAP / 4);
        deposit(bob, first);
        usdc.mint(address(vault), donated);

        deposit(alice, assets);
        uint256 shares = vault.balanceOf(alice);
        vm.prank(alice);
        vault.redeem(shares, alice, alice);
        vm.assertLe(usdc.balanceOf(alice), assets, "no gain");
        // A share's price is below a unit of the asset unless the vault was given far more than it was ever deposited.
        vm.assertGe(usdc.balanceOf(alice) + 1 + donated / (first * 1e6), assets, "no loss beyond rounding");
    }

    /// The first depositor cannot take from the second by inflating a share's price: it always costs more than it takes.
    function testFuzz_inflation_does_not_pay(uint256 seed, uint256 donated, uint256 assets) public {
        seed = bound(seed, 1, 1e6);
        donated = bound(donated, 0, CAP / 4);
        assets = bound(assets, 1, CAP / 4);
        deposit(alice, seed);
        usdc.mint(address(vault), donated);
        deposit(bob, assets);

        uint256 takes = vault.previewRedeem(vault.balanceOf(alice));
        vm.assertLe(takes, seed + donated, "the attack costs at least what it brings");
        uint256 left = vault.previewRedeem(vault.balanceOf(bob));
        // Rounding takes at most one share's price from the victim.
        vm.assertGe(left + 1 + (seed + donated) / (seed * 1e6), assets, "the victim keeps what was deposited");
    }

    /// A share's price is a thousand units then, and rounding takes one share's at most.
    function test_donation_to_the_empty_vault_takes_rounding_only() public {
        usdc.mint(address(vault), 1_000e6);
        deposit(bob, 1_000e6);
        vm.assertGe(vault.previewRedeem(vault.balanceOf(bob)), 1_000e6 - 1_001, "one share's price");
    }

    // Registry

    function test_registry_lists_for_its_owner() public {
        address second = address(usdc);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice));
        vm.prank(alice);
        registry.register(second);

        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(Registry.NotAContract.selector, alice));
        registry.register(alice);
        vm.expectRevert(abi.encodeWithSelector(Registry.AlreadyRegistered.selector, address(vault)));
        registry.register(address(vault));
        vm.expectEmit(address(registry));
        emit Registry.Registered(second);
        registry.register(second);
        vm.stopPrank();
        vm.assertEq(registry.vaultCount(), 2);
    }

    function test_registry_is_open_to_anybody_for_listed_vaults() public {
        vm.startPrank(alice);
        vm.expectEmit(address(registry));
        emit Registry.Noted(alice, address(vault), "topic");
        registry.note(address(vault), "topic");
        vm.assertEq(registry.noteCount(address(vault)), 1);

        registry.follow(address(vault), true);
        vm.assertTrue(registry.follows(alice, address(vault)), "alice follows");
        vm.assertFalse(registry.follows(bob, address(vault)), "nobody else does");
        registry.follow(address(vault), false);
        vm.assertFalse(registry.follows(alice, address(vault)), "alice ceased to");

        vm.expectRevert(abi.encodeWithSelector(Registry.NotRegistered.selector, bob));
        registry.note(bob, "topic");
        vm.expectRevert(abi.encodeWithSelector(Registry.NotRegistered.selector, bob));
        registry.follow(bob, true);
        vm.stopPrank();
    }

    // The library

    function testFuzz_capMath(uint256 cap, uint256 held) public pure {
        cap = bound(cap, 0, type(uint240).max);
        uint256 room = CapMath.room(cap, held);
        uint256 fill = CapMath.fill(cap, held);
        if (held < cap) {
            vm.assertEq(room + held, cap);
            vm.assertTrue(fill < 10_000, "not full");
        } else {
            vm.assertEq(room, 0);
            vm.assertEq(fill, 10_000);
        }
    }

    // What the tests above share

    function initCall(address asset, uint256 cap, address owner_) internal pure returns (bytes memory) {
        return abi.encodeCall(Vault.initialize, (asset, cap, owner_));
    }

    function deposit(address from, uint256 assets) internal {
        usdc.mint(from, assets);
        vm.startPrank(from);
        usdc.approve(address(vault), assets);
        vault.deposit(assets, from);
        vm.stopPrank();
    }

    /// Both ways in must refuse.
    function expectTooMuch(address from, uint256 assets, uint256 max) internal {
        vm.startPrank(from);
        vm.expectRevert(
            abi.encodeWithSelector(ERC4626Upgradeable.ERC4626ExceededMaxDeposit.selector, from, assets, max)
        );
        vault.deposit(assets, from);
        vm.expectRevert(
            abi.encodeWithSelector(ERC4626Upgradeable.ERC4626ExceededMaxMint.selector, from, assets * 1e6, max * 1e6)
        );
        vault.mint(assets * 1e6, from);
        vm.stopPrank();
    }

    /// The next call comes from `account`, which lacks `role`.
    function expectUnauthorized(address account, bytes32 role) internal {
        vm.expectRevert(abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, role));
        vm.prank(account);
    }
}
