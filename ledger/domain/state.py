"""What is in force after an entry: frozen objects of plain columns, and the container they live in.

Every object is a row: `str`, `int`, `bool` or None, digests as hex, codes as text, times in unix seconds. `KEY` names
the columns that identify it, `refs()` the other objects its rules rest on. `since` and `updated` are the indices of the
entries that made it and last changed it; `last` is the digest of the last act on it, which the next act must carry as
`prior`.

A store need not load everything: `ledger.domain.touches.touches(act, digest)` names what an act's rules look at first,
and the closure of that over `refs()` is all that `apply` and `refusal` read (`State.close` loads it). An object that is
absent from such a closure does not exist.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar, Final, Self, TypeVar

from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.stages import LIVE, Stage

ObjectKey = tuple[Any, ...]
Ref = tuple[type["StateObject"], ObjectKey]


@dataclass(frozen=True, slots=True)
class StateObject:
    """Base of all rows."""

    KEY: ClassVar[tuple[str, ...]] = ()

    @property
    def key(self) -> ObjectKey:
        return tuple(getattr(self, column) for column in self.KEY)

    def refs(self) -> tuple[Ref, ...]:
        """(type, key) of the objects that rules about this one also read."""
        return ()

    def row(self) -> tuple[Any, ...]:
        """The columns in order of declaration."""
        shape = type(self)
        if shape not in _COLUMNS:
            _COLUMNS[shape] = attrgetter(*(column.name for column in fields(shape)))
        columns: tuple[Any, ...] = _COLUMNS[shape](self)
        return columns


_COLUMNS: dict[type[StateObject], "attrgetter[tuple[Any, ...]]"] = {}


@dataclass(frozen=True, slots=True)
class Ledger(StateObject):
    """The ledger itself: one row. `last` is the last act on the Journal, zero at first (the opening does not count)."""

    KEY = ("id",)

    journal: str
    departments: str
    datasets: str
    authorisations: str
    attestations: str
    rulebook: str
    checkpoints: str
    courier: str
    root: str  # code of the root authority
    opening: str  # digest of OpenLedger
    older_journal: str | None
    older_head: str | None
    older_size: int
    closed: bool
    successor: str | None
    size: int  # number of entries
    head: str
    time: int  # of the newest entry
    last: str
    since: int
    updated: int
    id: int = 1


@dataclass(frozen=True, slots=True)
class InstalledModule(StateObject):
    """A contract that may record: those of the opening, and those admitted later (code hash known)."""

    KEY = ("address",)

    address: str
    name: str | None  # None: admitted later
    code_hash: str | None  # None: of the opening
    since: int
    updated: int


@dataclass(frozen=True, slots=True)
class Department(StateObject):
    KEY = ("code",)

    code: str
    parent: str | None  # None: the root
    level: int
    roles: int
    document: str
    had_director: bool  # a director key was ever enrolled: from then on a key from above is a recovery
    standing_directors: int  # director keys without an end that are not retired; the root never falls to none
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return () if self.parent is None else ((Department, (self.parent,)),)


@dataclass(frozen=True, slots=True)
class Key(StateObject):
    KEY = ("address",)

    address: str
    department: str
    kind: int
    duty: int
    custody: int
    mandate: str
    start: int
    until: int  # 0: no end
    recovery: bool
    enrolled_by: str  # department code
    retired: bool
    retired_time: int | None
    retired_since: int | None  # as of when its holder must not have signed any more
    reason: int | None
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return ((Department, (self.department,)),)


@dataclass(frozen=True, slots=True)
class Dataset(StateObject):
    """A catalogue item. `pending` and `published` are revisions: digests of SubmitDataset acts."""

    KEY = ("code",)

    code: str
    provider: str
    pending: str | None
    published: str | None
    withdrawn: bool
    published_time: int | None
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        revisions = tuple((Revision, (digest,)) for digest in (self.pending, self.published) if digest)
        return ((Department, (self.provider,)), *revisions)


@dataclass(frozen=True, slots=True)
class Revision(StateObject):
    """What one SubmitDataset said; frozen, so that a request can name it."""

    KEY = ("digest",)

    digest: str
    dataset: str
    department: str
    share_type: int
    grade: int
    basis: str
    conditions: str
    document: str
    submitted_time: int
    published_time: int | None
    since: int
    updated: int


@dataclass(frozen=True, slots=True)
class Line(StateObject):
    """A dataset's line of versions: `last` is the last act on any of them."""

    KEY = ("dataset",)

    dataset: str
    count: int
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return ((Dataset, (self.dataset,)),)


@dataclass(frozen=True, slots=True)
class Version(StateObject):
    """A version's fingerprint; `id` is the digest of its AnchorVersion."""

    KEY = ("id",)

    id: str
    dataset: str
    number: int
    format: str
    salted: bool
    schema: str
    root: str
    records: int
    size: int
    twin: str
    document: str
    shredded: bool  # wholly
    partly_shredded: bool
    anchored_time: int
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return ((Dataset, (self.dataset,)),)


@dataclass(frozen=True, slots=True)
class VersionNumber(StateObject):
    """Which version has a number in its line."""

    KEY = ("dataset", "number")

    dataset: str
    number: int
    version: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return ((Version, (self.version,)),)


