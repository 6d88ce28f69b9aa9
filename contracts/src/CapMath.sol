// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title Arithmetic of a deposit cap
/// @notice A library of its own, with public functions: it is created first and linked into `Vault`.
library CapMath {
    /// @notice How much still fits under `cap` with `held` inside: nothing where the cap was lowered below it.
    function room(uint256 cap, uint256 held) public pure returns (uint256) {
        return held < cap ? cap - held : 0;
    }

    /// @notice How full a cap is, in hundredths of a percent, rounded down; a cap of zero is full.
    /// @dev `cap` must be below 2**240.
    function fill(uint256 cap, uint256 held) public pure returns (uint256) {
        return held < cap ? held * 10_000 / cap : 10_000;
    }
}
