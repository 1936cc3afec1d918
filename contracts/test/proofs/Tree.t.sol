// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {vm} from "../lib/Vm.sol";
import {Proofs, svm} from "./Proofs.sol";

/// Who may change departments and keys, in a tree of four, and that the root stays in hands.
contract TreeProof is Proofs {
    function _forget() internal override {
        _forgetDepartments();
        _plantTree();
    }

    function _signer(bytes32 department) private returns (IDepartments.Key memory key) {
        key = _employ(SIGNER, 3, department);
        vm.warp(svm.createUint(48, "time"));
    }

    /// By a director of the department itself or of an authority above; another key's terms stay as they are.
    function check_retiring(IDepartments.RetireKey memory act, bytes32 there, address other) public {
        act.signer = SIGNER;
        IDepartments.Key memory key = _signer("A");
        IDepartments.Key memory about = _retired(act, there);
        IDepartments.Key memory before = departments.keyOf(other);
        uint256 standing = departments.rootKeys();
        if (!_succeeds(address(departments), abi.encodeCall(IDepartments.retireKey, (act, _signatures(1))))) return;
        _assertInForce(key, 3, act.validUntil);
        _assertOwnOrBelow(key.department, about.department);
        assert(about.kind != 0 && about.retired == 0 && act.prior == about.last);
        IDepartments.Key memory then = departments.keyOf(other);
        if (other != act.key) assert(keccak256(abi.encode(then)) == keccak256(abi.encode(before)));
        else assert(then.retired == block.timestamp && then.department == before.department && then.duty == before.duty);
        bool keepsRoot = about.department == ROOT && about.duty == 3 && about.until == 0;
        assert(departments.rootKeys() == (keepsRoot ? standing - 1 : standing));
        if (keepsRoot) assert(standing > 1 || standing == 0); // 0 is not reachable: see the next
    }

    /// The key that is to be retired: the signer's own, or another of any department.
    function _retired(IDepartments.RetireKey memory act, bytes32 there) private returns (IDepartments.Key memory) {
        if (act.key == SIGNER) act.key = SIGNER;
        else {
            act.key = ANOTHER;
            _seat(ANOTHER, there);
        }
        return departments.keyOf(act.key);
    }

    /// However many keys the root has, it has one afterwards.
    function check_the_root_keeps_a_key(IDepartments.RetireKey memory act) public {
        act.signer = SIGNER;
        IDepartments.Key memory key = _signer(ROOT);
        vm.assume(departments.rootKeys() >= 1);
        _retired(act, ROOT);
        if (!_succeeds(address(departments), abi.encodeCall(IDepartments.retireKey, (act, _signatures(1))))) return;
        _assertInForce(key, 3, act.validUntil);
        assert(departments.rootKeys() >= 1);
    }

    /// A key is enrolled once; by a director of the department or of an authority above; others stay as they are.
    function check_enrolling(IDepartments.EnrolKey memory act, address other) public {
        act.signer = SIGNER;
        IDepartments.Key memory key = _signer("A");
        vm.assume(act.kind != 2);
        act.department = _oneOfFour(act.department);
        IDepartments.Key memory before = departments.keyOf(other);
        IDepartments.Key memory about = departments.keyOf(act.key);
        uint256 standing = departments.rootKeys();
        vm.assume(standing < type(uint256).max);
        if (!_succeeds(address(departments), abi.encodeCall(IDepartments.enrolKey, (act, _signatures(2))))) return;
        _assertInForce(key, 3, act.validUntil);
        _assertOwnOrBelow(key.department, act.department);
        assert(about.kind == 0 && act.kind == 1 && act.duty >= 1 && act.duty <= 3);
        assert(act.until == 0 || (act.until > block.timestamp && act.until > act.start));
        if (other != act.key) assert(keccak256(abi.encode(departments.keyOf(other))) == keccak256(abi.encode(before)));
        bool keepsRoot = act.department == ROOT && act.duty == 3 && act.until == 0;
        assert(departments.rootKeys() == (keepsRoot ? standing + 1 : standing));
    }

    /// A key that keeps the root in hands can sign as soon as it is enrolled, so that the last one left always can.
    function check_what_keeps_the_root_signs_at_once(IDepartments.EnrolKey memory act) public {
        IDepartments.Key memory key = _signer(ROOT);
        (act.signer, act.department, act.duty, act.until, act.kind) = (SIGNER, ROOT, 3, 0, 1);
        uint256 standing = departments.rootKeys();
        vm.assume(standing < type(uint256).max);
        if (!_succeeds(address(departments), abi.encodeCall(IDepartments.enrolKey, (act, _signatures(2))))) return;
        _assertInForce(key, 3, act.validUntil);
        assert(departments.rootKeys() == standing + 1 && act.start <= block.timestamp);
        (bytes32 home,,) = departments.authorise(act.key, 3);
        assert(home == ROOT);
    }

    /// What is moved, where it was and where it goes all lie in the signer's subtree; nothing moves below itself.
    function check_moving(IDepartments.ChangeDepartment memory act, bytes32 other) public {
        act.signer = SIGNER;
        IDepartments.Key memory key = _signer("A"); // in the middle of the tree: above, below and beside it is somebody
        (act.department, act.parent) = (_oneOfFour(act.department), _oneOfFour(act.parent));
        IDepartments.Department memory before = departments.departmentOf(other);
        IDepartments.Department memory about = departments.departmentOf(act.department);
        bool below = _below(act.department, key.department);
        bool inside = act.parent == key.department || _below(act.parent, key.department);
        bool cycle = act.parent == act.department || _below(act.parent, act.department);
        uint16 roles = departments.departmentOf(key.department).roles;
        uint8 parentLevel = departments.departmentOf(act.parent).level;
        uint256 standing = departments.rootKeys();
        if (!_succeeds(address(departments), abi.encodeCall(IDepartments.changeDepartment, (act, _signatures(1))))) return;
        _assertInForce(key, 3, act.validUntil);
        assert(roles & 1 == 1 && below && inside && !cycle);
        assert(about.level != 0 && act.prior == about.last && act.level >= parentLevel && parentLevel != 0);
        assert(act.level <= 5 && act.roles <= 31 && (act.roles & 1 == 0 || act.level <= 3));
        if (other != act.department) {
            assert(keccak256(abi.encode(departments.departmentOf(other))) == keccak256(abi.encode(before)));
        }
        assert(departments.rootKeys() == standing);
    }

    /// A department is registered once, inside the subtree of the authority that does it.
    function check_registering(IDepartments.RegisterDepartment memory act, bytes32 other) public {
        act.signer = SIGNER;
        IDepartments.Key memory key = _signer("A");
        (act.department, act.parent) = ("NEW", _oneOfFour(act.parent)); // no walk over a code's characters here
        IDepartments.Department memory before = departments.departmentOf(other);
        bool free = departments.departmentOf(act.department).level == 0;
        bool inside = act.parent == key.department || _below(act.parent, key.department);
        uint16 roles = departments.departmentOf(key.department).roles;
        if (!_succeeds(address(departments), abi.encodeCall(IDepartments.registerDepartment, (act, _signatures(1))))) return;
        _assertInForce(key, 3, act.validUntil);
        assert(roles & 1 == 1 && inside && free);
        if (other != act.department) {
            assert(keccak256(abi.encode(departments.departmentOf(other))) == keccak256(abi.encode(before)));
        }
    }

    function _assertOwnOrBelow(bytes32 signed, bytes32 about) private view {
        bool above = departments.departmentOf(signed).roles & 1 == 1 && _below(about, signed);
        assert(signed == about || above);
    }
}
