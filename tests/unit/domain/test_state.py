import dataclasses
import typing

import pytest

from ledger.domain.acts import ACTS
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.state import LEDGER_KEY, SHAPES, Dataset, Department, Key, Ledger, Share, State, StateObject
from ledger.domain.touches import touches
from tests.unit.domain.world import START, peopled, story


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_plain_columns(shape: type[StateObject]) -> None:
    allowed = {str, int, bool, str | None, int | None}
    hints = typing.get_type_hints(shape)
    columns = {column.name: hints[column.name] for column in dataclasses.fields(shape)}
    assert set(columns.values()) <= allowed
    assert shape.KEY and set(shape.KEY) <= set(columns)
    assert {"since", "updated"} <= set(columns)


def test_a_whole_story_leaves_sound_rows() -> None:
    told = story()
    told.agree()
    told.move("DeliverShare", "stats-officer", version=told.version.digest, method=1)
    state = told.world.state
    order = {shape: place for place, shape in enumerate(SHAPES)}
    for item in state:
        assert state.get(type(item), *item.key) is item
        assert len(item.row()) == len(dataclasses.fields(item))
        for shape, key in item.refs():
            assert state.get(shape, *key) is not None
            assert order[shape] <= order[type(item)]
    ledger = state.ledger
    assert ledger is not None and ledger.key == LEDGER_KEY
    assert (ledger.size, ledger.head, ledger.time) == (len(told.world.entries), told.world.head, told.world.now)
    assert sum(1 for _ in state.all(Department)) == 5
    assert state.copy() == state and state.copy() is not state
    assert len(state) == len(list(state))


def test_objects_know_their_entries() -> None:
    told = story()
    dataset = told.world.state.get(Dataset, "stats/area-codes")
    assert dataset is not None
    assert (dataset.since, dataset.updated) == (told.submitted.index, told.published.index)
    assert dataset.last == told.published.digest
    key = told.world.state.get(Key, told.requested.signer)
    assert key is not None and key.last == told.world.entries[key.since].digest
    share = told.world.state.get(Share, told.share)
    assert share is not None and share.requested_time == told.requested.time > START
    assert share.conditions == "c0" * 32 and share.renews is None


def test_closing_loads_what_refs_name_once() -> None:
    whole = peopled().state
    asked: list[object] = []

    def load(shape: type[StateObject], key: tuple[object, ...]) -> StateObject | None:
        asked.append((shape, key))
        return whole.get(shape, *key)

    part = State()
    part.close([(Department, ("stats",)), (Department, ("nowhere",)), (Ledger, LEDGER_KEY)], load)
    assert {department.code for department in part.all(Department)} == {"stats", "county", "city"}
    assert len(asked) == len(set(asked)) == 5


def test_tables_cover_every_act() -> None:
    assert set(ACT_DOCUMENTS) == set(ACTS)
    for act in (entry.act for entry in story().world.entries):
        assert touches(act, "00" * 32, "city")[0] == (Ledger, LEDGER_KEY)
