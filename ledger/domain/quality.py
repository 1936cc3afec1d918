"""Data quality by GB/T 36344: every indicator is X = A / B.

A rule set (a versioned document) says what is measured and with which weight; measuring a stream of records gives a
report (a document) with A and B as integers, and a score in parts per million. Duplication and dirty data count bad
elements: they are inverted before any mean. No official weights exist, so weights belong to the rule set.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import Any, Final, Protocol

from ledger.domain.documents import Document
from ledger.domain.patterns import BadPattern, Pattern
from ledger.errors import InvalidDocument, InvalidTable

Record = Sequence[object]
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Indicator:
    code: str
    name: str
    name_zh: str
    bad: bool = False  # A counts bad elements


INDICATORS: Final[dict[str, Indicator]] = {
    indicator.code: indicator
    for indicator in (
        Indicator("0101", "conformity to the data standard", "数据标准"),
        Indicator("0102", "conformity to the data model", "数据模型"),
        Indicator("0103", "conformity to the metadata", "元数据"),
        Indicator("0104", "conformity to the business rules", "业务规则"),
        Indicator("0105", "conformity to the reference data", "权威参考数据"),
        Indicator("0106", "conformity to the security rules", "安全规范"),
        Indicator("0201", "completeness of elements", "数据元素完整性"),
        Indicator("0202", "completeness of records", "数据记录完整性"),
        Indicator("0301", "content correctness", "数据内容正确性"),
        Indicator("0302", "format compliance", "数据格式合规性"),
        Indicator("0303", "duplication", "数据重复率", bad=True),
        Indicator("0304", "uniqueness", "数据唯一性"),
        Indicator("0305", "dirty data", "脏数据出现率", bad=True),
        Indicator("0401", "consistency of the same datum", "相同数据一致性"),
        Indicator("0402", "consistency of related data", "关联数据一致性"),
        Indicator("0501", "time-period validity", "基于时间段的正确性"),
        Indicator("0502", "timeliness", "基于时间点及时性"),
        Indicator("0503", "sequence", "时序性"),
        Indicator("0601", "accessibility", "可访问"),
        Indicator("0602", "usability", "可用性"),
    )
}


class Measure(Protocol):
    """Counts A and B over records that come one by one."""

    def see(self, record: Record) -> None: ...

    def count(self) -> tuple[int, int]:
        """(A, B)."""
        ...


def is_assigned(cell: object) -> bool:
    """A cell holds something: neither null nor an empty text."""
    return cell is not None and cell != ""


class ElementCompleteness:
    """0201: assigned cells of the cells expected in these columns."""

    def __init__(self, columns: Sequence[int]) -> None:
        self._columns = columns
        self._assigned = self._records = 0

    def see(self, record: Record) -> None:
        self._records += 1
        self._assigned += sum(1 for column in self._columns if is_assigned(record[column]))

    def count(self) -> tuple[int, int]:
        return self._assigned, self._records * len(self._columns)


class RecordCompleteness:
    """0202: records with all these columns assigned, of all records."""

    def __init__(self, columns: Sequence[int]) -> None:
        self._columns = columns
        self._whole = self._records = 0

    def see(self, record: Record) -> None:
        self._records += 1
        self._whole += all(is_assigned(record[column]) for column in self._columns)

    def count(self) -> tuple[int, int]:
        return self._whole, self._records


class PatternMatches:
    """0302, 0305: assigned cells of these columns whose whole text matches, of the assigned ones.

    The syntax is RE2's: see `ledger.domain.patterns`.
    """

    def __init__(self, columns: Sequence[int], pattern: Pattern) -> None:
        self._columns = columns
        self._matches = pattern.matches
        self._matched = self._evaluated = 0

    def see(self, record: Record) -> None:
        for column in self._columns:
            cell = record[column]
            if is_assigned(cell):
                self._evaluated += 1
                self._matched += self._matches(str(cell))

    def count(self) -> tuple[int, int]:
        return self._matched, self._evaluated


class _Keys:
    """Which keys came once and which more often: 16 bytes of hash each, whatever the key's length."""

    def __init__(self, columns: Sequence[int]) -> None:
        self._columns = columns
        self._seen: set[bytes] = set()
        self._repeated: set[bytes] = set()
        self.records = 0

    def see(self, record: Record) -> None:
        self.records += 1
        text = "\x00".join("\x01" if record[column] is None else f"\x02{record[column]}" for column in self._columns)
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key in self._seen:
            self._repeated.add(key)
        else:
            self._seen.add(key)

    @property
    def distinct(self) -> int:
        return len(self._seen)

    @property
    def single(self) -> int:
        return len(self._seen) - len(self._repeated)


class Duplication(_Keys):
    """0303 (bad): records that repeat an earlier one in these columns, of all records."""

    def count(self) -> tuple[int, int]:
        return self.records - self.distinct, self.records


