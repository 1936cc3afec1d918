"""A share, from request to end."""

from dataclasses import replace
from typing import Any

from ledger.domain.apply.found import found, or_none
from ledger.domain.entries import Entry
from ledger.domain.stages import Stage
from ledger.domain.state import Dataset, Revision, Share, State, StateObject

Changed = tuple[StateObject, ...]


def _moved(state: State, entry: Entry, **columns: Any) -> Changed:
    share = found(state, Share, entry.act["share"])
    return (replace(share, last=entry.digest, updated=entry.index, **columns),)


def _created(state: State, entry: Entry, **columns: Any) -> Changed:
    act = entry.act
    dataset = found(state, Dataset, act["dataset"])
    share = Share(
        id=entry.digest,
        dataset=dataset.code,
        provider=dataset.provider,
        consumer=act["consumer"],
        revision=act["revision"],
        suspended=False,
        suspended_by=None,
        supplement_asked=False,
        extended=False,
        extended_days=0,
        scope=act["scope"],
        conditions=found(state, Revision, act["revision"]).conditions,
        requested_until=act["until"],
        until=act["until"],
        document=act["document"],
        reply_document=None,
        version=None,
        method=None,
        cause=None,
        renews=or_none(act["prior"]),
        requested_time=entry.time,
        supplement_time=None,
        supplied_time=None,
        delivered_time=None,
        confirmed_time=None,
        suspended_time=None,
        ended_time=None,
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
        **columns,
    )
    return (share,)


def share_requested(state: State, entry: Entry, signer: str) -> Changed:
    return _created(state, entry, stage=Stage.REQUESTED.value, granted=False, basis=None, replied_time=None)


def share_granted(state: State, entry: Entry, signer: str) -> Changed:
    basis = entry.act["basis"]
    return _created(state, entry, stage=Stage.AGREED.value, granted=True, basis=basis, replied_time=entry.time)


def request_withdrawn(state: State, entry: Entry, signer: str) -> Changed:
    return _moved(state, entry, stage=Stage.WITHDRAWN.value, ended_time=entry.time)


def supplement_asked(state: State, entry: Entry, signer: str) -> Changed:
    stage = Stage.SUPPLEMENT_ASKED.value
    return _moved(state, entry, stage=stage, supplement_asked=True, supplement_time=entry.time)


def materials_supplied(state: State, entry: Entry, signer: str) -> Changed:
    return _moved(state, entry, stage=Stage.REQUESTED.value, supplied_time=entry.time)


def reply_extended(state: State, entry: Entry, signer: str) -> Changed:
    return _moved(state, entry, extended=True, extended_days=entry.act["working_days"])


def share_agreed(state: State, entry: Entry, signer: str) -> Changed:
    act = entry.act
    return _moved(
        state,
        entry,
        stage=Stage.AGREED.value,
        scope=act["scope"],
        conditions=act["conditions"],
        until=act["until"],
        reply_document=act["document"],
        replied_time=entry.time,
    )


def share_refused(state: State, entry: Entry, signer: str) -> Changed:
    document = entry.act["document"]
    return _moved(state, entry, stage=Stage.REFUSED.value, reply_document=document, replied_time=entry.time)


def share_delivered(state: State, entry: Entry, signer: str) -> Changed:
    act = entry.act
    first = found(state, Share, act["share"]).delivered_time
    return _moved(
        state,
        entry,
        stage=Stage.DELIVERED.value,
        version=act["version"],
        method=act["method"],
        delivered_time=entry.time if first is None else first,
    )


def delivery_confirmed(state: State, entry: Entry, signer: str) -> Changed:
    return _moved(state, entry, stage=Stage.CONFIRMED.value, confirmed_time=entry.time)


def share_suspended(state: State, entry: Entry, signer: str) -> Changed:
    return _moved(state, entry, suspended=True, suspended_by=signer, suspended_time=entry.time)


def share_resumed(state: State, entry: Entry, signer: str) -> Changed:
    return _moved(state, entry, suspended=False, suspended_by=None, suspended_time=None)


def share_ended(state: State, entry: Entry, signer: str) -> Changed:
    return _moved(
        state,
        entry,
        stage=Stage.ENDED.value,
        cause=entry.act["cause"],
        suspended=False,  # what has ended cannot be resumed
        suspended_by=None,
        suspended_time=None,
        ended_time=entry.time,
    )
