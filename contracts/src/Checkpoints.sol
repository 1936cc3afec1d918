// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpoints} from "./interfaces/ICheckpoints.sol";
import {IJournal} from "./interfaces/IJournal.sol";
import {Codes} from "./lib/Codes.sol";
import {Module} from "./lib/Module.sol";
import {MARK_NONE, OFFICER} from "./lib/Terms.sol";

/// @title Checkpoints: see {ICheckpoints}
contract Checkpoints is ICheckpoints, Module {
    bytes32 private constant PUBLISH_CHECKPOINT = keccak256(
        "PublishCheckpoint(address signer,bytes32 log,uint64 size,bytes32 root,bytes32 state,bytes32 prior,"
        "uint48 validUntil)"
    );

    mapping(bytes32 department => mapping(bytes32 log => Checkpoint)) private _checkpoints;

    constructor(IJournal journal) Module(journal) {
        _named(journal.checkpoints());
    }

    function publishCheckpoint(PublishCheckpoint calldata act, bytes[] calldata signatures) external {
        (bytes32 department,, uint8 kind) = DEPARTMENTS.authorise(act.signer, OFFICER);
        bytes32 digest =
            _signed(keccak256(abi.encode(PUBLISH_CHECKPOINT, act)), act.validUntil, act.signer, kind, signatures);
        Codes.check(act.log);
        Checkpoint storage checkpoint = _checkpoints[department][act.log];
        _follows(checkpoint.last, act.prior);
        if (act.size <= checkpoint.size) revert CheckpointsSize(checkpoint.size, act.size);
        if (act.root == 0) revert CheckpointsRootMissing();
        _checkpoints[department][act.log] = Checkpoint(digest, act.root, act.state, act.size);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit CheckpointPublished(digest, index, head, department, MARK_NONE, act);
    }

    function checkpointOf(bytes32 department, bytes32 log) external view returns (Checkpoint memory) {
        return _checkpoints[department][log];
    }
}