class Uniqueness(_Keys):
    """0304: records whose key in these columns no other record has, of all records."""

    def count(self) -> tuple[int, int]:
        return self.single, self.records


_MEASURES: Final[dict[str, Callable[[Sequence[int]], Measure]]] = {
    "0201": ElementCompleteness,
    "0202": RecordCompleteness,
    "0303": Duplication,
    "0304": Uniqueness,
}
_BY_PATTERN: Final = ("0302", "0305")


def _measure(row: Mapping[str, Any], columns: Sequence[str]) -> Measure:
    """The measure that a rule set's row asks for. Raises InvalidDocument, InvalidTable."""
    code = row["code"]
    places = [_place(name, columns) for name in row.get("columns", columns)]
    if code in _MEASURES:
        return _MEASURES[code](places)
    if code not in _BY_PATTERN:
        raise InvalidDocument(f"quality-rules: {code} cannot be measured from records alone")
    return PatternMatches(places, _pattern(row))


def _place(name: str, columns: Sequence[str]) -> int:
    if name not in columns:
        raise InvalidTable(f"the table has no column {name!r}", column=name)
    return columns.index(name)


def _pattern(row: Mapping[str, Any]) -> Pattern:
    if "pattern" not in row:
        raise InvalidDocument(f"quality-rules: {row['code']} needs a pattern")
    try:
        return Pattern(row["pattern"])
    except BadPattern as error:
        raise InvalidDocument(f"quality-rules: {row['pattern']!r} is not a pattern: {error}") from error


def check_rules(rules: Document) -> None:
    """Raises InvalidDocument if it is no rule set, or one that no table could be measured with."""
    if rules.kind != "quality-rules":
        raise InvalidDocument(f"the document is a {rules.kind}, not quality-rules")
    for row in rules["measures"]:
        if row["code"] not in INDICATORS:
            raise InvalidDocument(f"quality-rules: there is no indicator {row['code']!r}")
        _measure(row, row.get("columns", []))
    if sum(row["weight"] for row in rules["measures"]) == 0:
        raise InvalidDocument("quality-rules: the weights are all zero")


def measure(rules: Document, version: str, columns: Sequence[str], records: Iterable[Record]) -> Document:
    """The quality report of a version: each of the rule set's indicators over all records, and their weighted score.

    `columns` names the cells of every record, in order. Raises InvalidDocument (rules), InvalidTable (columns).
    """
    check_rules(rules)
    rows = rules["measures"]
    measures = [_measure(row, columns) for row in rows]
    seen = 0
    for record in records:
        if len(record) != len(columns):
            raise InvalidTable(f"record {seen} has {len(record)} cells, not {len(columns)}", record=seen)
        for one in measures:
            one.see(record)
        seen += 1
    counts = [one.count() for one in measures]
    indicators = [_row(row, count) for row, count in zip(rows, counts, strict=True)]
    return Document.make(
        "quality-report",
        version=version,
        rules=rules.digest,
        records=seen,
        indicators=indicators,
        score=score(indicators),
    )


def _row(row: Mapping[str, Any], count: tuple[int, int]) -> dict[str, Any]:
    columns = {"columns": row["columns"]} if "columns" in row else {}
    return {"code": row["code"], "a": count[0], "b": count[1], "weight": row["weight"], **columns}


def goodness(code: str, a: int, b: int) -> Fraction | None:
    """X of an indicator as a share of good elements: 1 - A/B where A counts bad ones; None if nothing was evaluated."""
    if b == 0:
        return None
    return Fraction(b - a if INDICATORS[code].bad else a, b)


def score(indicators: Iterable[Mapping[str, Any]]) -> int:
    """The weighted mean in parts per million, rounded down; indicators that evaluated nothing are left out."""
    total, weights = Fraction(0), 0
    for row in indicators:
        good = goodness(row["code"], row["a"], row["b"])
        if good is not None:
            total += row["weight"] * good
            weights += row["weight"]
    return int(total / weights * MILLION) if weights else 0


def check_report(report: Document, rules: Document) -> list[str]:
    """What a reader can recompute of a report without the records: faults as sentences, none if it holds together."""
    wrong = []
    if report["rules"] != rules.digest:
        wrong.append("the report was made with other rules")
    asked = [(row["code"], row["weight"], row.get("columns")) for row in rules["measures"]]
    answered = [(row["code"], row["weight"], row.get("columns")) for row in report["indicators"]]
    if asked != answered:
        wrong.append("the report's indicators are not those of the rules")
    wrong += [f"{row['code']}: A is above B" for row in report["indicators"] if row["a"] > row["b"]]
    known = all(row["code"] in INDICATORS for row in report["indicators"])
    if not known or score(report["indicators"]) != report["score"]:
        wrong.append("the score does not follow from the indicators")
    return wrong
