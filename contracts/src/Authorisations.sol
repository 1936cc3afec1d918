// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorisations} from "./interfaces/IAuthorisations.sol";
import {IDatasets} from "./interfaces/IDatasets.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {IJournal} from "./interfaces/IJournal.sol";
import {Module} from "./lib/Module.sol";
import {
    AUTHORITY,
    CONSUMER,
    DIRECTOR,
    LEAD,
    MARK_NONE,
    MARK_SUPERIOR,
    NOT_SHARED,
    OFFICER,
    UNCONDITIONAL
} from "./lib/Terms.sol";

/// @title Authorisations: see {IAuthorisations}
contract Authorisations is IAuthorisations, Module {
    bytes32 private constant REQUEST_SHARE = keccak256(
        "RequestShare(address signer,bytes32 consumer,bytes32 dataset,bytes32 revision,bytes32 scope,"
        "uint48 until,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant WITHDRAW_REQUEST = keccak256(
        "WithdrawRequest(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant ASK_SUPPLEMENT = keccak256(
        "AskSupplement(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant SUPPLY_MATERIALS = keccak256(
        "SupplyMaterials(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant EXTEND_REPLY = keccak256(
        "ExtendReply(address signer,bytes32 share,uint8 workingDays,bytes32 document,bytes32 prior,"
        "uint48 validUntil)"
    );
    bytes32 private constant AGREE_SHARE = keccak256(
        "AgreeShare(address signer,bytes32 share,bytes32 scope,bytes32 conditions,uint48 until,"
        "bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant REFUSE_SHARE = keccak256(
        "RefuseShare(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant DELIVER_SHARE = keccak256(
        "DeliverShare(address signer,bytes32 share,bytes32 version,uint8 method,bytes32 document,"
        "bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant CONFIRM_DELIVERY = keccak256(
        "ConfirmDelivery(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant SUSPEND_SHARE = keccak256(
        "SuspendShare(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant RESUME_SHARE = keccak256(
        "ResumeShare(address signer,bytes32 share,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant END_SHARE = keccak256(
        "EndShare(address signer,bytes32 share,uint8 cause,bytes32 document,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant GRANT_SHARE = keccak256(
        "GrantShare(address signer,bytes32 consumer,bytes32 dataset,bytes32 revision,bytes32 scope,"
        "bytes32 basis,uint48 until,bytes32 document,bytes32 prior,uint48 validUntil)"
    );

    uint8 private constant REQUESTED = 1;
    uint8 private constant SUPPLEMENT_ASKED = 2;
    uint8 private constant AGREED = 3;
    uint8 private constant DELIVERED = 4;
    uint8 private constant CONFIRMED = 5;
    uint8 private constant REFUSED = 6;
    uint8 private constant WITHDRAWN = 7;
    uint8 private constant ENDED = 8;

    uint8 private constant METHOD_FIRST = 1;
    uint8 private constant METHOD_LAST = 4;
    uint8 private constant CAUSE_FIRST = 1;
    uint8 private constant CAUSE_LAST = 5;

    IDatasets private immutable DATASETS;

    mapping(bytes32 digest => Share) private _shares;
    mapping(bytes32 dataset => mapping(bytes32 consumer => bytes32[] shares)) private _agreed;

    constructor(IJournal journal) Module(journal) {
        _named(journal.authorisations());
        DATASETS = IDatasets(journal.datasets());
    }

    function requestShare(RequestShare calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, LEAD);
        _role(department, roles, CONSUMER);
        if (act.consumer != department) revert AuthorisationsNotConsumer(department);
        (bytes32 provider, bytes32 published, uint8 shareType,) = DATASETS.offerOf(act.dataset);
        bytes32 digest =
            _signed(keccak256(abi.encode(REQUEST_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _checkOffer(act.dataset, act.revision, provider, act.consumer, published, shareType);
        if (act.until <= block.timestamp) revert AuthorisationsUntil(act.until);
        if (act.document == 0) revert AuthorisationsDocumentMissing();
        Share storage share = _create(digest);
        share.consumer = act.consumer;
        share.provider = provider;
        share.dataset = act.dataset;
        share.revision = act.revision;
        share.last = digest;
        (share.until, share.stage, share.shareType) = (act.until, REQUESTED, shareType);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareRequested(digest, index, head, department, MARK_NONE, act);
    }

    function withdrawRequest(WithdrawRequest calldata act, bytes[] calldata signatures) external {
        (Share storage share, bytes32 department, uint8 kind) = _byConsumer(act.signer, LEAD, act.share);
        bytes32 digest =
            _signed(keccak256(abi.encode(WITHDRAW_REQUEST, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        _open(act.share, share);
        share.stage = WITHDRAWN;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit RequestWithdrawn(digest, index, head, department, MARK_NONE, act);
    }

    function askSupplement(AskSupplement calldata act, bytes[] calldata signatures) external {
        (Share storage share, bytes32 department, uint8 kind) = _byProvider(act.signer, OFFICER, act.share);
        bytes32 digest =
            _signed(keccak256(abi.encode(ASK_SUPPLEMENT, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        if (share.stage != REQUESTED) revert AuthorisationsStage(act.share, share.stage);
        if (share.supplementAsked) revert AuthorisationsOnce(act.share);
        share.stage = SUPPLEMENT_ASKED;
        share.supplementAsked = true;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit SupplementAsked(digest, index, head, department, MARK_NONE, act);
    }

    function supplyMaterials(SupplyMaterials calldata act, bytes[] calldata signatures) external {
        (Share storage share, bytes32 department, uint8 kind) = _byConsumer(act.signer, OFFICER, act.share);
        bytes32 digest =
            _signed(keccak256(abi.encode(SUPPLY_MATERIALS, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        if (share.stage != SUPPLEMENT_ASKED) revert AuthorisationsStage(act.share, share.stage);
        share.stage = REQUESTED;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit MaterialsSupplied(digest, index, head, department, MARK_NONE, act);
    }

    function extendReply(ExtendReply calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, LEAD);
        Share storage share = _known(act.share);
        uint8 marks = _above(department, roles, share.provider);
        bytes32 digest =
            _signed(keccak256(abi.encode(EXTEND_REPLY, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        _open(act.share, share);
        if (share.extended) revert AuthorisationsOnce(act.share);
        share.extended = true;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ReplyExtended(digest, index, head, department, marks, act);
    }

    function agreeShare(AgreeShare calldata act, bytes[] calldata signatures) external {
        (Share storage share, bytes32 department, uint8 kind) = _byProvider(act.signer, LEAD, act.share);
        bytes32 digest =
            _signed(keccak256(abi.encode(AGREE_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        _open(act.share, share);
        if (_isWithdrawn(share.dataset)) revert AuthorisationsWithdrawn(share.dataset);
        if (act.until <= block.timestamp) revert AuthorisationsUntil(act.until);
        if (act.until > share.until) revert AuthorisationsWidened(share.until, act.until);
        share.stage = AGREED;
        share.until = act.until;
        share.last = digest;
        _agreed[share.dataset][share.consumer].push(act.share);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareAgreed(digest, index, head, department, MARK_NONE, act);
    }

    function refuseShare(RefuseShare calldata act, bytes[] calldata signatures) external {
        (Share storage share, bytes32 department, uint8 kind) = _byProvider(act.signer, LEAD, act.share);
        bytes32 digest =
            _signed(keccak256(abi.encode(REFUSE_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        _open(act.share, share);
        if (act.document == 0) revert AuthorisationsDocumentMissing();
        if (share.shareType == UNCONDITIONAL && !_isWithdrawn(share.dataset)) {
            revert AuthorisationsUnconditional(act.share);
        }
        share.stage = REFUSED;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareRefused(digest, index, head, department, MARK_NONE, act);
    }

    function deliverShare(DeliverShare calldata act, bytes[] calldata signatures) external {
        (Share storage share, bytes32 department, uint8 kind) = _byProvider(act.signer, OFFICER, act.share);
        bytes32 digest =
            _signed(keccak256(abi.encode(DELIVER_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        _live(act.share, share);
        if (share.suspendedBy != 0) revert AuthorisationsSuspended(act.share);
        if (block.timestamp > share.until) revert AuthorisationsExpired(act.share, share.until);
        (bytes32 dataset,,, bool shredded) = DATASETS.placeOf(act.version);
        if (dataset != share.dataset || shredded) revert AuthorisationsVersion(act.version);
        if (act.method < METHOD_FIRST || act.method > METHOD_LAST) revert AuthorisationsMethod(act.method);
        share.stage = DELIVERED;
        share.version = act.version;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareDelivered(digest, index, head, department, MARK_NONE, act);
    }

    function confirmDelivery(ConfirmDelivery calldata act, bytes[] calldata signatures) external {
        (Share storage share, bytes32 department, uint8 kind) = _byConsumer(act.signer, OFFICER, act.share);
        bytes32 digest =
            _signed(keccak256(abi.encode(CONFIRM_DELIVERY, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        if (share.stage != DELIVERED) revert AuthorisationsStage(act.share, share.stage);
        share.stage = CONFIRMED;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit DeliveryConfirmed(digest, index, head, department, MARK_NONE, act);
    }

    function suspendShare(SuspendShare calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, LEAD);
        Share storage share = _known(act.share);
        uint8 marks = _providerOrAbove(act.share, share.provider, department, roles);
        bytes32 digest =
            _signed(keccak256(abi.encode(SUSPEND_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        _live(act.share, share);
        if (share.suspendedBy != 0) revert AuthorisationsSuspended(act.share);
        share.suspendedBy = department;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareSuspended(digest, index, head, department, marks, act);
    }

    function resumeShare(ResumeShare calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, LEAD);
        Share storage share = _known(act.share);
        // Who may lift a suspension depends on who set it, so this part of the state is looked at first.
        if (share.suspendedBy == 0) revert AuthorisationsNotSuspended(act.share);
        uint8 marks = _mayResume(act.share, share, department, roles);
        bytes32 digest =
            _signed(keccak256(abi.encode(RESUME_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        share.suspendedBy = 0;
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareResumed(digest, index, head, department, marks, act);
    }

    function endShare(EndShare calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, LEAD);
        Share storage share = _known(act.share);
        uint8 marks = department == share.consumer
            ? MARK_NONE
            : _providerOrAbove(act.share, share.provider, department, roles);
        bytes32 digest = _signed(keccak256(abi.encode(END_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _follows(share.last, act.prior);
        _live(act.share, share);
        if (act.cause < CAUSE_FIRST || act.cause > CAUSE_LAST) revert AuthorisationsCause(act.cause);
        share.stage = ENDED;
        share.suspendedBy = 0; // what has ended cannot be resumed
        share.last = digest;
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareEnded(digest, index, head, department, marks, act);
    }

    function grantShare(GrantShare calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, DIRECTOR);
        (bytes32 provider, bytes32 published, uint8 shareType,) = DATASETS.offerOf(act.dataset);
        uint8 marks = _above(department, roles, provider);
        _role(act.consumer, DEPARTMENTS.rolesOf(act.consumer), CONSUMER);
        bytes32 digest = _signed(keccak256(abi.encode(GRANT_SHARE, act)), act.validUntil, act.signer, kind, signatures);
        _checkOffer(act.dataset, act.revision, provider, act.consumer, published, shareType);
        if (act.basis == 0) revert AuthorisationsBasisMissing();
        if (act.until <= block.timestamp) revert AuthorisationsUntil(act.until);
        if (act.document == 0) revert AuthorisationsDocumentMissing();
        Share storage share = _create(digest);
        share.consumer = act.consumer;
        share.provider = provider;
        share.dataset = act.dataset;
        share.revision = act.revision;
        share.last = digest;
        (share.until, share.stage, share.shareType, share.granted) = (act.until, AGREED, shareType, true);
        _agreed[act.dataset][act.consumer].push(digest);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit ShareGranted(digest, index, head, department, marks, act);
    }

    function authorisationsOf(bytes32 dataset, bytes32 consumer) external view returns (bytes32[] memory found) {
        bytes32[] storage agreed = _agreed[dataset][consumer];
        found = new bytes32[](agreed.length);
        uint256 count = 0;
        for (uint256 i = 0; i < agreed.length; i++) {
            bytes32 share = agreed[i];
            if (isAuthorised(share)) found[count++] = share;
        }
        assembly ("memory-safe") {
            mstore(found, count) // shorter than allocated
        }
    }

    function shareOf(bytes32 share) external view returns (Share memory) {
        return _shares[share];
    }

    function isAuthorised(bytes32 id) public view returns (bool) {
        Share storage share = _shares[id];
        return _isLive(share.stage) && share.suspendedBy == 0 && block.timestamp <= share.until;
    }

    function _known(bytes32 id) private view returns (Share storage share) {
        share = _shares[id];
        if (share.stage == 0) revert AuthorisationsUnknown(id);
    }

    function _create(bytes32 id) private view returns (Share storage share) {
        share = _shares[id];
        if (share.stage != 0) revert AuthorisationsKnown(id);
    }

    function _byProvider(address signer, uint8 duty, bytes32 id)
        private
        view
        returns (Share storage share, bytes32 department, uint8 kind)
    {
        (department,, kind) = DEPARTMENTS.authorise(signer, duty);
        share = _known(id);
        if (share.provider != department) revert AuthorisationsParty(id, department);
    }

    function _byConsumer(address signer, uint8 duty, bytes32 id)
        private
        view
        returns (Share storage share, bytes32 department, uint8 kind)
    {
        (department,, kind) = DEPARTMENTS.authorise(signer, duty);
        share = _known(id);
        if (share.consumer != department) revert AuthorisationsParty(id, department);
    }

    function _providerOrAbove(bytes32 id, bytes32 provider, bytes32 department, uint16 roles)
        private
        view
        returns (uint8 marks)
    {
        if (department == provider) return MARK_NONE;
        if (roles & AUTHORITY == 0) revert AuthorisationsParty(id, department);
        (bool above, bool nearest) = DEPARTMENTS.reach(department, provider);
        if (!above) revert AuthorisationsParty(id, department);
        return nearest ? MARK_NONE : MARK_SUPERIOR;
    }

    function _mayResume(bytes32 id, Share storage share, bytes32 department, uint16 roles)
        private
        view
        returns (uint8 marks)
    {
        (bytes32 provider, bytes32 suspendedBy) = (share.provider, share.suspendedBy);
        if (suspendedBy == provider) return _providerOrAbove(id, provider, department, roles);
        if (department != suspendedBy && (roles & AUTHORITY == 0 || !DEPARTMENTS.isBelow(suspendedBy, department))) {
            revert AuthorisationsParty(id, department);
        }
        return department == DEPARTMENTS.nearestAuthority(provider) ? MARK_NONE : MARK_SUPERIOR;
    }

    function _checkOffer(
        bytes32 dataset,
        bytes32 revision,
        bytes32 provider,
        bytes32 consumer,
        bytes32 published,
        uint8 shareType
    ) private pure {
        if (provider == consumer) revert AuthorisationsSelf(consumer);
        if (published == 0) revert IDatasets.DatasetsNotPublished(dataset);
        if (revision != published) revert AuthorisationsRevision(published, revision);
        if (shareType == NOT_SHARED) revert AuthorisationsNotShared(dataset);
    }

    function _isWithdrawn(bytes32 dataset) private view returns (bool withdrawn) {
        (,,, withdrawn) = DATASETS.offerOf(dataset);
    }

    function _open(bytes32 id, Share storage share) private view {
        if (share.stage != REQUESTED && share.stage != SUPPLEMENT_ASKED) revert AuthorisationsStage(id, share.stage);
    }

    function _live(bytes32 id, Share storage share) private view {
        if (!_isLive(share.stage)) revert AuthorisationsStage(id, share.stage);
    }

    function _isLive(uint8 stage) private pure returns (bool) {
        return stage >= AGREED && stage <= CONFIRMED;
    }
}
