"""A folder of parts is one table."""

from pathlib import Path

import pytest

from ledger.errors import InvalidTable
from ledger.fingerprint import (
    Column,
    PartsSource,
    ReadOptions,
    RowsSource,
    Schema,
    fingerprint_table,
    open_source,
    prove_records,
)

SCHEMA = Schema.text(["code", "name"])
ROWS = [(str(at), f"村{at}") for at in range(1000)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, (start, stop) in enumerate(((0, 300), (300, 300), (300, 801), (801, 1000))):
        text = "".join(f"{code},{name}\n" for code, name in ROWS[start:stop])
        (tmp_path / f"part-{number:05d}.csv").write_text("code,name\n" + text)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".part-00000.csv.crc").write_bytes(b"\x00")
    return tmp_path


def test_parts_are_one_table(folder: Path) -> None:
    source = open_source(folder, ReadOptions())
    assert isinstance(source, PartsSource)
    whole = fingerprint_table(RowsSource(ROWS), SCHEMA, None)
    assert fingerprint_table(source, SCHEMA, None) == whole
    indexes = [0, 299, 300, 800, 801, 999]
    right = prove_records(RowsSource(ROWS), SCHEMA, None, whole[1], indexes)
    for again in (source, open_source(folder, ReadOptions())):
        assert prove_records(again, SCHEMA, None, whole[1], indexes) == right
        for first in (0, 1, 300, 301, 802, 999, 1000):
            assert sum(batch.num_rows for batch in again.batches(SCHEMA, first)) == 1000 - first


def test_an_error_names_the_part_and_its_row(folder: Path) -> None:
    typed = Schema((Column("code", "integer"), Column("name")))
    part = folder / "part-00002.csv"
    for text, record, row in (("code,name\n7,村\nx,村\n", 301, 3), ("code,name\n7,村\n8\n", 301, 3)):
        part.write_text(text)
        with pytest.raises(InvalidTable, match=part.name) as refused:
            fingerprint_table(open_source(folder, ReadOptions()), typed, None)
        assert (refused.value.facts["record"], refused.value.facts["row"]) == (record, row)


def test_a_folder_of_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable):
        open_source(tmp_path, ReadOptions())
    (tmp_path / "a.csv").write_text("code,name\n")
    (tmp_path / "deeper").mkdir()
    with pytest.raises(InvalidTable):
        open_source(tmp_path, ReadOptions())
