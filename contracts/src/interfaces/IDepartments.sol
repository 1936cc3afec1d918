// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IDepartments: who exists, who stands above whom, whose keys may do what
/// @notice Departments form a tree under the root. *Above*: an authority is above the departments strictly below it in the
/// tree, and the root is above itself too. *The* authority of a department is the nearest one above it.
/// A key is enrolled once, in one department, and never again. Entry order counts, not signing time: what a key
/// signed before it was retired stays, what arrives afterwards is refused.
/// Objects: a department (its first act is RegisterDepartment, for the root the opening) and a key (EnrolKey, for the
/// root's first keys the opening).
interface IDepartments {
    /// @notice By the director of an authority, which is the parent or above it.
    struct RegisterDepartment {
        address signer;
        bytes32 department;
        bytes32 parent;
        uint8 level;
        uint16 roles;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the director of an authority that has the department, its old and its new parent in its subtree.
    struct ChangeDepartment {
        address signer;
        bytes32 department;
        bytes32 parent;
        uint8 level;
        uint16 roles;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the department's own director or the director of an authority above; the new key signs too.
    struct EnrolKey {
        address signer;
        address key;
        bytes32 department;
        uint8 kind;
        uint8 duty;
        uint8 custody;
        bytes32 mandate;
        uint48 start;
        uint48 until;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice As EnrolKey, but the key itself need not sign.
    struct RetireKey {
        address signer;
        address key;
        uint48 since;
        uint8 reason;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice A department as it is now; `level` is zero if there is none.
    struct Department {
        bytes32 parent;
        bytes32 last;
        uint8 level;
        uint16 roles;
        bool hadDirector;
    }

    /// @notice A key as it is now; `kind` is zero if it was never enrolled, `retired` is when it was, or zero.
    struct Key {
        bytes32 department;
        bytes32 last;
        uint8 kind;
        uint8 duty;
        uint8 custody;
        uint48 start;
        uint48 until;
        uint48 retired;
        uint48 since;
        uint8 reason;
    }

    event DepartmentRegistered(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, RegisterDepartment act
    );
    event DepartmentChanged(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, ChangeDepartment act
    );
    /// @notice Marked as a recovery if it came from above, for a department that once had a director.
    event KeyEnrolled(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, EnrolKey act
    );
    event KeyRetired(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, RetireKey act
    );

    /// @notice Never enrolled.
    error DepartmentsKeyUnknown(address key);
    /// @notice Retired: it signs nothing more.
    error DepartmentsKeyRetired(address key);
    /// @notice Its mandate begins only then.
    error DepartmentsKeyNotYet(address key, uint48 start);
    /// @notice Its mandate ended then.
    error DepartmentsKeyExpired(address key, uint48 until);
    /// @notice The key's duty is below what the act takes.
    error DepartmentsDuty(address key, uint8 held, uint8 needed);
    /// @notice The department lacks this role.
    error DepartmentsRole(bytes32 department, uint16 needed);
    /// @notice `authority` is not above `department`.
    error DepartmentsJurisdiction(bytes32 authority, bytes32 department);
    error DepartmentsUnknown(bytes32 department);
    /// @notice This code is taken.
    error DepartmentsKnown(bytes32 department);
    /// @notice No such level, or above the parent's.
    error DepartmentsLevel(uint8 level);
    /// @notice No such roles, or an authority below county level.
    error DepartmentsRoles(uint16 roles);
    /// @notice The new parent is the department itself or below it.
    error DepartmentsCycle(bytes32 department, bytes32 parent);
    /// @notice Kind, duty, custody or dates of the key make no sense; or a director key of the root without end, which
    /// counts as one that keeps the root in hands, would begin only later.
    error DepartmentsKeyTerms();
    /// @notice Enrolled before, perhaps retired since: a key is enrolled once.
    error DepartmentsKeyKnown(address key);
    /// @notice A key is retired since a past moment, not a coming one.
    error DepartmentsSince(uint48 since);
    error DepartmentsReason(uint8 reason);
    /// @notice The root's last director key without end can neither be retired nor expire.
    error DepartmentsLastRootKey(address key);

    function registerDepartment(RegisterDepartment calldata act, bytes[] calldata signatures) external;

    function changeDepartment(ChangeDepartment calldata act, bytes[] calldata signatures) external;

    function enrolKey(EnrolKey calldata act, bytes[] calldata signatures) external;

    function retireKey(RetireKey calldata act, bytes[] calldata signatures) external;

    /// @notice The first two steps of every act: reverts unless `key` is in force now and its duty is at least `duty`.
    /// @return department whose key it is. @return roles of that department. @return kind how the key signs.
    function authorise(address key, uint8 duty)
        external
        view
        returns (bytes32 department, uint16 roles, uint8 kind);

    /// @notice Whether `authority` is above `department`, and whether it is the nearest such.
    function reach(bytes32 authority, bytes32 department) external view returns (bool above, bool nearest);

    /// @notice The first half of {reach}.
    function isAbove(bytes32 authority, bytes32 department) external view returns (bool);

    /// @notice Whether `ancestor` is strictly above `department` in the tree, whatever its roles.
    function isBelow(bytes32 department, bytes32 ancestor) external view returns (bool);

    /// @notice The authority of a department; reverts with {DepartmentsUnknown}.
    function nearestAuthority(bytes32 department) external view returns (bytes32);

    /// @notice Reverts with {DepartmentsUnknown}.
    function rolesOf(bytes32 department) external view returns (uint16);

    function departmentOf(bytes32 department) external view returns (Department memory);

    function keyOf(address key) external view returns (Key memory);

    function root() external view returns (bytes32);

    /// @notice How many director keys without end the root has that are not retired: at least one.
    function rootKeys() external view returns (uint256);
}
