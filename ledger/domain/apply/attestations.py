"""Quality attestations and corrections."""

from dataclasses import replace

from ledger.domain.apply.found import found, or_none
from ledger.domain.entries import Entry
from ledger.domain.state import Attestation, Correction, Share, State, StateObject, Version


def quality_attested(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    version = found(state, Version, act["prior"])
    attestation = Attestation(
        id=entry.digest,
        version=version.id,
        dataset=version.dataset,
        attestor=signer,
        rules=act["rules"],
        score=act["score"],
        self_attested=act["self_attested"],
        document=act["document"],
        withdrawn=False,
        withdrawal_document=None,
        attested_time=entry.time,
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
    )
    return (attestation,)


def attestation_withdrawn(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    attestation = found(state, Attestation, entry.act["attestation"])
    withdrawn = replace(
        attestation,
        withdrawn=True,
        withdrawal_document=or_none(entry.act["document"]),
        last=entry.digest,
        updated=entry.index,
    )
    return (withdrawn,)


def correction_requested(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    share = found(state, Share, act["share"])
    correction = Correction(
        id=entry.digest,
        share=share.id,
        version=act["prior"],
        dataset=share.dataset,
        consumer=share.consumer,
        provider=share.provider,
        document=act["document"],
        outcome=None,
        answer_version=None,
        answer_document=None,
        requested_time=entry.time,
        resolved_time=None,
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
    )
    return (correction,)


def correction_resolved(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    correction = found(state, Correction, act["correction"])
    resolved = replace(
        correction,
        outcome=act["outcome"],
        answer_version=or_none(act["version"]),
        answer_document=or_none(act["document"]),
        resolved_time=entry.time,
        last=entry.digest,
        updated=entry.index,
    )
    return (resolved,)
