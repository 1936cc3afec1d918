// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IDatasets: catalogue items, their versions and fingerprints
/// @notice A provider submits a dataset's description, the authority publishes or returns it. Each submission is a
/// *revision*, known by its digest; what a revision says never changes. Versions are anchored in one line, numbered from 1.
/// Objects: a dataset (SubmitDataset to ReturnDataset) and its line of versions (AnchorVersion, ShredVersion).
interface IDatasets {
    /// @notice By the provider's director: a new dataset, or a new revision of one.
    struct SubmitDataset {
        address signer;
        bytes32 dataset;
        bytes32 department;
        uint8 shareType;
        uint8 grade;
        bytes32 basis;
        bytes32 conditions;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's director: neither published nor pending any more.
    struct WithdrawDataset {
        address signer;
        bytes32 dataset;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the lead of an authority above the provider: the pending revision is the published one.
    struct PublishDataset {
        address signer;
        bytes32 dataset;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the lead of an authority above the provider: the pending revision is sent back.
    struct ReturnDataset {
        address signer;
        bytes32 dataset;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's officer: the fingerprint of the next version. Its id is this act's digest.
    struct AnchorVersion {
        address signer;
        bytes32 dataset;
        uint32 number;
        bytes32 format;
        bool salted;
        bytes32 schema;
        bytes32 root;
        uint64 records;
        uint64 size;
        bytes32 twin;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's officer: keys of a version are gone, in part or as a `whole`.
    struct ShredVersion {
        address signer;
        bytes32 dataset;
        uint32 number;
        bool whole;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice A dataset as it is now; `provider` is zero if there is none. `line` is the last act on its versions.
    struct Dataset {
        bytes32 provider;
        bytes32 last;
        bytes32 pending;
        bytes32 published;
        bytes32 line;
        uint32 versions;
        bool withdrawn;
    }

    /// @notice What a submission said; `shareType` is zero if there is none with this digest.
    struct Revision {
        bytes32 basis;
        bytes32 conditions;
        uint8 shareType;
        uint8 grade;
    }

    /// @notice An anchored version; `number` is zero if there is none. The rest of its fingerprint is in its entry.
    struct Version {
        bytes32 dataset;
        bytes32 root;
        uint64 records;
        uint64 size;
        uint32 number;
        bool salted;
        bool shredded;
    }

    event DatasetSubmitted(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, SubmitDataset act
    );
    event DatasetWithdrawn(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, WithdrawDataset act
    );
    /// @notice Marked if a superior acted instead of the nearest authority.
    event DatasetPublished(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, PublishDataset act
    );
    /// @notice Marked if a superior acted instead of the nearest authority.
    event DatasetReturned(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, ReturnDataset act
    );
    event VersionAnchored(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, AnchorVersion act
    );
    event VersionShredded(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, ShredVersion act
    );

    error DatasetsUnknown(bytes32 dataset);
    /// @notice The dataset is, or would be, another department's.
    error DatasetsNotProvider(bytes32 dataset, bytes32 department);
    error DatasetsShareType(uint8 shareType);
    error DatasetsGrade(uint8 grade);
    /// @notice Core data is refused.
    error DatasetsGradeCore();
    /// @notice A dataset that is not shared needs a basis (Decree 809 art. 14).
    error DatasetsBasisMissing(bytes32 dataset);
    /// @notice A conditional dataset needs its conditions (art. 13).
    error DatasetsConditionsMissing(bytes32 dataset);
    error DatasetsDocumentMissing(bytes32 dataset);
    /// @notice No revision waits for an answer, or there is nothing to withdraw.
    error DatasetsNothingPending(bytes32 dataset);
    error DatasetsNotPublished(bytes32 dataset);
    /// @notice The next version has another number.
    error DatasetsNumber(uint32 expected, uint32 given);
    error DatasetsRootMissing();
    error DatasetsVersionUnknown(bytes32 dataset, uint32 number);
    error DatasetsVersionId(bytes32 version);
    /// @notice This version is wholly shredded already.
    error DatasetsShredded(bytes32 dataset, uint32 number);

    function submitDataset(SubmitDataset calldata act, bytes[] calldata signatures) external;

    function withdrawDataset(WithdrawDataset calldata act, bytes[] calldata signatures) external;

    function publishDataset(PublishDataset calldata act, bytes[] calldata signatures) external;

    function returnDataset(ReturnDataset calldata act, bytes[] calldata signatures) external;

    function anchorVersion(AnchorVersion calldata act, bytes[] calldata signatures) external;

    function shredVersion(ShredVersion calldata act, bytes[] calldata signatures) external;

    /// @notice Whether `leafHash` is the leaf of record `index` in a version, by RFC 9162 over SHA-256; root and number
    /// of records are the version's own. Reverts with {DatasetsVersionId} for an unknown version.
    function provesRecord(bytes32 version, bytes32 leafHash, uint64 index, bytes32[] calldata path)
        external
        view
        returns (bool);

    /// @notice What a request must know: reverts with {DatasetsUnknown}; `published` is zero and so is `shareType` if
    /// nothing is published.
    function offerOf(bytes32 dataset)
        external
        view
        returns (bytes32 provider, bytes32 published, uint8 shareType, bool withdrawn);

    /// @notice Where a version belongs: all zero if there is none with this id.
    function placeOf(bytes32 version)
        external
        view
        returns (bytes32 dataset, bytes32 provider, uint32 number, bool shredded);

    function datasetOf(bytes32 dataset) external view returns (Dataset memory);

    function revisionOf(bytes32 revision) external view returns (Revision memory);

    function versionOf(bytes32 version) external view returns (Version memory);

    /// @notice Id of a version by its number, or zero.
    function versionId(bytes32 dataset, uint32 number) external view returns (bytes32);
}
