// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJournal} from "../interfaces/IJournal.sol";

bytes32 constant OPEN_LEDGER = keccak256(
    "OpenLedger(address departments,address datasets,address authorisations,address attestations,"
    "address rulebook,address checkpoints,address courier,bytes32 department,uint8 level,uint16 roles,"
    "bytes32 document,address firstKey,uint8 firstKind,address secondKey,uint8 secondKind,uint8 custody,"
    "address olderJournal,bytes32 olderHead,uint64 olderSize)"
);

/// @notice EIP-712 struct hash of the opening: Journal records it, Departments must have been given the same.
function openingHash(IJournal.OpenLedger memory act) pure returns (bytes32) {
    return keccak256(abi.encode(OPEN_LEDGER, act));
}
