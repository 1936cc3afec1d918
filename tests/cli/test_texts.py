"""Nothing a person may see lacks its word in either language."""

from dataclasses import fields

import pytest

from ledger.cli.texts import ENTRIES, LABELS, NAMES, label
from ledger.domain import acts
from ledger.domain.acts import BY_ENTRY
from ledger.domain.stages import Stage
from ledger.domain.state import SHAPES


def test_every_column_of_every_object_has_a_chinese_heading() -> None:
    columns = {column.name for shape in SHAPES for column in fields(shape)}
    assert sorted(columns - LABELS.keys()) == []
    assert label("zh", "suspended_by") == "暂停部门"


def test_every_kind_of_entry_has_a_chinese_name() -> None:
    assert ENTRIES.keys() == BY_ENTRY.keys()


@pytest.mark.parametrize(
    ("member", "enum"),
    [
        ("level", acts.Level),
        ("duty", acts.Duty),
        ("custody", acts.Custody),
        ("share_type", acts.ShareType),
        ("grade", acts.Grade),
        ("method", acts.Method),
        ("cause", acts.Cause),
        ("outcome", acts.Outcome),
        ("stage", Stage),
    ],
)
def test_every_value_has_both_names(member: str, enum: type[acts.Level]) -> None:
    assert NAMES[member].keys() == {int(value) for value in enum}
