"""The entry log as a transparency log: its tree, its checkpoints, and the tree over what is in force.

Entry tree: RFC 9162 section 2.1 with SHA-256 over entry bytes. Checkpoint: the body of a C2SP signed note
(tlog-checkpoint): origin, size, root, each on its line, no extension lines. The origin is
`shareledger/<chain id>/<Journal address>`: a log is known by its chain and contract, not by where it is served.

State tree, `share-state/1`: one leaf per object of the state, sorted by (type, key), so that both presence and absence
can be shown. A leaf is the RFC 8785 JSON of `{"key":[…],"row":{…},"type":…}`: the type in lower case, the key as
texts (numbers with 20 digits, so that texts sort as numbers), and every column; columns that stand for a uint64
(`records`, `size`, `older_size`) are decimal strings, whatever their value, all other numbers are numbers.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final, Self

import orjson

from ledger.domain.entries import Entry
from ledger.domain.identifiers import digest_to_bytes, parse_address
from ledger.domain.state import State, StateObject
from ledger.errors import InvalidProof
from ledger.fingerprint.merkle import Accumulator, leaf_hash, tree_root

_WIDE: Final = frozenset({"records", "size", "older_size"})
_ORIGIN: Final = re.compile(r"[!-*,-~]+", re.ASCII)  # neither spaces nor plus
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def log_origin(chain_id: int, journal: str) -> str:
    """The first line of this ledger's checkpoints, and the name of its note keys. Raises InvalidInput."""
    return f"shareledger/{chain_id}/{parse_address(journal)}"


def entry_leaf(entry: Entry) -> bytes:
    """The leaf hash of an entry, 32 bytes."""
    return leaf_hash(entry.entry_bytes())


def log_root(entries: Iterable[Entry]) -> str:
    """The root over entries from index 0 on, 64 hex digits, in O(log n) memory."""
    tree = Accumulator()
    for entry in entries:
        tree.append(entry_leaf(entry))
    return tree.root().hex()


@dataclass(frozen=True, slots=True)
class CheckpointBody:
    """What a checkpoint states: the log of that origin has a tree of `size` entries with this root (64 hex digits)."""

    origin: str
    size: int
    root: str

    def to_bytes(self) -> bytes:
        """The note's text, three lines with a newline each: what note signatures sign. Raises InvalidDigest."""
        root = base64.b64encode(digest_to_bytes(self.root)).decode("ascii")
        return f"{self.origin}\n{self.size}\n{root}\n".encode("ascii")

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """From a note's text. Raises InvalidProof unless `to_bytes` would give the very same bytes."""
        try:
            origin, size, root, rest = body.decode("ascii").split("\n")
            raw = base64.b64decode(root, validate=True)
        except (UnicodeDecodeError, ValueError, binascii.Error) as error:
            raise InvalidProof("a checkpoint is three lines: origin, size, base64 root") from error
        if rest or not _ORIGIN.fullmatch(origin) or not _SIZE.fullmatch(size) or len(raw) != 32:
            raise InvalidProof("a checkpoint is three lines: origin, size, base64 root")
        checkpoint = cls(origin, int(size), raw.hex())
        if checkpoint.to_bytes() != body:
            raise InvalidProof("the checkpoint's root is not canonical base64")
        return checkpoint


def state_key(item: StateObject) -> tuple[str, ...]:
    """Where an object stands in the state tree: its type, then its key's columns as texts."""
    parts = (f"{part:020d}" if isinstance(part, int) else str(part) for part in item.key)
    return (type(item).__name__.lower(), *parts)


def state_leaf(item: StateObject) -> bytes:
    """The bytes of an object's leaf."""
    kind, *key = state_key(item)
    row = {column.name: getattr(item, column.name) for column in fields(item)}
    for name in _WIDE & row.keys():
        row[name] = str(row[name])
    # RFC 8785 for the same reason as entry bytes: printable ASCII without quotes or backslashes, integers below 2^53.
    return orjson.dumps({"key": key, "row": row, "type": kind}, option=orjson.OPT_SORT_KEYS)


def state_root(state: State) -> str:
    """The root of the state tree, 64 hex digits. The state must be whole, not the part an act needs."""
    ordered = sorted(state, key=state_key)
    return tree_root([leaf_hash(state_leaf(item)) for item in ordered]).hex()
