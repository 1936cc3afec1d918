// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The numbers that acts carry, each set beginning at 1 so that a forgotten field is never a meaning.

// Level of a department; a child is never above its parent (Decree 809 art. 8).
uint8 constant LEVEL_FIRST = 1; // province
uint8 constant LEVEL_COUNTY = 3; // the lowest at which a department may be an authority (arts. 8, 30)
uint8 constant LEVEL_LAST = 5; // village

// Roles of a department, bits.
uint16 constant AUTHORITY = 1;
uint16 constant PROVIDER = 2;
uint16 constant CONSUMER = 4;
uint16 constant ATTESTOR = 8;
uint16 constant ROLES_ALL = 31; // the fifth bit is the auditor, who signs nothing

// Duty of a key; each may do what the one below may.
uint8 constant OFFICER = 1;
uint8 constant LEAD = 2;
uint8 constant DIRECTOR = 3;

// How a key signs.
uint8 constant KIND_ACCOUNT = 1; // ECDSA over secp256k1
uint8 constant KIND_CONTRACT = 2; // ERC-1271

// Who holds a key.
uint8 constant CUSTODY_FIRST = 1; // the department
uint8 constant CUSTODY_LAST = 2; // the host

// Share type of a dataset (Decree 809 art. 14).
uint8 constant UNCONDITIONAL = 1;
uint8 constant CONDITIONAL = 2;
uint8 constant NOT_SHARED = 3;

// Grade of a dataset (GB/T 43697).
uint8 constant GRADE_FIRST = 1;
uint8 constant GRADE_LAST = 5; // important
uint8 constant GRADE_CORE = 6; // refused

// What a reader must be told about an entry, bits.
uint8 constant MARK_NONE = 0;
uint8 constant MARK_RECOVERY = 1;
uint8 constant MARK_SUPERIOR = 2;
uint8 constant MARK_SELF = 4;
