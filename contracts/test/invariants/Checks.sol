// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {Acting} from "./Acting.sol";

/// What must hold, whatever was called.
abstract contract Checks is Acting {
    function checkIndexAndHead() external view {
        (bytes32 found, uint256 entries, bool over) = journal.tip();
        require(entries == size, "the index has a gap");
        require(found == head, "the head is not that of the entries");
        require(over == closed, "closed and open differ");
    }

    /// Asked whenever departments or keys changed. Every department hangs on the root, in a tree without cycles, and its authority is the one that the model finds.
    function checkTree() public view {
        for (uint256 i = 1; i < codes.length; i++) {
            bytes32 code = codes[i];
            uint256 steps = 0;
            bytes32 above = code;
            for (; above != ROOT && steps <= codes.length; steps++) above = departments.departmentOf(above).parent;
            require(above == ROOT, "a department left the tree");
            bytes32 nearest = tree[code].parent;
            while (nearest != ROOT && !_plays(nearest, 1)) nearest = tree[nearest].parent;
            require(departments.nearestAuthority(code) == nearest, "another authority than the nearest");
        }
    }

    /// The same. The root is in hands that can sign now, not only some day, and whose keys do not end by themselves.
    function checkRoot() public view {
        uint256 able = 0;
        for (uint256 i = 0; i < staff[ROOT].length; i++) {
            address key = staff[ROOT][i];
            if (!_standing(keys[key])) continue;
            (bytes32 home,,) = departments.authorise(key, 3);
            require(home == ROOT);
            able++;
        }
        require(able > 0, "the root has locked itself out");
        require(departments.rootKeys() == able, "the root's keys are miscounted");
    }

    /// All that the contracts say of departments and keys that are not in a subtree.
    function _outside(bytes32 top) internal view returns (bytes32 hash) {
        for (uint256 i = 0; i < codes.length; i++) {
            if (!_within(codes[i], top)) hash = keccak256(abi.encode(hash, departments.departmentOf(codes[i])));
        }
        for (uint256 i = 0; i < hands.length; i++) {
            IDepartments.Key memory key = departments.keyOf(hands[i]);
            if (key.kind != 0 && !_within(key.department, top)) hash = keccak256(abi.encode(hash, hands[i], key));
        }
    }
}
