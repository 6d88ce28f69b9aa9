// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {CapMath} from "./CapMath.sol";
import {Registry} from "./Registry.sol";
import {
    AccessControlDefaultAdminRulesUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/extensions/AccessControlDefaultAdminRulesUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC4626Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/extensions/ERC4626Upgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A vault with a cap
/// @notice An ERC-4626 vault behind a UUPS proxy. It takes deposits up to a cap and earns nothing: it is here to be
/// deployed, soaked, audited and promoted.
/// @dev Pausing and the cap close the way in only. The way out is always open, or whoever may pause could hold
/// everybody's money.
/// @custom:oz-upgrades-unsafe-allow external-library-linking
contract Vault is ERC4626Upgradeable, AccessControlDefaultAdminRulesUpgradeable, PausableUpgradeable, UUPSUpgradeable {
    /// @notice May pause and unpause deposits.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    /// @notice May change the cap.
    bytes32 public constant CAP_ROLE = keccak256("CAP_ROLE");

    /// @notice How long a transfer of ownership waits at least.
    uint48 public constant OWNER_DELAY = 1 days;

    /// @notice Where this vault is listed. Part of the implementation's code, so it is the same for each proxy on it.
    /// @custom:oz-upgrades-unsafe-allow state-variable-immutable
    Registry public immutable registry;

    /// @custom:storage-location erc7201:tidegate.example.Vault
    struct VaultStorage {
        uint256 cap;
    }

    // keccak256(abi.encode(uint256(keccak256("tidegate.example.Vault")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant VAULT_STORAGE = 0x4be5d08911bd6406526ddc494eab1c6e5117bcca2e1305d3d3f0ee1dc7fdb100;

    /// @notice The cap changed.
    event CapChanged(uint256 before, uint256 cap);

    /// @notice `cap` is above `limit`, beyond which conversions could overflow.
    error CapTooLarge(uint256 cap, uint256 limit);

    /// @notice There is no code at `account`.
    error NotAContract(address account);

    /// @param registry_ The registry, of the same network.
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(address registry_) {
        registry = Registry(registry_);
        _disableInitializers();
    }

    /// @notice Sets up a proxy, once.
    /// @param asset_ The token that is deposited.
    /// @param cap_ How much of it may be inside.
    /// @param owner_ Owns the vault, may upgrade it, and holds both roles until it gives them to others.
    function initialize(address asset_, uint256 cap_, address owner_) external initializer {
        // Where the asset gives no answer, OpenZeppelin assumes 18 decimals. Anybody may create this proxy, so without
        // this check a stranger could do so before the asset is there, and the wrong decimals would stay.
        if (asset_.code.length == 0) revert NotAContract(asset_);
        __ERC20_init("Tidegate Vault", "tgVAULT");
        __ERC4626_init(IERC20(asset_));
        __AccessControlDefaultAdminRules_init(OWNER_DELAY, owner_);
        __Pausable_init();
        _grantRole(PAUSER_ROLE, owner_);
        _grantRole(CAP_ROLE, owner_);
        _setCap(cap_);
    }

    /// @notice Changes the cap. One below what is inside takes nothing out; it only closes the way in.
    function setCap(uint256 cap_) external onlyRole(CAP_ROLE) {
        _setCap(cap_);
    }

    /// @notice Stops deposits.
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @notice Allows deposits again.
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    /// @notice How much of the asset may be inside.
    function cap() public view returns (uint256) {
        return _vaultStorage().cap;
    }

    /// @notice How full the vault is, in hundredths of a percent of the cap.
    function fill() external view returns (uint256) {
        return CapMath.fill(cap(), totalAssets());
    }

    /// @notice Whether the registry lists this vault.
    function registered() external view returns (bool) {
        return registry.isRegistered(address(this));
    }

    /// @inheritdoc ERC4626Upgradeable
    function maxDeposit(address) public view override returns (uint256) {
        return paused() ? 0 : CapMath.room(cap(), totalAssets());
    }

    /// @inheritdoc ERC4626Upgradeable
    function maxMint(address receiver) public view override returns (uint256) {
        return convertToShares(maxDeposit(receiver));
    }

    /// Both ways in end here; a deposit of nothing passes the limits above and must still not pass a pause.
    function _deposit(address caller, address receiver, uint256 assets, uint256 shares)
        internal
        override
        whenNotPaused
    {
        super._deposit(caller, receiver, assets, shares);
    }

    /// A million shares for the smallest unit of the asset: who inflates the price of an empty vault's shares by a
    /// donation gives away far more than what rounding takes from the next depositor.
    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }

    /// The owner is the only holder of this role at any time.
    function _authorizeUpgrade(address) internal override onlyRole(DEFAULT_ADMIN_ROLE) {}

    function _setCap(uint256 cap_) private {
        uint256 limit = type(uint128).max;
        if (cap_ > limit) revert CapTooLarge(cap_, limit);
        VaultStorage storage $ = _vaultStorage();
        emit CapChanged($.cap, cap_);
        $.cap = cap_;
    }

    function _vaultStorage() private pure returns (VaultStorage storage $) {
        assembly ("memory-safe") {
            $.slot := VAULT_STORAGE
        }
    }
}
