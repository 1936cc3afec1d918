// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IAttestations: what others found about a version, and how doubts were answered
/// @notice An attestation's and a correction's id is the digest of the act that created it, whose `prior` names the
/// version it speaks of.
interface IAttestations {
    /// @notice By an officer of an attestor that is not the provider; or of the provider itself, then marked.
    /// `score` counts millionths.
    struct AttestQuality {
        address signer;
        bytes32 rules;
        uint32 score;
        bool selfAttested;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By an officer of the attestor.
    struct WithdrawAttestation {
        address signer;
        bytes32 attestation;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By an officer of the consumer of a share in force: this version seems wrong (Decree 809 art. 26).
    struct RequestCorrection {
        address signer;
        bytes32 share;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the provider's lead: corrected (perhaps in a later version) or declined.
    struct ResolveCorrection {
        address signer;
        bytes32 correction;
        uint8 outcome;
        bytes32 version;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice An attestation as it is now; `attestor` is zero if there is none.
    struct Attestation {
        bytes32 attestor;
        bytes32 version;
        bytes32 last;
        uint32 score;
        bool selfAttested;
        bool withdrawn;
    }

    /// @notice A correction as it is now; `share` is zero if there is none, `outcome` while it is open.
    struct Correction {
        bytes32 share;
        bytes32 version;
        bytes32 last;
        uint8 outcome;
    }

    /// @notice Marked if the provider attests its own version.
    event QualityAttested(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, AttestQuality act
    );
    event AttestationWithdrawn(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, WithdrawAttestation act
    );
    event CorrectionRequested(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, RequestCorrection act
    );
    event CorrectionResolved(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, ResolveCorrection act
    );

    /// @notice No such attestation or correction.
    error AttestationsUnknown(bytes32 id);
    /// @notice The act is another department's to do.
    error AttestationsParty(bytes32 id, bytes32 department);
    /// @notice A department attests its own version if and only if it says so.
    error AttestationsSelf(bytes32 department);
    /// @notice No such version, or one of another dataset.
    error AttestationsVersion(bytes32 version);
    /// @notice More than 1,000,000 millionths.
    error AttestationsScore(uint32 score);
    error AttestationsDocumentMissing();
    /// @notice This very act created one already.
    error AttestationsKnown(bytes32 id);
    error AttestationsWithdrawn(bytes32 attestation);
    /// @notice Answered already.
    error AttestationsResolved(bytes32 correction);
    error AttestationsOutcome(uint8 outcome);

    function attestQuality(AttestQuality calldata act, bytes[] calldata signatures) external;

    function withdrawAttestation(WithdrawAttestation calldata act, bytes[] calldata signatures) external;

    function requestCorrection(RequestCorrection calldata act, bytes[] calldata signatures) external;

    function resolveCorrection(ResolveCorrection calldata act, bytes[] calldata signatures) external;

    function attestationOf(bytes32 attestation) external view returns (Attestation memory);

    function correctionOf(bytes32 correction) external view returns (Correction memory);
}
