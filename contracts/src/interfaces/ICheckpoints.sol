// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ICheckpoints: roots of logs that are kept elsewhere
/// @notice Object: the log of this name of one department. Its size only grows.
interface ICheckpoints {
    /// @notice By an officer of the log's keeper.
    struct PublishCheckpoint {
        address signer;
        bytes32 log;
        uint64 size;
        bytes32 root;
        bytes32 state;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice A log's last checkpoint; `size` is zero if there is none.
    struct Checkpoint {
        bytes32 last;
        bytes32 root;
        bytes32 state;
        uint64 size;
    }

    event CheckpointPublished(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, PublishCheckpoint act
    );

    /// @notice A log's next checkpoint is larger than `last`.
    error CheckpointsSize(uint64 last, uint64 given);
    error CheckpointsRootMissing();

    function publishCheckpoint(PublishCheckpoint calldata act, bytes[] calldata signatures) external;

    function checkpointOf(bytes32 department, bytes32 log) external view returns (Checkpoint memory);
}
