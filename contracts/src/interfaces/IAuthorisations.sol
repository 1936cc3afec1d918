// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IAuthorisations: a share, from request to end
/// @notice A share's id is the digest of the act that created it, RequestShare or GrantShare; later acts on it chain by
/// `prior`. A request names the revision it read and freezes its share type and conditions; agreeing may only narrow it.
/// Silence is never consent: no time-out changes anything here.
/// ```
///   1 Requested ⇄ 2 SupplementAsked          RequestShare; AskSupplement once, SupplyMaterials
///   1, 2 → 3 Agreed                           AgreeShare (GrantShare begins here)
///   1, 2 → 6 Refused, 7 Withdrawn             RefuseShare, WithdrawRequest
///   3, 4, 5 → 4 Delivered → 5 Confirmed       DeliverShare, ConfirmDelivery
///   3, 4, 5 → 8 Ended                         EndShare, suspended or not
/// ```
interface IAuthorisations {
    /// @notice By the consumer's lead.
    struct RequestShare {
        address signer;
        bytes32 consumer;
        bytes32 dataset;
        bytes32 revision;
        bytes32 scope;
        uint48 until;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the consumer's lead, before a reply.
    struct WithdrawRequest {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's officer, once.
    struct AskSupplement {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the consumer's officer.
    struct SupplyMaterials {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the lead of an authority above the provider, once: more time for the reply.
    struct ExtendReply {
        address signer;
        bytes32 share;
        uint8 workingDays;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's lead.
    struct AgreeShare {
        address signer;
        bytes32 share;
        bytes32 scope;
        bytes32 conditions;
        uint48 until;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's lead, with reasons; never for an unconditional dataset that is still offered.
    struct RefuseShare {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's officer, while the share is in force.
    struct DeliverShare {
        address signer;
        bytes32 share;
        bytes32 version;
        uint8 method;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the consumer's officer.
    struct ConfirmDelivery {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the lead of the provider or of an authority above it.
    struct SuspendShare {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice A provider's suspension is lifted by the provider or an authority above it; an authority's by that one or
    /// one above it. By a lead.
    struct ResumeShare {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the lead of the consumer, of the provider or of an authority above the provider.
    struct EndShare {
        address signer;
        bytes32 share;
        uint8 cause;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the director of an authority above the provider, with a basis and without the provider's consent.
    struct GrantShare {
        address signer;
        bytes32 consumer;
        bytes32 dataset;
        bytes32 revision;
        bytes32 scope;
        bytes32 basis;
        uint48 until;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice A share as it is now; `stage` is zero if there is none. `suspendedBy` is zero unless it is suspended.
    struct Share {
        bytes32 consumer;
        bytes32 provider;
        bytes32 dataset;
        bytes32 revision;
        bytes32 last;
        bytes32 version;
        bytes32 suspendedBy;
        uint48 until;
        uint8 stage;
        uint8 shareType;
        bool supplementAsked;
        bool extended;
        bool granted;
    }

    event ShareRequested(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, RequestShare act
    );
    event RequestWithdrawn(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, WithdrawRequest act
    );
    event SupplementAsked(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, AskSupplement act
    );
    event MaterialsSupplied(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, SupplyMaterials act
    );
    /// @notice Marked if a superior acted instead of the nearest authority; so are all acts of an authority below.
    event ReplyExtended(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, ExtendReply act
    );
    event ShareAgreed(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, AgreeShare act
    );
    event ShareRefused(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, RefuseShare act
    );
    event ShareDelivered(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, DeliverShare act
    );
    event DeliveryConfirmed(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, ConfirmDelivery act
    );
    event ShareSuspended(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, SuspendShare act
    );
    event ShareResumed(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, ResumeShare act
    );
    event ShareEnded(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, EndShare act
    );
    event ShareGranted(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, GrantShare act
    );

    error AuthorisationsUnknown(bytes32 share);
    /// @notice The share is at `stage`, where this act has no place.
    error AuthorisationsStage(bytes32 share, uint8 stage);
    /// @notice The act is another department's to do.
    error AuthorisationsParty(bytes32 share, bytes32 department);
    /// @notice A department requests for itself only.
    error AuthorisationsNotConsumer(bytes32 department);
    /// @notice Provider and consumer are one department.
    error AuthorisationsSelf(bytes32 department);
    /// @notice Another revision is published by now: read it, then decide anew.
    error AuthorisationsRevision(bytes32 published, bytes32 given);
    /// @notice A dataset that is not shared can be neither requested nor granted.
    error AuthorisationsNotShared(bytes32 dataset);
    /// @notice A term that ends before it begins.
    error AuthorisationsUntil(uint48 until);
    /// @notice Agreeing may only narrow the term that was requested.
    error AuthorisationsWidened(uint48 requested, uint48 given);
    error AuthorisationsDocumentMissing();
    error AuthorisationsBasisMissing();
    /// @notice This very act created a share already.
    error AuthorisationsKnown(bytes32 share);
    /// @notice Only once for each share.
    error AuthorisationsOnce(bytes32 share);
    /// @notice The dataset was withdrawn meanwhile.
    error AuthorisationsWithdrawn(bytes32 dataset);
    /// @notice An unconditional dataset may not be refused (Decree 809 arts. 14, 21).
    error AuthorisationsUnconditional(bytes32 share);
    error AuthorisationsSuspended(bytes32 share);
    error AuthorisationsNotSuspended(bytes32 share);
    /// @notice The share's term ended then.
    error AuthorisationsExpired(bytes32 share, uint48 until);
    /// @notice No version of this share's dataset, or one that is wholly shredded.
    error AuthorisationsVersion(bytes32 version);
    error AuthorisationsMethod(uint8 method);
    error AuthorisationsCause(uint8 cause);

    function requestShare(RequestShare calldata act, bytes[] calldata signatures) external;

    function withdrawRequest(WithdrawRequest calldata act, bytes[] calldata signatures) external;

    function askSupplement(AskSupplement calldata act, bytes[] calldata signatures) external;

    function supplyMaterials(SupplyMaterials calldata act, bytes[] calldata signatures) external;

    function extendReply(ExtendReply calldata act, bytes[] calldata signatures) external;

    function agreeShare(AgreeShare calldata act, bytes[] calldata signatures) external;

    function refuseShare(RefuseShare calldata act, bytes[] calldata signatures) external;

    function deliverShare(DeliverShare calldata act, bytes[] calldata signatures) external;

    function confirmDelivery(ConfirmDelivery calldata act, bytes[] calldata signatures) external;

    function suspendShare(SuspendShare calldata act, bytes[] calldata signatures) external;

    function resumeShare(ResumeShare calldata act, bytes[] calldata signatures) external;

    function endShare(EndShare calldata act, bytes[] calldata signatures) external;

    function grantShare(GrantShare calldata act, bytes[] calldata signatures) external;

    /// @notice Whether the consumer may use the dataset now: agreed or granted, neither ended nor suspended nor past its
    /// term. False for an unknown share.
    function isAuthorised(bytes32 share) external view returns (bool);

    /// @notice The shares of a dataset for a consumer that are authorised now, oldest first.
    function authorisationsOf(bytes32 dataset, bytes32 consumer) external view returns (bytes32[] memory);

    function shareOf(bytes32 share) external view returns (Share memory);
}
