// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJournal} from "../../src/interfaces/IJournal.sol";
import {Module} from "../../src/lib/Module.sol";

/// A module that came later: one act, by any officer.
contract Greeter is Module {
    struct Greet {
        address signer;
        bytes32 prior;
        uint48 validUntil;
    }

    bytes32 private constant GREET = keccak256("Greet(address signer,bytes32 prior,uint48 validUntil)");
    bytes32 public last;

    constructor(IJournal journal) Module(journal) {}

    function greet(Greet calldata act, bytes[] calldata signatures) external {
        (,, uint8 kind) = DEPARTMENTS.authorise(act.signer, 1);
        bytes32 digest = _signed(keccak256(abi.encode(GREET, act)), act.validUntil, act.signer, kind, signatures);
        _follows(last, act.prior);
        last = digest;
        _record(digest, signatures);
    }
}
