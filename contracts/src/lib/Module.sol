// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartments} from "../interfaces/IDepartments.sol";
import {IJournal} from "../interfaces/IJournal.sol";
import {Signed} from "./Signed.sol";
import {AUTHORITY, MARK_NONE, MARK_SUPERIOR} from "./Terms.sol";

/// @title Module: what every module above Journal and Departments shares
abstract contract Module is Signed {
    IJournal internal immutable JOURNAL;
    IDepartments internal immutable DEPARTMENTS;

    constructor(IJournal journal) {
        JOURNAL = journal;
        DEPARTMENTS = IDepartments(journal.departments());
    }

    /// @dev For a constructor: the Journal must have named this very address.
    function _named(address predicted) internal view {
        if (predicted != address(this)) revert IJournal.JournalNotModule(address(this));
    }

    function _role(bytes32 department, uint16 held, uint16 needed) internal pure {
        if (held & needed == 0) revert IDepartments.DepartmentsRole(department, needed);
    }

    /// @dev An authority above `department`, or nothing; marks a superior that acts instead of the nearest one.
    function _above(bytes32 authority, uint16 roles, bytes32 department) internal view returns (uint8 marks) {
        _role(authority, roles, AUTHORITY);
        (bool above, bool nearest) = DEPARTMENTS.reach(authority, department);
        if (!above) revert IDepartments.DepartmentsJurisdiction(authority, department);
        return nearest ? MARK_NONE : MARK_SUPERIOR;
    }

    function _record(bytes32 digest, bytes[] calldata signatures) internal returns (uint256 index, bytes32 head) {
        return JOURNAL.record(digest, signatures);
    }
}
