"""Catalogue items, their revisions and the line of their versions."""

from dataclasses import replace

from ledger.domain.apply.found import found
from ledger.domain.entries import Entry
from ledger.domain.state import Dataset, Line, Revision, State, StateObject, Version, VersionNumber


def dataset_submitted(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    revision = Revision(
        digest=entry.digest,
        dataset=act["dataset"],
        department=act["department"],
        share_type=act["share_type"],
        grade=act["grade"],
        basis=act["basis"],
        conditions=act["conditions"],
        document=act["document"],
        submitted_time=entry.time,
        published_time=None,
        since=entry.index,
        updated=entry.index,
    )
    dataset = state.get(Dataset, act["dataset"]) or Dataset(
        code=act["dataset"],
        provider=act["department"],
        pending=None,
        published=None,
        withdrawn=False,
        published_time=None,
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
    )
    return (replace(dataset, pending=entry.digest, last=entry.digest, updated=entry.index), revision)


def dataset_withdrawn(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    dataset = found(state, Dataset, entry.act["dataset"])
    gone = replace(dataset, pending=None, published=None, withdrawn=True, last=entry.digest, updated=entry.index)
    return (gone,)


def dataset_published(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    dataset = found(state, Dataset, entry.act["dataset"])
    revision = found(state, Revision, dataset.pending)
    published = replace(
        dataset,
        pending=None,
        published=dataset.pending,
        withdrawn=False,
        published_time=entry.time,
        last=entry.digest,
        updated=entry.index,
    )
    return (published, replace(revision, published_time=entry.time, updated=entry.index))


def dataset_returned(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    dataset = found(state, Dataset, entry.act["dataset"])
    return (replace(dataset, pending=None, last=entry.digest, updated=entry.index),)


def version_anchored(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act, index = entry.act, entry.index
    version = Version(
        id=entry.digest,
        dataset=act["dataset"],
        number=act["number"],
        format=act["format"],
        salted=act["salted"],
        schema=act["schema"],
        root=act["root"],
        records=act["records"],
        size=act["size"],
        twin=act["twin"],
        document=act["document"],
        shredded=False,
        partly_shredded=False,
        anchored_time=entry.time,
        since=index,
        updated=index,
    )
    line = state.get(Line, act["dataset"]) or Line(act["dataset"], 0, entry.digest, index, index)
    grown = replace(line, count=act["number"], last=entry.digest, updated=index)
    return (version, VersionNumber(act["dataset"], act["number"], entry.digest, index, index), grown)


def version_shredded(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    place = found(state, VersionNumber, act["dataset"], act["number"])
    version = found(state, Version, place.version)
    line = found(state, Line, act["dataset"])
    shredded = replace(
        version,
        shredded=version.shredded or act["whole"],
        partly_shredded=version.partly_shredded or not act["whole"],
        updated=entry.index,
    )
    return (shredded, replace(line, last=entry.digest, updated=entry.index))
