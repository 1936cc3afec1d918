// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PLANTED} from "deployed/Planted.sol";
import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {vm} from "../lib/Vm.sol";
import {Proofs} from "./Proofs.sol";

/// The first two steps of every act, whatever Departments holds.
contract ValidityProof is Proofs {
    function _forget() internal override {
        _forgetDepartments();
    }

    /// A key passes if and only if it was enrolled, was not retired, is within its dates and has the duty.
    function check_a_key_passes_if_and_only_if_it_is_in_force(address account, uint8 duty, uint48 time) public {
        vm.warp(time);
        IDepartments.Key memory key = departments.keyOf(account);
        bool dates = key.start <= time && (key.until == 0 || time <= key.until);
        bool fit = key.kind != 0 && key.retired == 0 && dates && key.duty >= duty;
        try departments.authorise(account, duty) returns (bytes32 department, uint16 roles, uint8 kind) {
            assert(fit && !PLANTED);
            assert(department == key.department && kind == key.kind);
            assert(roles == departments.departmentOf(department).roles);
        } catch {
            assert(!fit);
        }
    }
}
