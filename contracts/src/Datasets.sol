// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDatasets} from "./interfaces/IDatasets.sol";
import {IJournal} from "./interfaces/IJournal.sol";
import {Codes} from "./lib/Codes.sol";
import {Module} from "./lib/Module.sol";
import {RecordProof} from "./lib/RecordProof.sol";
import {
    CONDITIONAL,
    DIRECTOR,
    GRADE_CORE,
    GRADE_FIRST,
    GRADE_LAST,
    LEAD,
    MARK_NONE,
    NOT_SHARED,
    OFFICER,
    PROVIDER,
    UNCONDITIONAL
} from "./lib/Terms.sol";

/// @title Datasets: see {IDatasets}
contract Datasets is IDatasets, Module {
    bytes32 private constant SUBMIT_DATASET = keccak256(
        "SubmitDataset(address signer,bytes32 dataset,bytes32 department,uint8 shareType,uint8 grade,"
        "bytes32 basis,bytes32 conditions,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant WITHDRAW_DATASET = keccak256(
        "WithdrawDataset(address signer,bytes32 dataset,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant PUBLISH_DATASET = keccak256(
        "PublishDataset(address signer,bytes32 dataset,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant RETURN_DATASET = keccak256(
        "ReturnDataset(address signer,bytes32 dataset,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant ANCHOR_VERSION = keccak256(
        "AnchorVersion(address signer,bytes32 dataset,uint32 number,bytes32 format,bool salted,"
        "bytes32 schema,bytes32 root,uint64 records,uint64 size,bytes32 twin,bytes32 document,bytes32 prior,"
        "uint48 validUntil)"
    );
    bytes32 private constant SHRED_VERSION = keccak256(
        "ShredVersion(address signer,bytes32 dataset,uint32 number,bool whole,bytes32 document,bytes32 prior,"
        "uint48 validUntil)"
    );

    mapping(bytes32 code => Dataset) private _datasets;
    mapping(bytes32 digest => Revision) private _revisions;
    mapping(bytes32 digest => Version) private _versions;
    mapping(bytes32 dataset => mapping(uint32 number => bytes32 version)) private _ids;

    constructor(IJournal journal) Module(journal) {
        _named(journal.datasets());
    }

    function submitDataset(SubmitDataset calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, DIRECTOR);
        _role(department, roles, PROVIDER);
        if (act.department != department) revert DatasetsNotProvider(act.dataset, department);
        bytes32 digest =
            _signed(keccak256(abi.encode(SUBMIT_DATASET, act)), act.validUntil, act.signer, kind, signatures);
        _checkRevision(act);
        Dataset storage dataset = _datasets[act.dataset];
        if (dataset.provider == 0) dataset.provider = department;
        else if (dataset.provider != department) revert DatasetsNotProvider(act.dataset, department);
        _follows(dataset.last, act.prior);
        dataset.last = digest;
        dataset.pending = digest;
        _revisions[digest] = Revision(act.basis, act.conditions, act.shareType, act.grade);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit DatasetSubmitted(digest, index, head, department, MARK_NONE, act);
    }

    function withdrawDataset(WithdrawDataset calldata act, bytes[] calldata signatures) external {
        (Dataset storage dataset, bytes32 department, uint8 kind) = _own(act.signer, DIRECTOR, act.dataset);
        bytes32 digest =
            _signed(keccak256(abi.encode(WITHDRAW_DATASET, act)), act.validUntil, act.signer, kind, signatures);
        _follows(dataset.last, act.prior);
        if (dataset.published == 0 && dataset.pending == 0) revert DatasetsNothingPending(act.dataset);
        dataset.last = digest;
        dataset.published = 0;
        dataset.pending = 0;
        dataset.withdrawn = true;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit DatasetWithdrawn(digest, index, head, department, MARK_NONE, act);
    }

    function publishDataset(PublishDataset calldata act, bytes[] calldata signatures) external {
        (Dataset storage dataset, bytes32 department, uint8 kind, uint8 marks) = _authority(act.signer, act.dataset);
        bytes32 digest =
            _signed(keccak256(abi.encode(PUBLISH_DATASET, act)), act.validUntil, act.signer, kind, signatures);
        _follows(dataset.last, act.prior);
        if (dataset.pending == 0) revert DatasetsNothingPending(act.dataset);
        dataset.last = digest;
        dataset.published = dataset.pending;
        dataset.pending = 0;
        dataset.withdrawn = false;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit DatasetPublished(digest, index, head, department, marks, act);
    }

    function returnDataset(ReturnDataset calldata act, bytes[] calldata signatures) external {
        (Dataset storage dataset, bytes32 department, uint8 kind, uint8 marks) = _authority(act.signer, act.dataset);
        bytes32 digest =
            _signed(keccak256(abi.encode(RETURN_DATASET, act)), act.validUntil, act.signer, kind, signatures);
        _follows(dataset.last, act.prior);
        if (dataset.pending == 0) revert DatasetsNothingPending(act.dataset);
        dataset.last = digest;
        dataset.pending = 0;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit DatasetReturned(digest, index, head, department, marks, act);
    }

    function anchorVersion(AnchorVersion calldata act, bytes[] calldata signatures) external {
        (Dataset storage dataset, bytes32 department, uint8 kind) = _own(act.signer, OFFICER, act.dataset);
        bytes32 digest =
            _signed(keccak256(abi.encode(ANCHOR_VERSION, act)), act.validUntil, act.signer, kind, signatures);
        _follows(dataset.line, act.prior);
        if (dataset.published == 0) revert DatasetsNotPublished(act.dataset);
        uint32 number = dataset.versions + 1;
        if (act.number != number) revert DatasetsNumber(number, act.number);
        Codes.check(act.format);
        if (act.root == 0) revert DatasetsRootMissing();
        dataset.line = digest;
        dataset.versions = number;
        _ids[act.dataset][number] = digest;
        _versions[digest] = Version(act.dataset, act.root, act.records, act.size, number, act.salted, false);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit VersionAnchored(digest, index, head, department, MARK_NONE, act);
    }

    function shredVersion(ShredVersion calldata act, bytes[] calldata signatures) external {
        (Dataset storage dataset, bytes32 department, uint8 kind) = _own(act.signer, OFFICER, act.dataset);
        bytes32 digest =
            _signed(keccak256(abi.encode(SHRED_VERSION, act)), act.validUntil, act.signer, kind, signatures);
        _follows(dataset.line, act.prior);
        bytes32 id = _ids[act.dataset][act.number];
        if (id == 0) revert DatasetsVersionUnknown(act.dataset, act.number);
        if (_versions[id].shredded) revert DatasetsShredded(act.dataset, act.number);
        dataset.line = digest;
        if (act.whole) _versions[id].shredded = true;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit VersionShredded(digest, index, head, department, MARK_NONE, act);
    }

    function provesRecord(bytes32 version, bytes32 leafHash, uint64 index, bytes32[] calldata path)
        external
        view
        returns (bool)
    {
        Version storage found = _versions[version];
        if (found.number == 0) revert DatasetsVersionId(version);
        return RecordProof.verify(found.root, found.records, leafHash, index, path);
    }

    function offerOf(bytes32 dataset) external view returns (bytes32, bytes32, uint8, bool) {
        Dataset storage found = _known(dataset);
        return (found.provider, found.published, _revisions[found.published].shareType, found.withdrawn);
    }

    function placeOf(bytes32 version) external view returns (bytes32, bytes32, uint32, bool) {
        Version storage found = _versions[version];
        return (found.dataset, _datasets[found.dataset].provider, found.number, found.shredded);
    }

    function datasetOf(bytes32 dataset) external view returns (Dataset memory) {
        return _datasets[dataset];
    }

    function revisionOf(bytes32 revision) external view returns (Revision memory) {
        return _revisions[revision];
    }

    function versionOf(bytes32 version) external view returns (Version memory) {
        return _versions[version];
    }

    function versionId(bytes32 dataset, uint32 number) external view returns (bytes32) {
        return _ids[dataset][number];
    }

    function _known(bytes32 code) private view returns (Dataset storage dataset) {
        dataset = _datasets[code];
        if (dataset.provider == 0) revert DatasetsUnknown(code);
    }

    /// @dev For acts of the provider.
    function _own(address signer, uint8 duty, bytes32 code)
        private
        view
        returns (Dataset storage dataset, bytes32 department, uint8 kind)
    {
        (department,, kind) = DEPARTMENTS.authorise(signer, duty);
        dataset = _known(code);
        if (dataset.provider != department) revert DatasetsNotProvider(code, department);
    }

    /// @dev For acts of an authority above the provider.
    function _authority(address signer, bytes32 code)
        private
        view
        returns (Dataset storage dataset, bytes32 department, uint8 kind, uint8 marks)
    {
        uint16 roles;
        (department, roles, kind) = DEPARTMENTS.authorise(signer, LEAD);
        dataset = _known(code);
        marks = _above(department, roles, dataset.provider);
    }

    function _checkRevision(SubmitDataset calldata act) private pure {
        Codes.check(act.dataset);
        if (act.shareType < UNCONDITIONAL || act.shareType > NOT_SHARED) revert DatasetsShareType(act.shareType);
        if (act.grade == GRADE_CORE) revert DatasetsGradeCore();
        if (act.grade < GRADE_FIRST || act.grade > GRADE_LAST) revert DatasetsGrade(act.grade);
        if (act.shareType == NOT_SHARED && act.basis == 0) revert DatasetsBasisMissing(act.dataset);
        if (act.shareType == CONDITIONAL && act.conditions == 0) revert DatasetsConditionsMissing(act.dataset);
        if (act.document == 0) revert DatasetsDocumentMissing(act.dataset);
    }
}
