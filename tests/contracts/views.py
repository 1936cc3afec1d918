"""Every view of the contracts against the model's state, all objects and all pairs of departments."""

from collections.abc import Iterator
from typing import Any

from eth_abi.abi import decode, encode
from eth_hash.auto import keccak

from ledger.domain.acts import Role
from ledger.domain.identifiers import ZERO_DIGEST, code_to_bytes
from ledger.domain.marks import has_jurisdiction, is_below, nearest_authority
from ledger.domain.state import (
    Attestation,
    Checkpoint,
    Correction,
    Dataset,
    Department,
    InstalledModule,
    Key,
    Line,
    Revision,
    Rule,
    Share,
    State,
    StateObject,
    Version,
    VersionNumber,
)
from tests.contracts.both_sides import BothSides, Disagreement, call_at

ZERO = bytes(32)
Expected = Iterator[tuple[str, str, str, tuple[Any, ...], Any]]  # module, signature, types, arguments, what it says


def word(value: str | None) -> bytes:
    """The bytes32 of a digest; zero for none."""
    return bytes.fromhex(value or ZERO_DIGEST)


def compare_views(sides: BothSides) -> int:
    """How many views were read. Raises Disagreement."""
    count = 0
    for module, signature, types, arguments, expected in _expected(sides):
        answer = _view(sides, module, signature, types, arguments, sides.now)
        count += 1
        if answer != expected:
            raise Disagreement(f"{module}.{signature} of {arguments} says {answer}, the model {expected}")
    return count + _compare_terms(sides)


def _view(sides: BothSides, module: str, signature: str, types: str, arguments: tuple[Any, ...], time: int) -> Any:
    inputs = [item for item in signature[signature.index("(") + 1 : -1].split(",") if item]
    calldata = keccak(signature.encode())[:4] + encode(inputs, arguments)
    (answer,) = decode([types], call_at(sides.world.chain, sides.world.modules[module], calldata, time))
    return answer


def _expected(sides: BothSides) -> Expected:
    state = sides.state
    yield from _journal(state)
    yield from _tree(state)
    for shape in (Key, Dataset, Revision, Version, VersionNumber, Share, Attestation, Correction, Rule, Checkpoint):
        for item in state.all(shape):
            yield _object(state, item)
    yield from _shares(sides)


def _journal(state: State) -> Expected:
    ledger = state.ledger
    assert ledger is not None
    yield "Journal", "head()", "bytes32", (), word(ledger.head)
    yield "Journal", "size()", "uint256", (), ledger.size
    yield "Journal", "last()", "bytes32", (), word(ledger.last)
    yield "Journal", "closed()", "bool", (), ledger.closed
    yield "Journal", "opening()", "bytes32", (), word(ledger.opening)
    yield "Journal", "isModule(address)", "bool", (ledger.courier,), False
    for module in state.all(InstalledModule):
        yield "Journal", "isModule(address)", "bool", (module.address,), True


def _tree(state: State) -> Expected:
    departments = list(state.all(Department))
    for one in departments:
        code, parent = code_to_bytes(one.code), code_to_bytes(one.parent or "")
        types = "(bytes32,bytes32,uint8,uint16,bool)"
        said = (parent, word(one.last), one.level, one.roles, one.had_director)
        yield "Departments", "departmentOf(bytes32)", types, (code,), said
        nearest = code_to_bytes(nearest_authority(state, one.code) or "")
        yield "Departments", "nearestAuthority(bytes32)", "bytes32", (code,), nearest
        if one.parent is None:
            yield "Departments", "rootKeys()", "uint256", (), one.standing_directors
        for other in departments:
            pair = (code, code_to_bytes(other.code))
            above = has_jurisdiction(state, one, other.code)
            reach = (above, above and nearest_authority(state, other.code) == one.code)
            yield "Departments", "reach(bytes32,bytes32)", "(bool,bool)", pair, reach
            yield "Departments", "isBelow(bytes32,bytes32)", "bool", pair, is_below(state, one.code, other.code)


