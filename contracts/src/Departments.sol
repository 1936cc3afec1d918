// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartments} from "./interfaces/IDepartments.sol";
import {IJournal} from "./interfaces/IJournal.sol";
import {Codes} from "./lib/Codes.sol";
import {openingHash} from "./lib/Opening.sol";
import {Signed, domainOf, typedDigest} from "./lib/Signed.sol";
import {
    AUTHORITY,
    CUSTODY_FIRST,
    CUSTODY_LAST,
    DIRECTOR,
    KIND_ACCOUNT,
    KIND_CONTRACT,
    LEVEL_COUNTY,
    LEVEL_FIRST,
    LEVEL_LAST,
    MARK_NONE,
    MARK_RECOVERY,
    OFFICER,
    ROLES_ALL
} from "./lib/Terms.sol";

/// @title Departments: see {IDepartments}
/// @dev Authority is found by walking up the tree; how deep a subtree is, is in the hands of the authorities above it.
contract Departments is IDepartments, Signed {
    bytes32 private constant REGISTER_DEPARTMENT = keccak256(
        "RegisterDepartment(address signer,bytes32 department,bytes32 parent,uint8 level,uint16 roles,"
        "bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant CHANGE_DEPARTMENT = keccak256(
        "ChangeDepartment(address signer,bytes32 department,bytes32 parent,uint8 level,uint16 roles,"
        "bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant ENROL_KEY = keccak256(
        "EnrolKey(address signer,address key,bytes32 department,uint8 kind,uint8 duty,uint8 custody,"
        "bytes32 mandate,uint48 start,uint48 until,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant RETIRE_KEY = keccak256(
        "RetireKey(address signer,address key,uint48 since,uint8 reason,bytes32 document,bytes32 prior,"
        "uint48 validUntil)"
    );

    uint8 private constant REASON_FIRST = 1;
    uint8 private constant REASON_LAST = 4;

    IJournal private immutable JOURNAL;
    bytes32 private immutable ROOT;

    mapping(bytes32 code => Department) private _departments;
    mapping(address key => Key) private _keys;
    uint256 private _rootKeys;

    constructor(IJournal journal, IJournal.OpenLedger memory act) {
        if (journal.departments() != address(this)) revert IJournal.JournalNotModule(address(this));
        bytes32 digest = typedDigest(domainOf(address(journal)), openingHash(act));
        if (digest != journal.opening()) revert IJournal.JournalOpening();
        JOURNAL = journal;
        ROOT = act.department;
        _departments[act.department] = Department(bytes32(0), digest, act.level, act.roles, true);
        _openingKey(act.firstKey, act.firstKind, act, digest);
        if (act.secondKey != address(0)) _openingKey(act.secondKey, act.secondKind, act, digest);
    }

    function registerDepartment(RegisterDepartment calldata act, bytes[] calldata signatures) external {
        (bytes32 signed, uint16 roles, uint8 kind) = authorise(act.signer, DIRECTOR);
        if (roles & AUTHORITY == 0) revert DepartmentsRole(signed, AUTHORITY);
        uint8 parentLevel = _levelOf(act.parent);
        if (!_inside(act.parent, signed)) revert DepartmentsJurisdiction(signed, act.parent);
        bytes32 digest =
            _signed(keccak256(abi.encode(REGISTER_DEPARTMENT, act)), act.validUntil, act.signer, kind, signatures);
        Codes.check(act.department);
        if (_departments[act.department].level != 0) revert DepartmentsKnown(act.department);
        _checkRank(act.level, act.roles, parentLevel);
        _departments[act.department] = Department(act.parent, digest, act.level, act.roles, false);
        (uint256 index, bytes32 head) = JOURNAL.record(digest, signatures);
        emit DepartmentRegistered(digest, index, head, signed, MARK_NONE, act);
    }

    function changeDepartment(ChangeDepartment calldata act, bytes[] calldata signatures) external {
        (bytes32 signed, uint16 roles, uint8 kind) = authorise(act.signer, DIRECTOR);
        if (roles & AUTHORITY == 0) revert DepartmentsRole(signed, AUTHORITY);
        _levelOf(act.department);
        if (!isBelow(act.department, signed)) revert DepartmentsJurisdiction(signed, act.department);
        uint8 parentLevel = _levelOf(act.parent);
        if (!_inside(act.parent, signed)) revert DepartmentsJurisdiction(signed, act.parent);
        bytes32 digest =
            _signed(keccak256(abi.encode(CHANGE_DEPARTMENT, act)), act.validUntil, act.signer, kind, signatures);
        Department storage department = _departments[act.department];
        _follows(department.last, act.prior);
        if (_inside(act.parent, act.department)) revert DepartmentsCycle(act.department, act.parent);
        _checkRank(act.level, act.roles, parentLevel);
        department.parent = act.parent;
        department.last = digest;
        department.level = act.level;
        department.roles = act.roles;
        (uint256 index, bytes32 head) = JOURNAL.record(digest, signatures);
        emit DepartmentChanged(digest, index, head, signed, MARK_NONE, act);
    }

    function enrolKey(EnrolKey calldata act, bytes[] calldata signatures) external {
        (bytes32 signed, uint16 roles, uint8 kind) = authorise(act.signer, DIRECTOR);
        _levelOf(act.department);
        _ownOrBelow(signed, roles, act.department);
        _fresh(act.validUntil, signatures.length, 2);
        bytes32 digest = typedDigest(DOMAIN, keccak256(abi.encode(ENROL_KEY, act)));
        _signature(digest, act.signer, kind, signatures[0]);
        _signature(digest, act.key, act.kind, signatures[1]);
        _checkTerms(act);
        if (_keys[act.key].kind != 0) revert DepartmentsKeyKnown(act.key);
        uint8 marks = signed != act.department && _departments[act.department].hadDirector ? MARK_RECOVERY : MARK_NONE;
        _enrol(
            act.key,
            Key(act.department, digest, act.kind, act.duty, act.custody, act.start, act.until, 0, 0, 0)
        );
        (uint256 index, bytes32 head) = JOURNAL.record(digest, signatures);
        emit KeyEnrolled(digest, index, head, signed, marks, act);
    }

    function retireKey(RetireKey calldata act, bytes[] calldata signatures) external {
        (bytes32 signed, uint16 roles, uint8 kind) = authorise(act.signer, DIRECTOR);
        Key storage key = _keys[act.key];
        if (key.kind == 0) revert DepartmentsKeyUnknown(act.key);
        _ownOrBelow(signed, roles, key.department);
        bytes32 digest = _signed(keccak256(abi.encode(RETIRE_KEY, act)), act.validUntil, act.signer, kind, signatures);
        _follows(key.last, act.prior);
        if (key.retired != 0) revert DepartmentsKeyRetired(act.key);
        if (act.since > block.timestamp) revert DepartmentsSince(act.since);
        if (act.reason < REASON_FIRST || act.reason > REASON_LAST) revert DepartmentsReason(act.reason);
        if (_holdsRoot(key)) {
            if (_rootKeys == 1) revert DepartmentsLastRootKey(act.key);
            _rootKeys--;
        }
        key.last = digest;
        key.retired = uint48(block.timestamp);
        key.since = act.since;
        key.reason = act.reason;
        (uint256 index, bytes32 head) = JOURNAL.record(digest, signatures);
        emit KeyRetired(digest, index, head, signed, MARK_NONE, act);
    }

    function reach(bytes32 authority, bytes32 department) external view returns (bool above, bool nearest) {
        return _reach(authority, department);
    }

    function isAbove(bytes32 authority, bytes32 department) external view returns (bool above) {
        (above,) = _reach(authority, department);
    }

    function nearestAuthority(bytes32 department) external view returns (bytes32) {
        _levelOf(department);
        if (department == ROOT) return ROOT;
        bytes32 code = _departments[department].parent;
        while (_departments[code].roles & AUTHORITY == 0) code = _departments[code].parent; // ends at the root
        return code;
    }

    function rolesOf(bytes32 department) external view returns (uint16) {
        _levelOf(department);
        return _departments[department].roles;
    }

    function departmentOf(bytes32 department) external view returns (Department memory) {
        return _departments[department];
    }

    function keyOf(address key) external view returns (Key memory) {
        return _keys[key];
    }

    function root() external view returns (bytes32) {
        return ROOT;
    }

    function rootKeys() external view returns (uint256) {
        return _rootKeys;
    }

    function authorise(address key, uint8 duty)
        public
        view
        returns (bytes32 department, uint16 roles, uint8 kind)
    {
        Key storage found = _keys[key];
        kind = found.kind;
        if (kind == 0) revert DepartmentsKeyUnknown(key);
        if (found.retired != 0) revert DepartmentsKeyRetired(key);
        if (block.timestamp < found.start) revert DepartmentsKeyNotYet(key, found.start);
        if (found.until != 0 && block.timestamp > found.until) revert DepartmentsKeyExpired(key, found.until);
        if (found.duty < duty) revert DepartmentsDuty(key, found.duty, duty);
        department = found.department;
        roles = _departments[department].roles;
    }

    function isBelow(bytes32 department, bytes32 ancestor) public view returns (bool) {
        bytes32 code = _departments[department].parent;
        while (code != 0 && code != ancestor) code = _departments[code].parent;
        return code != 0;
    }

    function _reach(bytes32 authority, bytes32 department) private view returns (bool above, bool nearest) {
        if (department == ROOT) return (authority == ROOT, authority == ROOT);
        nearest = true;
        for (bytes32 code = _departments[department].parent; code != 0; code = _departments[code].parent) {
            bool holds = _departments[code].roles & AUTHORITY != 0;
            if (code == authority) return (holds, holds && nearest);
            if (holds) nearest = false;
        }
        return (false, false);
    }

    function _inside(bytes32 department, bytes32 ancestor) private view returns (bool) {
        return department == ancestor || isBelow(department, ancestor);
    }

    function _ownOrBelow(bytes32 signed, uint16 roles, bytes32 department) private view {
        if (signed == department) return;
        if (roles & AUTHORITY == 0 || !isBelow(department, signed)) revert DepartmentsJurisdiction(signed, department);
    }

    function _levelOf(bytes32 department) private view returns (uint8 level) {
        level = _departments[department].level;
        if (level == 0) revert DepartmentsUnknown(department);
    }

    function _checkRank(uint8 level, uint16 roles, uint8 parentLevel) private pure {
        if (level < LEVEL_FIRST || level > LEVEL_LAST || level < parentLevel) revert DepartmentsLevel(level);
        if (roles > ROLES_ALL || (roles & AUTHORITY != 0 && level > LEVEL_COUNTY)) revert DepartmentsRoles(roles);
    }

    function _checkTerms(EnrolKey calldata act) private view {
        bool who = act.key != address(0) && (act.kind == KIND_ACCOUNT || act.kind == KIND_CONTRACT)
            && act.duty >= OFFICER && act.duty <= DIRECTOR && act.custody >= CUSTODY_FIRST && act.custody <= CUSTODY_LAST;
        bool when = act.until == 0 || (act.until > block.timestamp && act.until > act.start);
        // What keeps the root in hands must be able to sign at once: of keys to come it may have any, with an end.
        bool waits = act.start > block.timestamp && act.until == 0 && act.duty == DIRECTOR && act.department == ROOT;
        if (!who || !when || waits) revert DepartmentsKeyTerms();
    }

    function _openingKey(address key, uint8 kind, IJournal.OpenLedger memory act, bytes32 digest) private {
        _enrol(key, Key(act.department, digest, kind, DIRECTOR, act.custody, 0, 0, 0, 0, 0));
    }

    function _enrol(address account, Key memory key) private {
        _keys[account] = key;
        if (key.duty == DIRECTOR && !_departments[key.department].hadDirector) {
            _departments[key.department].hadDirector = true;
        }
        if (key.department == ROOT && key.duty == DIRECTOR && key.until == 0) _rootKeys++;
    }

    function _holdsRoot(Key storage key) private view returns (bool) {
        return key.department == ROOT && key.duty == DIRECTOR && key.until == 0;
    }
}
