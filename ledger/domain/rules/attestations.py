"""Acts on attestations of quality and on corrections."""

from ledger.domain.acts import Outcome, Role
from ledger.domain.refusals import refusal_from_name
from ledger.domain.rules.case import Case, is_zero, refuse_if
from ledger.domain.state import Attestation, Correction, Share, State, Version

MAX_SCORE = 1_000_000  # parts per million


def attest_quality(case: Case) -> None:
    act = case.act
    case.sign_in()
    version = case.state.get(Version, act["prior"])
    if version is None:
        raise refusal_from_name("AttestationsVersion", act["prior"])
    own = case.known_dataset(version.dataset).provider == case.code
    if not act["self_attested"]:
        case.check_role(Role.ATTESTOR)
    refuse_if(own != act["self_attested"], "AttestationsSelf", case.code)
    case.check_signatures()
    refuse_if(act["score"] > MAX_SCORE, "AttestationsScore", act["score"])
    case.check_document("AttestationsDocumentMissing")
    _check_new(case)


def withdraw_attestation(case: Case) -> None:
    case.sign_in()
    attestation = case.state.get(Attestation, case.act["attestation"])
    if attestation is None:
        raise refusal_from_name("AttestationsUnknown", case.act["attestation"])
    refuse_if(attestation.attestor != case.code, "AttestationsParty", attestation.id, case.code)
    case.check_signatures()
    case.check_prior(attestation.last)
    refuse_if(attestation.withdrawn, "AttestationsWithdrawn", attestation.id)


def request_correction(case: Case) -> None:
    act = case.act
    case.sign_in()
    share = case.state.get(Share, act["share"])
    if share is None:
        raise refusal_from_name("AuthorisationsUnknown", act["share"])
    refuse_if(share.consumer != case.code, "AttestationsParty", share.id, case.code)
    case.check_signatures()
    refuse_if(not share.live, "AuthorisationsStage", share.id, share.stage)
    _check_version(case.state, act["prior"], share.dataset)
    case.check_document("AttestationsDocumentMissing")
    _check_new(case)


def resolve_correction(case: Case) -> None:
    act = case.act
    case.sign_in()
    correction = case.state.get(Correction, act["correction"])
    if correction is None:
        raise refusal_from_name("AttestationsUnknown", act["correction"])
    refuse_if(correction.provider != case.code, "AttestationsParty", correction.id, case.code)
    case.check_signatures()
    case.check_prior(correction.last)
    refuse_if(correction.outcome is not None, "AttestationsResolved", correction.id)
    refuse_if(act["outcome"] not in set(Outcome), "AttestationsOutcome", act["outcome"])
    if not is_zero(act["version"]):
        _check_version(case.state, act["version"], correction.dataset)


def _check_version(state: State, version_id: str, dataset: str) -> None:
    version = state.get(Version, version_id)
    refuse_if(version is None or version.dataset != dataset, "AttestationsVersion", version_id)


def _check_new(case: Case) -> None:
    known = case.state.get(Attestation, case.digest) or case.state.get(Correction, case.digest)
    refuse_if(known is not None, "AttestationsKnown", case.digest)
