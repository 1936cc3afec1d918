"""What the services need from the world, each as a contract in prose. Real parts and the tests' fakes both keep it.

All integers of time are unix seconds where they speak of the chain and unix milliseconds where they speak of us.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ledger.domain.entries import Entry
from ledger.domain.manifest import Manifest
from ledger.domain.state import Ref, State
from ledger.domain.submissions import Submission, SubmissionState
from ledger.errors import Refused


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    hash: str  # 0x and 64 hex digits


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction in a block. `returned` maps keccak256 of an act's calldata to why it was refused."""

    block: Block
    succeeded: bool
    returned: Mapping[str, Refused]
    gas: int = 0  # used


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the read model is: the last followed block, the number of entries, the running head (64 hex digits)."""

    block: Block
    size: int
    head: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A courier transaction: exactly these bytes are stored, sent and, if need be, sent again."""

    courier: str
    nonce: int
    hash: str
    raw: bytes
    state: str = "sent"  # sent, included, done
    block: Block | None = None


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""
        ...


class Node(Protocol):
    """One view of the chain. Every method raises `Unavailable` when the node does not answer."""

    async def latest(self) -> Block:
        """The newest block the node has."""
        ...

    async def block(self, number: int) -> Block | None:
        """The block at that height on the node's present chain."""
        ...

    async def look(self, number: int) -> tuple[Block, Block | None]:
        """`latest` and `block(number)`, asked in one go."""
        ...

    async def entries(self, first: int, last: int, modules: Sequence[str] = ()) -> list[Entry]:
        """The entries in blocks first..last, in the order of their logs. May be wrong or short: check against `head`.

        The modules of the manifest and those the Journal names are read; `modules` are more addresses to read. Raises
        NotReady for an entry of a module whose acts this program does not know."""
        ...

    async def head(self, block: Block) -> tuple[int, str] | None:
        """Number of entries and running head in the ledger's state after exactly that block hash; None if the node
        does not keep that state any more."""
        ...

    async def entries_and_head(self, first: int, block: Block) -> tuple[list[Entry], tuple[int, str] | None]:
        """`entries(first, block.number)` and `head(block)`, asked in one go."""
        ...

    async def send(self, raw: bytes) -> None:
        """Hand a transaction over. One that the node already has, or whose nonce is used up, is not an error."""
        ...

    async def receipt(self, transaction: str) -> Receipt | None:
        """Where the transaction landed, if it did."""
        ...

    async def landed(self, transactions: Sequence[str]) -> tuple[Block, list[Receipt | None]]:
        """`latest` and a `receipt` each, asked in one go, in no order of time."""
        ...

    async def next_nonce(self, account: str, block: Block | None = None) -> int:
        """The account's nonce after that block (after the newest, without one)."""
        ...


class Packer(Protocol):
    """Turns acts into one signed Courier transaction."""

    courier: str  # the account that signs and pays (nothing)

    def fits(self, submissions: Iterable[Submission]) -> int:
        """How many of these, from the first, one transaction can carry within the gas and size limits; at least 1."""
        ...

    async def pack(self, submissions: Sequence[Submission], nonce: int) -> Carried:
        """Sign the transaction that carries them in this order."""
        ...

    def call_hash(self, submission: Submission) -> str:
        """By which `Receipt.returned` knows the act."""
        ...


class Signatures(Protocol):
    """The host's keys, and the checking of anyone's."""

    def holds(self, address: str) -> bool: ...

    async def sign(self, address: str, digests: Sequence[bytes]) -> list[bytes]:
        """65-byte signatures by a key held here. Raises NotPermitted if it is not held."""
        ...

    def recovers(self, address: str, digest: bytes, signature: bytes) -> bool:
        """Whether `signature` is `address`'s over `digest`, strictly (low s, v 27 or 28)."""
        ...

    async def right(self, asked: Sequence[tuple[str, str, bytes]]) -> frozenset[tuple[str, str, bytes]]:
        """Those of (address, digest in hex, signature) that `recovers` is true of."""
        ...


@dataclass(frozen=True, slots=True)
class StoredDocument:
    digest: str
    kind: str
    body: bytes
    open: bool
    readers: frozenset[str]  # department codes


