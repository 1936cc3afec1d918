// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestations} from "./interfaces/IAttestations.sol";
import {IAuthorisations} from "./interfaces/IAuthorisations.sol";
import {IDatasets} from "./interfaces/IDatasets.sol";
import {IJournal} from "./interfaces/IJournal.sol";
import {Module} from "./lib/Module.sol";
import {ATTESTOR, LEAD, MARK_NONE, MARK_SELF, OFFICER} from "./lib/Terms.sol";

/// @title Attestations: see {IAttestations}
contract Attestations is IAttestations, Module {
    bytes32 private constant ATTEST_QUALITY = keccak256(
        "AttestQuality(address signer,bytes32 rules,uint32 score,bool selfAttested,bytes32 document,"
        "bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant WITHDRAW_ATTESTATION = keccak256(
        "WithdrawAttestation(address signer,bytes32 attestation,bytes32 document,bytes32 prior,"
        "uint48 validUntil)"
    );
    bytes32 private constant REQUEST_CORRECTION = keccak256(
        "RequestCorrection(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant RESOLVE_CORRECTION = keccak256(
        "ResolveCorrection(address signer,bytes32 correction,uint8 outcome,bytes32 version,bytes32 document,"
        "bytes32 prior,uint48 validUntil)"
    );

    uint32 private constant SCORE_MAX = 1_000_000;
    uint8 private constant OUTCOME_FIRST = 1;
    uint8 private constant OUTCOME_LAST = 2;
    uint8 private constant AGREED = 3; // stages of a share in force, see IAuthorisations
    uint8 private constant CONFIRMED = 5;

    IDatasets private immutable DATASETS;
    IAuthorisations private immutable AUTHORISATIONS;

    mapping(bytes32 digest => Attestation) private _attestations;
    mapping(bytes32 digest => Correction) private _corrections;

    constructor(IJournal journal) Module(journal) {
        _named(journal.attestations());
        DATASETS = IDatasets(journal.datasets());
        AUTHORISATIONS = IAuthorisations(journal.authorisations());
    }

    function attestQuality(AttestQuality calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, OFFICER);
        (, bytes32 provider, uint32 number,) = DATASETS.placeOf(act.prior);
        if (number == 0) revert AttestationsVersion(act.prior);
        if (!act.selfAttested) _role(department, roles, ATTESTOR);
        if (act.selfAttested != (department == provider)) revert AttestationsSelf(department);
        bytes32 digest =
            _signed(keccak256(abi.encode(ATTEST_QUALITY, act)), act.validUntil, act.signer, kind, signatures);
        if (act.score > SCORE_MAX) revert AttestationsScore(act.score);
        if (act.document == 0) revert AttestationsDocumentMissing();
        if (_attestations[digest].attestor != 0) revert AttestationsKnown(digest);
        _attestations[digest] = Attestation(department, act.prior, digest, act.score, act.selfAttested, false);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit QualityAttested(digest, index, head, department, act.selfAttested ? MARK_SELF : MARK_NONE, act);
    }

    function withdrawAttestation(WithdrawAttestation calldata act, bytes[] calldata signatures) external {
        (bytes32 department,, uint8 kind) = DEPARTMENTS.authorise(act.signer, OFFICER);
        Attestation storage attestation = _attestations[act.attestation];
        if (attestation.attestor == 0) revert AttestationsUnknown(act.attestation);
        if (attestation.attestor != department) revert AttestationsParty(act.attestation, department);
        bytes32 digest =
            _signed(keccak256(abi.encode(WITHDRAW_ATTESTATION, act)), act.validUntil, act.signer, kind, signatures);
        _follows(attestation.last, act.prior);
        if (attestation.withdrawn) revert AttestationsWithdrawn(act.attestation);
        attestation.withdrawn = true;
        attestation.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit AttestationWithdrawn(digest, index, head, department, MARK_NONE, act);
    }

    function requestCorrection(RequestCorrection calldata act, bytes[] calldata signatures) external {
        (bytes32 department,, uint8 kind) = DEPARTMENTS.authorise(act.signer, OFFICER);
        IAuthorisations.Share memory share = AUTHORISATIONS.shareOf(act.share);
        if (share.stage == 0) revert IAuthorisations.AuthorisationsUnknown(act.share);
        if (share.consumer != department) revert AttestationsParty(act.share, department);
        bytes32 digest =
            _signed(keccak256(abi.encode(REQUEST_CORRECTION, act)), act.validUntil, act.signer, kind, signatures);
        if (share.stage < AGREED || share.stage > CONFIRMED) {
            revert IAuthorisations.AuthorisationsStage(act.share, share.stage);
        }
        (bytes32 dataset,,,) = DATASETS.placeOf(act.prior);
        if (dataset != share.dataset) revert AttestationsVersion(act.prior);
        if (act.document == 0) revert AttestationsDocumentMissing();
        if (_corrections[digest].share != 0) revert AttestationsKnown(digest);
        _corrections[digest] = Correction(act.share, act.prior, digest, 0);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit CorrectionRequested(digest, index, head, department, MARK_NONE, act);
    }

    function resolveCorrection(ResolveCorrection calldata act, bytes[] calldata signatures) external {
        (bytes32 department,, uint8 kind) = DEPARTMENTS.authorise(act.signer, LEAD);
        Correction storage correction = _corrections[act.correction];
        if (correction.share == 0) revert AttestationsUnknown(act.correction);
        (bytes32 dataset, bytes32 provider,,) = DATASETS.placeOf(correction.version);
        if (provider != department) revert AttestationsParty(act.correction, department);
        bytes32 digest =
            _signed(keccak256(abi.encode(RESOLVE_CORRECTION, act)), act.validUntil, act.signer, kind, signatures);
        _follows(correction.last, act.prior);
        if (correction.outcome != 0) revert AttestationsResolved(act.correction);
        if (act.outcome < OUTCOME_FIRST || act.outcome > OUTCOME_LAST) revert AttestationsOutcome(act.outcome);
        if (act.version != 0) _sameDataset(act.version, dataset);
        correction.outcome = act.outcome;
        correction.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit CorrectionResolved(digest, index, head, department, MARK_NONE, act);
    }

    function attestationOf(bytes32 attestation) external view returns (Attestation memory) {
        return _attestations[attestation];
    }

    function correctionOf(bytes32 correction) external view returns (Correction memory) {
        return _corrections[correction];
    }

    function _sameDataset(bytes32 version, bytes32 dataset) private view {
        (bytes32 found,,,) = DATASETS.placeOf(version);
        if (found != dataset) revert AttestationsVersion(version);
    }
}
