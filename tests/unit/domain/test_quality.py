import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.documents import Document
from ledger.domain.quality import INDICATORS, MILLION, check_report, check_rules, goodness, measure, score
from ledger.errors import InvalidDocument, InvalidTable

COLUMNS = ("code", "name", "n")
RECORDS: list[tuple[object, ...]] = [
    ("341502001001", "甲", 1),
    ("341502001002", None, 2),
    ("34150200100X", "丙", 3),
    ("341502001001", "", None),
    ("341502001002", "\x07", 2),
]
MEASURES = [
    {"code": "0201", "weight": 2, "columns": ["code", "name"]},
    {"code": "0202", "weight": 1},
    {"code": "0302", "weight": 3, "columns": ["code"], "pattern": "[0-9]{12}"},
    {"code": "0303", "weight": 1, "columns": ["code"]},
    {"code": "0304", "weight": 1, "columns": ["code"]},
    {"code": "0305", "weight": 1, "columns": ["name"], "pattern": "[\\x00-\\x1f]+"},
]
VERSION = "ab" * 32


def rules(measures: list[dict[str, object]]) -> Document:
    return Document.make("quality-rules", name="test", measures=measures)


def counts(report: Document) -> dict[str, tuple[int, int]]:
    return {row["code"]: (row["a"], row["b"]) for row in report["indicators"]}


def test_counting_by_hand() -> None:
    asked = rules(MEASURES)
    report = measure(asked, VERSION, COLUMNS, RECORDS)
    assert counts(report) == {
        "0201": (8, 10),
        "0202": (3, 5),
        "0302": (4, 5),
        "0303": (2, 5),
        "0304": (1, 5),
        "0305": (1, 3),
    }
    # (2·8/10 + 3/5 + 3·4/5 + 3/5 + 1/5 + 2/3) / 9
    assert report["score"] == int((1.6 + 0.6 + 2.4 + 0.6 + 0.2 + 2 / 3) / 9 * MILLION)
    assert report["records"] == 5 and report["version"] == VERSION and report["rules"] == asked.digest
    assert check_report(report, asked) == []
    assert Document.parse(report.body, "quality-report") == report


def test_a_spotless_table_scores_a_million() -> None:
    clean = [(f"{n:012d}", f"村{n}", n) for n in range(2000)]
    report = measure(rules(MEASURES), VERSION, COLUMNS, clean)
    assert report["score"] == MILLION
    dirty = [*clean[:-1], clean[0]]
    assert measure(rules(MEASURES), VERSION, COLUMNS, dirty)["score"] < MILLION


def test_an_empty_table_was_not_evaluated() -> None:
    report = measure(rules(MEASURES), VERSION, COLUMNS, [])
    assert report["score"] == 0 and set(counts(report).values()) == {(0, 0)}
    assert goodness("0201", 0, 0) is None


def test_null_and_empty_text_are_different_keys() -> None:
    asked = rules([{"code": "0303", "weight": 1}])
    assert counts(measure(asked, VERSION, ("a", "b"), [(None, ""), ("", None), (None, "")])) == {"0303": (1, 3)}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.text(max_size=2)), max_size=30), st.randoms())
def test_order_does_not_matter(records: list[tuple[object, ...]], chance: random.Random) -> None:
    asked = rules([{"code": code, "weight": 1, "columns": ["x"]} for code in ("0201", "0202", "0303", "0304")])
    shuffled = records.copy()
    chance.shuffle(shuffled)
    first, second = (measure(asked, VERSION, ("x", "y"), given) for given in (records, shuffled))
    assert counts(first) == counts(second)
    assert all(0 <= a <= b for a, b in counts(first).values())


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        ([{"code": "9999", "weight": 1}], "no indicator"),
        ([{"code": "0101", "weight": 1}], "cannot be measured"),
        ([{"code": "0302", "weight": 1}], "needs a pattern"),
        ([{"code": "0302", "weight": 1, "pattern": "("}], "not a pattern"),
        ([{"code": "0201", "weight": 0}], "all zero"),
    ],
)
def test_wrong_rules(measures: list[dict[str, object]], said: str) -> None:
    with pytest.raises(InvalidDocument, match=said):
        check_rules(rules([{"columns": ["a"], **row} for row in measures]) if "9999" not in said else rules(measures))


def test_rules_and_table_must_fit() -> None:
    with pytest.raises(InvalidDocument, match="not quality-rules"):
        check_rules(Document.make("closing", reasons="x"))
    check_rules(rules(MEASURES))
    with pytest.raises(InvalidTable, match="no column 'code'"):
        measure(rules(MEASURES), VERSION, ("x",), [])
    with pytest.raises(InvalidTable, match="record 1 has 2 cells, not 3"):
        measure(rules(MEASURES), VERSION, COLUMNS, [RECORDS[0], ("a", "b")])


def test_a_report_is_checked_against_its_rules() -> None:
    asked = rules(MEASURES)
    report = measure(asked, VERSION, COLUMNS, RECORDS)
    other = rules(MEASURES[:2])
    assert check_report(report, other) == [
        "the report was made with other rules",
        "the report's indicators are not those of the rules",
    ]
    better = Document.make("quality-report", **{**report.members, "score": MILLION})
    assert check_report(better, asked) == ["the score does not follow from the indicators"]
    rows = [{**report["indicators"][0], "a": 11}, *report["indicators"][1:]]
    above = Document.make("quality-report", **{**report.members, "indicators": rows, "score": score(rows)})
    assert check_report(above, asked) == ["0201: A is above B"]


def test_the_standards_indicators() -> None:
    assert len(INDICATORS) == 20
    assert [code for code, indicator in INDICATORS.items() if indicator.bad] == ["0303", "0305"]