@dataclass(frozen=True, slots=True)
class TablePart:
    """A sealed part of a kept table: records first_record … first_record + records - 1."""

    first_record: int
    records: int
    object: str  # digest of the stored bytes
    size: int  # of the stored bytes
    wrapped_key: bytes | None  # None once shredded


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """A prepared version: where its bytes lie and what they were when they were read back."""

    document: str
    dataset: str
    object: str | None  # digest of the stored bytes; None: the file stays where it lies
    wrapped_key: bytes | None  # None: shredded, or no object
    size: int
    fingerprint: dict[str, Any]
    manifest: bytes
    segment_keys: tuple[tuple[int, bytes | None], ...]  # (first record, wrapped key or None once shredded)
    parts: tuple[TablePart, ...] = ()  # of a table that is kept as one, in order


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    hash: str
    label: str
    department: str
    duty: int
    roles: int
    created: int
    expires: int
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A use record (Decree 809 art. 29)."""

    at: int
    share: str
    version: str
    department: str
    caller: str
    action: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer to an idempotent request; `status` is None while the first one is still running."""

    body_digest: str
    status: int | None
    answer: Any
    created: int  # unix milliseconds
    holder: str = ""  # the process that claimed the key, by `ledger.processes`


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A stored value that is not the right one: `column` "" where the row is missing, "*" where it should not be."""

    table: str
    key: str
    column: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Who carries: until `expires` (unix milliseconds) nobody else may."""

    holder: str
    epoch: int
    expires: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Submissions in one state: how many, and when the oldest was taken in (unix milliseconds)."""

    count: int
    oldest: int


class UnitOfWork(Protocol):
    """One database transaction. Leaving it without `commit` undoes everything; reads see one moment."""

    async def commit(self) -> None: ...

    # the read model
    async def cursor(self) -> Cursor | None: ...
    async def load(self, wanted: Iterable[Ref]) -> State:
        """Those objects and, through their `refs`, everything they rest on."""
        ...

    async def record(self, entries: Sequence[Entry], changed: Iterable[Any], cursor: Cursor) -> None:
        """Final entries, the objects they changed, how far we are. Ends the submissions they answer. Follower only."""
        ...

    async def rewind(self) -> None:
        """Empty the read model, to be rebuilt from the chain."""
        ...

    async def entries(self, after: int, limit: int, **where: Any) -> list[Entry]:
        """Entries with index > after, in order. `where`: department, subject, kind."""
        ...

    async def entry(self, key: int | str) -> Entry | None:
        """By index or act digest."""
        ...

    async def objects(
        self, shape: type, *, after: tuple[Any, ...] | None = None, limit: int = 1000, **where: Any
    ) -> list[Any]:
        """State objects of a type in key order; a value in `where` may be a collection."""
        ...

    # the audit
    async def differing_entries(self, right: Sequence[Entry]) -> list[RowDifference]:
        """Where the stored rows of these entries are not what the entries say."""
        ...

    async def stray_entries(self, size: int, limit: int) -> list[RowDifference]:
        """Stored entries whose index is not within 0 … size - 1."""
        ...

    async def differing_objects(self, shape: type, right: State, limit: int) -> list[RowDifference]:
        """Where the stored rows of a type are not the objects of a whole state, up to a limit."""
        ...

    # documents
    async def add_document(self, document: StoredDocument) -> None:
        """Same digest again: readers are added, nothing else changes."""
        ...

    async def add_documents(self, new: Sequence[StoredDocument]) -> None:
        """As `add_document` for each, in this order."""
        ...

    async def document(self, digest: str) -> StoredDocument | None: ...
    async def digests_in_documents(self, kind: str, digests: Sequence[str]) -> set[str]:
        """Those of these digests that stand in some document of the kind. Reads all of them if any is given."""
        ...

    async def open_document(self, digest: str) -> None:
        """Make it readable by every caller."""
        ...

    # submissions
    async def add_submissions(self, submissions: Sequence[Submission]) -> list[Submission]:
        """Queue them; one known already is left as it is, unless it was returned: that is queued again; one whose entry
        is here already is final. Answers what is stored."""
        ...

    async def submission(self, digest: str) -> Submission | None: ...
    async def submitted(self, digests: Iterable[str]) -> set[str]:
        """Which of these act digests have a submission, whatever became of it."""
        ...

    async def submissions(
        self, *, after: int = 0, limit: int = 100, expired_before: int | None = None, **where: Any
    ) -> list[tuple[int, Submission]]:
        """(sequence number, submission), oldest first, without histories. `where`: department, state (a collection)."""
        ...

    async def queued(self, limit: int) -> list[Submission]: ...
    async def move(self, digests: Sequence[str], state: SubmissionState, note: str = "", **fields: Any) -> None:
        """Another state for all of them, with a line in each history. Final and failed ones are left alone."""
        ...

    async def carried_by(self, transactions: Collection[str], *states: SubmissionState) -> list[Submission]:
        """The acts of these transactions; with `states`, those in one of them."""
        ...

    async def unrecorded(self) -> list[str]:
        """Digests of submissions that are final and have no entry: the chain that held it was taken back."""
        ...

    async def reopen(self, digests: Sequence[str], state: SubmissionState, note: str) -> None:
        """Another state for submissions that are final, with a line in each history."""
        ...

    async def open_on(self, digests: Iterable[str], subjects: Iterable[str]) -> set[str]:
        """Which of these act digests and subjects have an open submission."""
        ...

    async def moving_on(self, digests: Iterable[str], subjects: Iterable[str], apart_from: str) -> set[str]:
        """As `open_on`, but only those that will move on by themselves: queued, sent or included, and not with the
        transaction whose hash is `apart_from`."""
        ...

    # the courier
    async def lease(self, name: str, holder: str, now: int, milliseconds: int) -> int | None:
        """Take or renew the lease; its epoch, or None while another holder has it. A new holder gets a new epoch.
        `now` is in unix milliseconds."""
        ...

    async def holds_lease(self, name: str, holder: str, epoch: int) -> bool: ...
    async def release_lease(self, name: str, holder: str) -> None:
        """Let another holder in at once, on a clean stop."""
        ...

    async def add_carried(self, carried: Carried, epoch: int, digests: Sequence[str]) -> None:
        """The transaction's bytes and, in one go, its acts as sent."""
        ...

    async def carried(self, courier: str, *, done: bool = False) -> list[Carried]:
        """Transactions that are not done yet, or all of them, by nonce."""
        ...

    async def settle(self, carried: Carried) -> None: ...
    async def last_nonce(self, courier: str) -> int | None: ...

    # watching
    async def waiting(self) -> dict[SubmissionState, Waiting]:
        """The acts on their way, by state; states without any are left out."""
        ...

    async def lease_of(self, name: str) -> Lease | None: ...
    async def open_transactions(self, courier: str) -> int:
        """How many are not done."""
        ...

    async def payload_total(self) -> tuple[int, int]:
        """How many payloads are kept here, and their plain size in bytes."""
        ...

    async def owing(self, limit: int) -> list[Ref]:
        """Shares, corrections and datasets on which somebody owes an answer, oldest first, up to `limit` of each."""
        ...

    # callers
    async def claim(self, caller: str, key: str, body_digest: str, now: int, holder: str = "") -> Answer | None:
        """Claim an Idempotency-Key; the stored answer if it was claimed before."""
        ...

    async def forget_answers(self, before: int) -> None:
        """Free every Idempotency-Key that was claimed before that time, in unix milliseconds."""
        ...

    async def answer(self, caller: str, key: str, status: int, answer: Any) -> None: ...
    async def release(self, caller: str, key: str) -> None: ...
    async def add_api_key(self, key: ApiKey) -> None: ...
    async def api_key(self, id: str) -> ApiKey | None: ...
    async def api_keys(
        self, department: str | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[ApiKey]:
        """Oldest first, those that come after the key with the id `after`; of one department if named."""
        ...

    async def revoke_api_key(self, id: str, now: int) -> bool: ...

    # payloads and uses
    async def add_payload(self, row: PayloadRow) -> None: ...
    async def payload(self, document: str) -> PayloadRow | None: ...
    async def payload_objects(self) -> list[tuple[str, str]]:
        """(document, object) of every object kept here: payloads, and the parts of tables."""
        ...

    async def shred(self, document: str, segments: Sequence[int] | None) -> None:
        """Delete keys: all of them, or those of these segments (by first record) and of the table's parts in them.

        The data key of the payload goes with any of them, since its bytes hold those records too.
        """
        ...

    async def add_use(self, use: Use) -> None: ...
    async def versions_used(self, department: str, action: str) -> list[str]:
        """The versions that a department ever used in this way."""
        ...

    async def uses(self, share: str, *, after: int = 0, limit: int = 1000) -> list[tuple[int, Use]]:
        """(number, use record) with numbers > after, oldest first."""
        ...


class Store(Protocol):
    def read(self) -> AbstractAsyncContextManager[UnitOfWork]: ...
    def write(self, *, ahead: bool = False) -> AbstractAsyncContextManager[UnitOfWork]:
        """As `read`, but writers queue from the start, in the order they come; `ahead` of those who wait without it."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPayload:
    digest: str  # SHA-256 of the stored, encrypted bytes; also the object's name
    size: int  # of the plain bytes
    stored_size: int


class PayloadStore(Protocol):
    async def put(self, chunks: AsyncIterator[bytes], key: bytes) -> StoredPayload:
        """Encrypt, write, read back and hash. Two puts of the same bytes are harmless."""
        ...

    async def open(self, digest: str, key: bytes, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The plain bytes start..end. Raises Corrupt (which chunk), also while iterating, and NotFound."""
        ...

    async def put_file(self, file: Path | BinaryIO) -> StoredPayload:
        """Store a file that is encrypted already, as it is; written, read back and hashed like `put`."""
        ...

    def reader(self, digest: str) -> BinaryIO:
        """The stored bytes, to seek and read in by ranges. Blocks: not for the event loop.

        Raises NotFound, Unavailable; reading raises Corrupt if the object ends early.
        """
        ...

    async def check(self, digest: str) -> None:
        """Re-hash the stored bytes; needs no key. Raises Corrupt, NotFound."""
        ...

    async def delete(self, digest: str) -> None:
        """Remove an object and its mark; one that is not there is no error."""
        ...

    async def sweep(self, *, older_than: timedelta) -> int:
        """Remove what uploads left that were cut off so long ago; how many there were."""
        ...

    async def unclaimed(self) -> Mapping[str, datetime]:
        """Objects that were stored and not claimed, and since when, by the store's clock."""
        ...

    async def unclaimed_since(self, digest: str) -> datetime | None:
        """Of one of them, now; None if it is claimed. Storing the same bytes again makes it younger."""
        ...

    async def claim(self, digest: str) -> None:
        """A row names the object: no sweep is to look at it again."""
        ...


class Vault(Protocol):
    """Wraps data keys, so that a copy of the database opens no payload."""

    def wrap(self, key: bytes, context: str) -> bytes: ...
    def unwrap(self, wrapped: bytes, context: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class AnchoredVersion:
    """What the contract itself keeps of a version."""

    root: str  # 64 hex digits
    records: int
    salted: bool
    shredded: bool


class Views(Protocol):
    """What the contracts answer at the newest block. Every method raises `Unavailable` when no node answers."""

    async def is_authorised(self, share: str) -> bool:
        """In force now by the chain's own clock; False for a share it does not know."""
        ...

    async def proves_record(self, version: str, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        """Whether the leaf hash leads to the version's own root. Raises Refused if there is no such version."""
        ...

    async def anchored(self, version: str) -> AnchoredVersion | None: ...


class NoteLine(Protocol):
    @property
    def line(self) -> str:
        """One signature line of a C2SP signed note, with its newline."""
        ...


class NoteSigner(Protocol):
    """A log's key (C2SP signed-note)."""

    def sign(self, text: str) -> NoteLine: ...


class Signal(Protocol):
    """Wakes those who wait for the read model to move on, within this process; others poll."""

    @property
    def turn(self) -> int:
        """Counts what became final. Read it before looking, and give it to `wait`: nothing is missed in between."""
        ...

    async def wait(self, seconds: float, turn: int | None = None) -> None:
        """Until something became final since `turn` (since now, without one), or the time is up."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a service may touch, put together by the runtime."""

    store: Store
    node: Node
    signatures: Signatures
    payloads: PayloadStore
    vault: Vault
    clock: Clock
    manifest: Manifest
    final: Signal
    views: Views
    scratch: Path  # a private folder on a disk with room for a payload or two
