"""share-records/1: one page of a share's records with the proof that each is in the version.

A page says what it was cut by: columns, filters, from which record on. It proves every record in it, and nothing of
those that are not: whether it is complete cannot be shown, and it says so.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Self

from ledger.domain.entries import Entry
from ledger.domain.identifiers import DIGEST_PATTERN, parse_digest
from ledger.domain.scopes import MOST_FILTERS, Filter
from ledger.errors import InvalidInput, InvalidProof
from ledger.fingerprint import AnswerProof
from ledger.fingerprint.fingerprint import is_count, object_members
from ledger.fingerprint.schema import MAX_COLUMNS
from ledger.services.material import entry_from_json, entry_to_json

FORMAT: Final = "share-records/1"
NOT_CHECKED: Final = ("completeness",)
_MEMBERS: Final = frozenset(
    {
        "format", "share", "version", "entry", "scope", "columns", "scope_filters", "filters", "first", "stop",
        "shredded", "answer", "next", "not_checked",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """Records `first` to `stop` - 1 were looked at, apart from those `shredded` ((from, to before) each).

    `scope` is the digest of the scope document; `columns` those shown, in the table's order; `answer` None if no record
    met the filters; `next` where to go on, None at the table's end.
    """

    share: str
    entry: Entry
    scope: str | None
    columns: tuple[str, ...]
    scope_filters: tuple[Filter, ...]
    filters: tuple[Filter, ...]
    first: int
    stop: int
    shredded: tuple[tuple[int, int], ...]
    answer: AnswerProof | None
    next: str | None
    not_checked: tuple[str, ...] = field(default=NOT_CHECKED)

    @property
    def version(self) -> str:
        return self.entry.digest

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "share": self.share,
            "version": self.version,
            "entry": entry_to_json(self.entry),
            "scope": self.scope,
            "columns": list(self.columns),
            "scope_filters": [one.to_json() for one in self.scope_filters],
            "filters": [one.to_json() for one in self.filters],
            "first": self.first,
            "stop": self.stop,
            "shredded": [list(one) for one in self.shredded],
            "answer": None if self.answer is None else self.answer.to_json(),
            "next": self.next,
            "not_checked": list(self.not_checked),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` wrote, from anywhere. Raises InvalidProof, InvalidInput, TooLarge."""
        members = object_members(value, _MEMBERS)
        if members["format"] != FORMAT:
            raise InvalidProof(f"This object is not a {FORMAT}.", member="format")
        entry, answer, following = entry_from_json(members["entry"]), members["answer"], members["next"]
        if members["version"] != entry.digest:
            raise InvalidProof("The page's version is not that of its entry.", member="version")
        if not is_count(members["first"]) or not is_count(members["stop"]) or members["first"] > members["stop"]:
            raise InvalidProof("first and stop are counts, in this order.", member="first")
        if following is not None and not isinstance(following, str):
            raise InvalidProof("next is a text or null.", member="next")
        scope = members["scope"]
        return cls(
            share=parse_digest(members["share"]),
            entry=entry,
            scope=None if scope is None else parse_digest(scope),
            columns=_texts(members["columns"], "columns", MAX_COLUMNS),
            scope_filters=_filters(members["scope_filters"], "scope_filters"),
            filters=_filters(members["filters"], "filters"),
            first=members["first"],
            stop=members["stop"],
            shredded=_spans(members["shredded"]),
            answer=None if answer is None else AnswerProof.from_json(answer),
            next=following,
            not_checked=_texts(members["not_checked"], "not_checked", 100),
        )


def token_of(version: str, first: int) -> str:
    """Where to go on: it names a version and a record number, and opens nothing that the share does not."""
    return f"{version}.{first}"


def read_token(text: str) -> tuple[str, int]:
    """(version, first record). Raises InvalidInput."""
    version, point, first = text.partition(".")
    plain = first.isascii() and first.isdigit() and len(first) <= 19 and (first == "0" or not first.startswith("0"))
    if not point or not DIGEST_PATTERN.fullmatch(version) or not plain or int(first) >= 1 << 63:
        raise InvalidInput("`after` is what the page before gave as `next`", parameter="after")
    return version, int(first)


def _texts(value: Any, member: str, most: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(one, str) for one in value):
        raise InvalidProof(f"{member} is a list of texts.", member=member)
    return tuple(value)


def _filters(value: Any, member: str) -> tuple[Filter, ...]:
    if not isinstance(value, list) or len(value) > MOST_FILTERS:
        raise InvalidProof(f"{member} is a list of at most {MOST_FILTERS} filters.", member=member)
    found = []
    for one in value:
        given = {"values": []} | one if isinstance(one, dict) else one
        members = object_members(given, {"column", "operator", "values"})
        texts = _texts(members["values"], member, 1000)
        if not isinstance(members["column"], str) or not isinstance(members["operator"], str):
            raise InvalidProof("A filter names a column and an operator.", member=member)
        found.append(Filter(members["column"], members["operator"], texts))
    return tuple(found)


def _spans(value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not all(
        isinstance(one, list) and len(one) == 2 and all(map(is_count, one)) for one in value
    ):
        raise InvalidProof("shredded is a list of pairs of counts.", member="shredded")
    return tuple((one, other) for one, other in value)
