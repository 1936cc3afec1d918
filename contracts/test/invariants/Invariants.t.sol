// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ACTS} from "./Acts.sol";
import {Handler} from "./Handler.sol";
import {vm} from "../lib/Vm.sol";

/// What holds after every call that a fuzzer can think of. The handler itself refuses what no model allows: an act that
/// was accepted and may not be, or the other way round, ends the run with its name.
abstract contract Invariants {
    Handler internal handler;

    function targetContracts() external view returns (address[] memory found) {
        found = new address[](1);
        found[0] = address(handler);
    }

    function invariant_ledger() external view {
        handler.checkIndexAndHead();
    }

    /// One line for each run, for whoever counts: calls, accepted, keys met and stages met of each act; then batches.
    function afterInvariant() external {
        handler.checkTree();
        handler.checkRoot();
        string memory line = "";
        for (uint256 act = 0; act < ACTS; act++) {
            line = string.concat(line, vm.toString(handler.calls(act)), " ", vm.toString(handler.accepted(act)), " ");
            line = string.concat(line, vm.toString(handler.met(act)), " ", vm.toString(handler.stages(act)), ";");
        }
        line = string.concat(line, vm.toString(handler.batches()), " ", vm.toString(handler.carried()), " ");
        vm.writeLine(_file(), string.concat(line, vm.toString(handler.returned())));
    }

    function _file() internal pure virtual returns (string memory);
}

/// From a ledger that has nothing but its root.
contract FromTheRootTest is Invariants {
    function setUp() external {
        handler = new Handler(false);
    }

    function _file() internal pure override returns (string memory) {
        return ".cache/audit/root.txt";
    }
}

/// From a ledger with a tree of departments, their keys and their first datasets.
contract FromATreeTest is Invariants {
    function setUp() external {
        handler = new Handler(true);
    }

    function _file() internal pure override returns (string memory) {
        return ".cache/audit/tree.txt";
    }
}
