// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acts} from "./Acts.sol";

uint256 constant AUTHORITY = 1;
uint256 constant PROVIDER = 2;
uint256 constant CONSUMER = 4;
uint256 constant ATTESTOR = 8;

/// What the ledger holds, remembered by the tests and never read from the contracts.
abstract contract Model is Acts {
    struct Department {
        bytes32 parent;
        bytes32 last;
        uint8 level; // 0: there is none
        uint16 roles;
    }

    struct Key {
        bytes32 department;
        bytes32 last;
        uint8 kind; // 0: never enrolled
        uint8 duty;
        uint48 start;
        uint48 until;
        bool retired;
    }

    struct Dataset {
        bytes32 provider;
        bytes32 last;
        bytes32 pending;
        bytes32 published;
        bytes32 line;
        uint32 versions;
        bool withdrawn;
    }

    struct Version {
        bytes32 dataset;
        uint32 number;
        bool shredded;
    }

    struct Share {
        bytes32 consumer;
        bytes32 dataset;
        bytes32 last;
        bytes32 suspendedBy;
        uint48 until;
        uint8 stage; // 0 none 1 requested 2 supplement asked 3 agreed 4 delivered 5 confirmed 6 refused 7 withdrawn 8 ended
        uint8 shareType;
        bool asked;
        bool extended;
    }

    struct Attestation {
        bytes32 attestor;
        bytes32 last;
        bool withdrawn;
    }

    struct Correction {
        bytes32 version;
        bytes32 last;
        uint8 outcome;
    }

    struct Rule {
        bytes32 last;
        uint8 kind;
    }

    struct Log {
        bytes32 last;
        uint64 size;
    }

    bool internal closed;
    bytes32 internal lastOfJournal;
    mapping(address module => bool) internal admitted;
    mapping(bytes32 code => Department) internal tree;
    mapping(address key => Key) internal keys;
    mapping(bytes32 code => Dataset) internal catalogue;
    mapping(bytes32 revision => uint8 shareType) internal revisions;
    mapping(bytes32 id => Version) internal versions;
    mapping(bytes32 dataset => mapping(uint256 number => bytes32 id)) internal lines;
    mapping(bytes32 id => Share) internal shares;
    mapping(bytes32 id => Attestation) internal attested;
    mapping(bytes32 id => Correction) internal doubts;
    mapping(bytes32 department => mapping(bytes32 rule => Rule)) internal rules;
    mapping(bytes32 department => mapping(bytes32 log => Log)) internal logs;

    bytes32[] internal codes; // of departments, the root first
    address[] internal enrolled;
    mapping(bytes32 department => address[]) internal staff;
    bytes32[] internal datasetCodes;
    bytes32[] internal versionIds;
    bytes32[] internal shareIds;
    bytes32[] internal attestationIds;
    bytes32[] internal correctionIds;

    function _opened(address firstKey, address secondKey) internal {
        bytes32 opening = journal.opening();
        tree[ROOT] = Department(0, opening, 2, 1);
        codes.push(ROOT);
        keys[firstKey] = Key(ROOT, opening, 1, 3, 0, 0, false);
        keys[secondKey] = Key(ROOT, opening, 1, 3, 0, 0, false);
        enrolled.push(firstKey);
        enrolled.push(secondKey);
        staff[ROOT] = enrolled;
    }

    function _isCode(bytes32 word) internal pure returns (bool) {
        uint256 length = 0;
        while (length < 32 && word[length] != 0) {
            bytes1 sign = word[length++];
            bool fits = (sign >= "0" && sign <= "9") || (sign >= "a" && sign <= "z") || (sign >= "A" && sign <= "Z")
                || sign == "-" || sign == "." || sign == "/" || sign == "_";
            if (!fits) return false;
        }
        return length > 0 && uint256(word) << (8 * length) == 0;
    }

    // who stands where

    /// Whether `above` is a strict ancestor.
    function _below(bytes32 code, bytes32 above) internal view returns (bool) {
        if (above == 0) return false;
        for (code = tree[code].parent; code != 0; code = tree[code].parent) {
            if (code == above) return true;
        }
        return false;
    }

    function _within(bytes32 code, bytes32 top) internal view returns (bool) {
        return code == top || _below(code, top);
    }

    function _plays(bytes32 code, uint256 role) internal view returns (bool) {
        return tree[code].roles & role != 0;
    }

    /// Whether it may act as an authority over the other; the root may over itself.
    function _over(bytes32 authority, bytes32 code) internal view returns (bool) {
        return _plays(authority, AUTHORITY) && (_below(code, authority) || (code == ROOT && authority == ROOT));
    }

    function _exists(bytes32 code) internal view returns (bool) {
        return tree[code].level != 0;
    }

    function _inForce(Key storage key) internal view returns (bool) {
        return key.kind != 0 && !key.retired && key.start <= block.timestamp
            && (key.until == 0 || block.timestamp <= key.until);
    }

    /// A director key of the root that neither ended nor will.
    function _standing(Key storage key) internal view returns (bool) {
        return key.department == ROOT && key.duty == 3 && key.until == 0 && !key.retired;
    }

    function _standingKeys() internal view returns (uint256 count) {
        for (uint256 i = 0; i < staff[ROOT].length; i++) {
            if (_standing(keys[staff[ROOT][i]])) count++;
        }
    }
}
