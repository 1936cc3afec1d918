// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICourier} from "./interfaces/ICourier.sol";
import {IJournal} from "./interfaces/IJournal.sol";

/// @title Courier: see {ICourier}
/// @dev It has no state, holds no value and no right, so entering it again from an act gains nothing.
contract Courier is ICourier {
    /// @dev Above the dearest act: two contract keys that use all of their gas, signatures of the greatest length.
    uint256 private constant ACT_GAS = 1_000_000;
    /// @dev What must be left so that 63/64 of it, less the price of the call itself, is ACT_GAS.
    uint256 private constant ACT_GAS_LEFT = (ACT_GAS * 64) / 63 + 10_000;
    uint256 private constant REASON_MAX = 260;

    IJournal private immutable JOURNAL;

    constructor(IJournal journal) {
        if (journal.courier() != address(this)) revert IJournal.JournalNotModule(address(this));
        JOURNAL = journal;
    }

    function carry(Carried[] calldata acts) external {
        for (uint256 i = 0; i < acts.length; i++) {
            Carried calldata act = acts[i];
            if (JOURNAL.isModule(act.module)) {
                (bool accepted, bytes memory reason) = _bring(act.module, act.call);
                if (!accepted) emit Returned(i, act.module, keccak256(act.call), reason);
            } else {
                bytes memory reason = abi.encodeWithSelector(CourierNotModule.selector, act.module);
                emit Returned(i, act.module, keccak256(act.call), reason);
            }
        }
    }

    function actGas() external pure returns (uint256) {
        return ACT_GAS;
    }

    /// @dev The call lies in free memory without claiming it: the next act overwrites it, so memory never adds up.
    function _bring(address module, bytes calldata call_) private returns (bool accepted, bytes memory reason) {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
            calldatacopy(free, call_.offset, call_.length)
        }
        if (gasleft() < ACT_GAS_LEFT) revert CourierGas();
        assembly ("memory-safe") {
            accepted := call(ACT_GAS, module, 0, free, call_.length, 0, 0)
            reason := 0x60 // the empty bytes
            if iszero(accepted) {
                let length := returndatasize()
                if gt(length, REASON_MAX) { length := REASON_MAX }
                reason := free
                mstore(reason, length)
                returndatacopy(add(reason, 32), 0, length)
                mstore(0x40, and(add(add(reason, length), 63), not(31)))
            }
        }
    }
}
