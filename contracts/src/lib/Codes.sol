// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Codes: short ASCII names in one word
/// @notice Codes of departments, datasets, rules, logs and formats: 1 to 32 of `0-9 A-Z a-z - . / _`, zero padded on
/// the right. They are readable as they stand, and one text has exactly one word.
library Codes {
    /// @notice Not such a text.
    error CodesInvalid(bytes32 code);

    /// @dev One bit for each allowed ASCII byte: `-` `.` `/` `0-9` `A-Z` `_` `a-z`.
    uint256 private constant ALLOWED = (0x3ff << 0x30) | (0x7 << 0x2d) | (0x3ffffff << 0x41) | (1 << 0x5f)
        | (0x3ffffff << 0x61);

    /// @notice Reverts with {CodesInvalid} unless `code` is a code.
    function check(bytes32 code) internal pure {
        uint256 rest = uint256(code);
        if (rest == 0) revert CodesInvalid(code);
        // After the last character all the rest is zero, so an inner zero byte meets a later one and is not allowed.
        for (; rest != 0; rest <<= 8) {
            if ((ALLOWED >> (rest >> 248)) & 1 == 0) revert CodesInvalid(code);
        }
    }
}