def _object(state: State, item: StateObject) -> tuple[str, str, str, tuple[Any, ...], Any]:
    said: tuple[Any, ...]
    named: tuple[Any, ...]
    match item:
        case Key():
            retired = (item.retired_time or 0, item.retired_since or 0, item.reason or 0)
            said = (code_to_bytes(item.department), word(item.last), item.kind, item.duty, item.custody, item.start)
            types = "(bytes32,bytes32,uint8,uint8,uint8,uint48,uint48,uint48,uint48,uint8)"
            return "Departments", "keyOf(address)", types, (item.address,), (*said, item.until, *retired)
        case Dataset():
            line = state.get(Line, item.code)
            words = (code_to_bytes(item.provider), *map(word, (item.last, item.pending, item.published)))
            types = "(bytes32,bytes32,bytes32,bytes32,bytes32,uint32,bool)"
            said = (*words, word(line.last if line else None), line.count if line else 0, item.withdrawn)
            return "Datasets", "datasetOf(bytes32)", types, (code_to_bytes(item.code),), said
        case Revision():
            said = (word(item.basis), word(item.conditions), item.share_type, item.grade)
            return "Datasets", "revisionOf(bytes32)", "(bytes32,bytes32,uint8,uint8)", (word(item.digest),), said
        case Version():
            types = "(bytes32,bytes32,uint64,uint64,uint32,bool,bool)"
            said = (code_to_bytes(item.dataset), word(item.root), item.records, item.size)
            said = (*said, item.number, item.salted, item.shredded)
            return "Datasets", "versionOf(bytes32)", types, (word(item.id),), said
        case VersionNumber():
            named = (code_to_bytes(item.dataset), item.number)
            return "Datasets", "versionId(bytes32,uint32)", "bytes32", named, word(item.version)
        case Share():
            return _share(state, item)
        case Attestation():
            said = (code_to_bytes(item.attestor), word(item.version), word(item.last), item.score)
            types = "(bytes32,bytes32,bytes32,uint32,bool,bool)"
            said = (*said, item.self_attested, item.withdrawn)
            return "Attestations", "attestationOf(bytes32)", types, (word(item.id),), said
        case Correction():
            said = (word(item.share), word(item.version), word(item.last), item.outcome or 0)
            return "Attestations", "correctionOf(bytes32)", "(bytes32,bytes32,bytes32,uint8)", (word(item.id),), said
        case Rule():
            named = (code_to_bytes(item.department), code_to_bytes(item.rule))
            said = (word(item.last), word(item.document), item.start, item.kind)
            return "Rulebook", "ruleOf(bytes32,bytes32)", "(bytes32,bytes32,uint48,uint8)", named, said
        case Checkpoint():
            named = (code_to_bytes(item.department), code_to_bytes(item.log))
            said = (word(item.last), word(item.root), word(item.state), item.size)
            return "Checkpoints", "checkpointOf(bytes32,bytes32)", "(bytes32,bytes32,bytes32,uint64)", named, said
    raise TypeError(f"no view shows a {type(item).__name__}")


def _share(state: State, share: Share) -> tuple[str, str, str, tuple[Any, ...], Any]:
    revision = state.get(Revision, share.revision)
    codes = map(code_to_bytes, (share.consumer, share.provider, share.dataset))
    words = (word(share.revision), word(share.last), word(share.version), code_to_bytes(share.suspended_by or ""))
    said = (*codes, *words, share.until, share.stage, revision and revision.share_type)
    types = "(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,uint48,uint8,uint8,bool,bool,bool)"
    flags = (share.supplement_asked, share.extended, share.granted)
    return "Authorisations", "shareOf(bytes32)", types, (word(share.id),), (*said, *flags)


def _shares(sides: BothSides) -> Expected:
    """What a platform asks: may this consumer use this dataset now. Oldest consent first."""
    state, now = sides.state, sides.now
    agreed = sorted(state.all(Share), key=lambda one: one.replied_time or 0)
    for dataset in state.all(Dataset):
        for department in state.all(Department):
            mine = [one for one in agreed if (one.dataset, one.consumer) == (dataset.code, department.code)]
            if mine or department.roles & Role.CONSUMER:
                pair = (code_to_bytes(dataset.code), code_to_bytes(department.code))
                live = tuple(word(one.id) for one in mine if one.authorised(now))
                yield "Authorisations", "authorisationsOf(bytes32,bytes32)", "bytes32[]", pair, live


def _compare_terms(sides: BothSides) -> int:
    """`isAuthorised` now, in the last second of each term, and in the second after."""
    count = 0
    for share in sides.state.all(Share):
        for time in {sides.now, *(moment for moment in (share.until, share.until + 1) if moment > sides.now)}:
            if time < 2**48:
                said = _view(sides, "Authorisations", "isAuthorised(bytes32)", "bool", (word(share.id),), time)
                count += 1
                if said != share.authorised(time):
                    raise Disagreement(f"share {share.id} at {time}: the chain says {said}")
    return count