@dataclass(frozen=True, slots=True)
class Share(StateObject):
    """A request and what became of it; `id` is the digest of its RequestShare or GrantShare."""

    KEY = ("id",)

    id: str
    dataset: str
    provider: str
    consumer: str
    revision: str
    stage: int
    granted: bool  # from above, without the provider's consent
    suspended: bool
    suspended_by: str | None
    supplement_asked: bool
    extended: bool
    extended_days: int  # working days
    scope: str
    conditions: str
    basis: str | None  # of a grant
    requested_until: int
    until: int
    document: str  # of the request or grant
    reply_document: str | None
    version: str | None  # last delivered
    method: int | None
    cause: int | None
    renews: str | None  # the creating act's prior
    requested_time: int
    supplement_time: int | None
    supplied_time: int | None
    replied_time: int | None
    delivered_time: int | None  # the first delivery
    confirmed_time: int | None
    suspended_time: int | None
    ended_time: int | None
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        departments = (self.provider, self.consumer, *([self.suspended_by] if self.suspended_by else []))
        version: tuple[Ref, ...] = ((Version, (self.version,)),) if self.version else ()
        return (
            (Dataset, (self.dataset,)),
            (Revision, (self.revision,)),
            *((Department, (code,)) for code in departments),
            *version,
        )

    @property
    def live(self) -> bool:
        return self.stage in LIVE

    def authorised(self, now: int) -> bool:
        """In force now: live, not suspended, within its term (the contract's `isAuthorised`)."""
        return self.live and not self.suspended and now <= self.until

    @property
    def stage_name(self) -> str:
        return Stage(self.stage).name.lower()


@dataclass(frozen=True, slots=True)
class Attestation(StateObject):
    KEY = ("id",)

    id: str
    version: str
    dataset: str
    attestor: str
    rules: str
    score: int  # parts per million
    self_attested: bool
    document: str
    withdrawn: bool
    withdrawal_document: str | None
    attested_time: int
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return ((Version, (self.version,)), (Department, (self.attestor,)))


@dataclass(frozen=True, slots=True)
class Correction(StateObject):
    KEY = ("id",)

    id: str
    share: str
    version: str
    dataset: str
    consumer: str
    provider: str
    document: str
    outcome: int | None  # None: open
    answer_version: str | None
    answer_document: str | None
    requested_time: int
    resolved_time: int | None
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return ((Share, (self.share,)), (Version, (self.version,)), (Department, (self.provider,)))


@dataclass(frozen=True, slots=True)
class Rule(StateObject):
    """A department's rule as it stands; earlier texts stay as RuleText."""

    KEY = ("department", "rule")

    department: str
    rule: str
    kind: int
    start: int
    document: str
    last: str
    since: int
    updated: int

    def refs(self) -> tuple[Ref, ...]:
        return ((Department, (self.department,)),)


@dataclass(frozen=True, slots=True)
class RuleText(StateObject):
    """One publication of a rule; `digest` is its act's."""

    KEY = ("digest",)

    digest: str
    department: str
    rule: str
    kind: int
    start: int
    document: str
    published_time: int
    since: int
    updated: int


@dataclass(frozen=True, slots=True)
class Checkpoint(StateObject):
    """The newest checkpoint of a department's log."""

    KEY = ("department", "log")

    department: str
    log: str
    size: int
    root: str
    state: str
    published_time: int
    last: str
    since: int
    updated: int


SHAPES: Final[tuple[type[StateObject], ...]] = (
    Ledger,
    InstalledModule,
    Department,
    Key,
    Revision,
    Dataset,
    Line,
    Version,
    VersionNumber,
    Share,
    Attestation,
    Correction,
    Rule,
    RuleText,
    Checkpoint,
)
"""Every type of object, in an order in which each only points to earlier ones or itself."""

Shape = TypeVar("Shape", bound=StateObject)
LEDGER_KEY: Final = (1,)


class State:
    """The objects in force, or as much of them as an act needs. Objects are frozen; `put` replaces one."""

    __slots__ = ("_objects",)

    def __init__(self, objects: Iterable[StateObject] = ()) -> None:
        self._objects: dict[type[StateObject], dict[ObjectKey, StateObject]] = {shape: {} for shape in SHAPES}
        self.put(*objects)

    def get(self, shape: type[Shape], *key: Any) -> Shape | None:
        found = self._objects[shape].get(key)
        return found if isinstance(found, shape) else None

    def put(self, *objects: StateObject) -> None:
        for item in objects:
            self._objects[type(item)][item.key] = item

    def all(self, shape: type[Shape]) -> Iterator[Shape]:
        """Every object of a type, in no particular order."""
        return (item for item in self._objects[shape].values() if isinstance(item, shape))

    def __iter__(self) -> Iterator[StateObject]:
        return (item for objects in self._objects.values() for item in objects.values())

    def __len__(self) -> int:
        return sum(len(objects) for objects in self._objects.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._objects == other._objects

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Self:
        return type(self)(self)

    @property
    def ledger(self) -> Ledger | None:
        """None before entry 0."""
        return self.get(Ledger, *LEDGER_KEY)

    def close(self, wanted: Iterable[Ref], load: Callable[[type[StateObject], ObjectKey], StateObject | None]) -> None:
        """Load `wanted` and, through `refs`, all they rest on; `load` answers None for what does not exist."""
        seen: set[Ref] = set()
        waiting = list(wanted)
        while waiting:
            ref = waiting.pop()
            if ref in seen:
                continue
            seen.add(ref)
            shape, key = ref
            found = self.get(shape, *key) or load(shape, key)
            if found is not None:
                self.put(found)
                waiting.extend(found.refs())

    def line_last(self, dataset: str) -> str:
        """`prior` for the next act on the dataset's line of versions."""
        line = self.get(Line, dataset)
        return line.last if line else ZERO_DIGEST
