"""Tables as encrypted Parquet: what comes back is what went in, nothing else does, and whatever is wrong is named."""

import errno
import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Corrupt, InvalidTable, Unavailable
from ledger.fingerprint import Column, Schema, sealed_writer
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.kernel import engine, forced
from ledger.fingerprint.sealed_reader import PartPlace, SealedReader
from ledger.fingerprint.sealed_writer import SealedPart, sealed_parts, told
from ledger.fingerprint.sealing import decryption
from ledger.fingerprint.sources import RowsSource

CHUNK = 1 << 16
COMPILED = engine().name if engine().compiled else "vectors"
SCHEMA = Schema((Column("a.b"), Column("n", "integer"), Column("位 置", "binary")))
ROWS = [(f"x{i}" if i % 5 else None, i, b"q" * (i % 7)) for i in range(40)]


class Numbers:
    """A table of one column, 0, 1, 2, …, in batches that end where no chunk does."""

    name = "numbers"
    schema = Schema((Column("n", "integer"),))

    def __init__(self, records: int) -> None:
        self.records = records

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, name=self.name)

    def batches(self, schema: Schema, first: int = 0):
        for at in range(first, self.records, 50_000):
            yield pa.record_batch([pa.array(np.arange(at, min(at + 50_000, self.records)))], names=["n"])


def place_of(part: SealedPart) -> tuple[PartPlace, bytes]:
    with part.file as file:
        content = file.read()
    assert len(content) == part.size
    digest = hashlib.sha256(content).hexdigest()
    return PartPlace(digest, part.size, part.tail, part.first_record, part.records, part.key), content


def sealed(source, schema, scratch, firsts=(0,)):
    return [place_of(part) for part in sealed_parts(source, schema, firsts, scratch)]


def opened(place, content, schema=SCHEMA):
    return SealedReader(place, schema, lambda: io.BytesIO(content))


def cells(place, content, schema=SCHEMA, columns=None):
    wanted = range(len(schema.columns)) if columns is None else columns
    batches = opened(place, content, schema).batches(place.first_record, place.stop, wanted)
    return [tuple(row) for batch in batches for row in zip(*(column.to_pylist() for column in batch), strict=True)]


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    (found,) = sealed(RowsSource(ROWS), SCHEMA, tmp_path_factory.mktemp("scratch"))
    return found


# ---- what went in comes out ------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
CELLS = st.none() | st.sampled_from([b"", b"\x00", b"\xff" * 40, b"w" * 5000]) | st.binary(max_size=20)


@st.composite
def tables(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    rows = draw(st.lists(st.tuples(*[CELLS] * len(names)), max_size=30))
    return Schema(tuple(Column(name, "binary") for name in names)), rows


@given(tables(), st.sampled_from([COMPILED, "hashlib"]), st.sampled_from([1, 100, 1 << 24]))
@settings(deadline=None, max_examples=60)
def test_any_table_comes_back_cell_by_cell(tmp_path_factory, table, kernel, group) -> None:
    schema, rows = table
    with pytest.MonkeyPatch.context() as patch, forced(kernel):
        patch.setattr(sealed_writer, "GROUP_BYTES", group)
        (found,) = sealed(RowsSource(rows), schema, Path(tmp_path_factory.getbasetemp()))
    assert found[0].records == len(rows)
    assert cells(*found, schema) == rows
    last = len(schema.columns) - 1
    assert cells(*found, schema, [last, 0][: last + 1]) == [(row[last], row[0])[: last + 1] for row in rows]


@pytest.mark.parametrize("records", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
def test_a_row_group_is_a_chunk(tmp_path, records) -> None:
    (found,) = sealed(Numbers(records), Numbers.schema, tmp_path)
    metadata = pq.ParquetFile(io.BytesIO(found[1]), decryption_properties=decryption(found[0].key, 0)).metadata
    groups = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
    assert groups == [min(CHUNK, records - at) for at in range(0, records, CHUNK)]
    assert cells(*found, Numbers.schema) == [(b"%d" % n,) for n in range(records)]


def test_a_part_begins_where_a_segment_does_and_when_the_last_one_is_full(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sealed_writer, "MOST_CHUNKS", 2)
    records = 6 * CHUNK + 3
    found = sealed(Numbers(records), Numbers.schema, tmp_path, [0, CHUNK, 5 * CHUNK, 9 * CHUNK])
    assert [(place.first_record // CHUNK, place.records) for place, _ in found] == [
        (0, CHUNK),
        (1, 2 * CHUNK),
        (3, 2 * CHUNK),
        (5, CHUNK + 3),
    ]
    assert [cell for one in found for cell in cells(*one, Numbers.schema)] == [(b"%d" % n,) for n in range(records)]
    assert len({place.key for place, _ in found}) == 4


@pytest.mark.parametrize("limit", ["PART_BYTES", "MOST_COLUMN_CHUNKS"])
def test_large_and_wide_tables_have_smaller_parts(tmp_path, monkeypatch, limit) -> None:
    monkeypatch.setattr(sealed_writer, limit, 1)
    found = sealed(Numbers(2 * CHUNK), Numbers.schema, tmp_path)
    assert [place.records for place, _ in found] == [CHUNK, CHUNK]


def test_wide_cells_make_smaller_row_groups(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sealed_writer, "GROUP_BYTES", 10_000)
    schema = Schema((Column("blob", "binary"),))
    rows = [(bytes([n]) * (30_000 if n == 7 else 3_000),) for n in range(20)]
    ((place, content),) = sealed(RowsSource(rows), schema, tmp_path)
    metadata = pq.ParquetFile(io.BytesIO(content), decryption_properties=decryption(place.key, 0)).metadata
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    assert sum(group.num_rows for group in groups) == 20 and len(groups) >= 7
    assert max(group.total_byte_size for group in groups) < 31_000
    assert cells(place, content, schema) == rows
    reader = opened(place, content, schema)
    for first in range(20):
        assert [batch.column(0).to_pylist() for batch in reader.batches(first, first + 1, [0])] == [[rows[first][0]]]


def test_other_tools_read_it_with_the_key(part) -> None:
    place, content = part
    file = pq.ParquetFile(io.BytesIO(content), decryption_properties=decryption(place.key, 0))
    assert file.read().num_rows == len(ROWS)
    assert file.metadata.metadata[b"shareledger.schema"].decode() == told(SCHEMA)
    assert '"a.b"' in told(SCHEMA) and '"位 置"' in told(SCHEMA)


def test_only_what_is_needed_is_fetched(tmp_path) -> None:
    noise = np.random.default_rng(1).bytes
    schema = Schema((Column("narrow", "integer"), Column("wide", "binary")))
    ((place, content),) = sealed(RowsSource([(n, noise(3_000)) for n in range(400)]), schema, tmp_path)

    class Counting(io.BytesIO):
        fetched = 0

        def read(self, size=-1):
            found = super().read(size)
            Counting.fetched += len(found)
            return found

    reader = SealedReader(place, schema, lambda: Counting(content))
    (batch,) = reader.batches(5, 8, [0])
    assert batch.column(0).to_pylist() == [b"5", b"6", b"7"]
    assert len(content) > 1_000_000 and Counting.fetched < 80_000  # the end of the file is looked at in one go


# ---- nothing in plain, nothing left ----------------------------------------------------------------------------------


def test_nothing_is_readable_and_nothing_is_left(tmp_path) -> None:
    rows = [("341502199001011234", n, b"secret") for n in range(500)]
    parts = sealed_parts(RowsSource(rows), SCHEMA, [0], tmp_path)
    part = next(parts)
    assert list(tmp_path.iterdir()) == [], "the file has no name"
    content = part.file.read()
    for plain in (b"341502199001011234", b"secret", b"a.b", "位".encode()):
        assert plain not in content
    assert part.key not in content and "key" not in repr(part).replace("wrapped", "")
    assert content[:4] == content[-4:] == b"PARE"
    part.file.close()
    assert next(parts, None) is None


def test_a_source_that_breaks_off_leaves_nothing(tmp_path, monkeypatch) -> None:
    files = []
    make = sealed_writer._nameless
    monkeypatch.setattr(sealed_writer, "_nameless", lambda scratch: files.append(make(scratch)) or files[-1])

    class Broken(Numbers):
        def batches(self, schema, first=0):
            yield from super().batches(schema, first)
            raise InvalidTable("row 150002: it ends inside a cell")

    with pytest.raises(InvalidTable, match="150002"):
        list(sealed_parts(Broken(150_000), Numbers.schema, [0], tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert len(files) == 1 and files[0].closed


@pytest.mark.parametrize("room", [0, 4, 500, 1_000])
def test_a_full_disk(tmp_path, monkeypatch, room) -> None:
    class Full(io.BytesIO):
        def write(self, content):
            if self.tell() + len(content) > room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content)

    monkeypatch.setattr(sealed_writer.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(Unavailable, match="No space left"):
        list(sealed_parts(RowsSource(ROWS), SCHEMA, [0], tmp_path))


# ---- whatever is wrong is named --------------------------------------------------------------------------------------


def test_every_changed_byte_is_named(part) -> None:
    place, content = part
    named = set()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        with pytest.raises(Corrupt) as caught:
            cells(place, bytes(changed))
        assert caught.value.facts["object"] == place.object and place.object in caught.value.detail
        named.add(caught.value.facts["part"])
    assert named == {"magic", "footer", *(f"row group 0, column {name!r}" for name in SCHEMA.names)}


def test_every_cut_and_every_byte_more_is_named(part) -> None:
    place, content = part
    for size in range(len(content)):
        with pytest.raises(Corrupt) as caught:
            cells(place, content[:size])
        assert caught.value.facts["part"] == "length"
    for longer in (content + b"\x00", b"\x00" + content, content + content):
        with pytest.raises(Corrupt, match="length"):
            cells(place, longer)


def test_a_byte_in_a_later_row_group(tmp_path) -> None:
    """The first row groups are still read; the damaged one, and the column in it, is named."""
    ((place, content),) = sealed(Numbers(2 * CHUNK + 9), Numbers.schema, tmp_path)
    metadata = pq.ParquetFile(io.BytesIO(content), decryption_properties=decryption(place.key, 0)).metadata
    changed = bytearray(content)
    changed[metadata.row_group(1).column(0).dictionary_page_offset + 40] ^= 4
    reader = opened(place, bytes(changed), Numbers.schema)
    assert sum(batch.num_rows for batch in reader.batches(0, CHUNK, [0])) == CHUNK
    assert sum(batch.num_rows for batch in reader.batches(2 * CHUNK, place.stop, [0])) == 9
    with pytest.raises(Corrupt) as caught:
        list(reader.batches(CHUNK - 1, place.stop, [0]))
    assert caught.value.facts["part"] == "row group 1, column 'n'"


def test_parts_do_not_stand_in_for_each_other(tmp_path) -> None:
    (first, one), (second, two) = sealed(Numbers(2 * CHUNK), Numbers.schema, tmp_path, [0, CHUNK])
    for place, content in (
        (replace(first, key=second.key), one),  # another part's key
        (replace(first, first_record=CHUNK), one),  # at another place
        (replace(second, first_record=0), two),
        (first, two),  # another object
        (replace(first, size=second.size), two),
        (replace(second, first_record=0, key=first.key), two),
    ):
        with pytest.raises(Corrupt):
            cells(place, content, Numbers.schema)


def test_the_footer_tells_of_the_right_table(part) -> None:
    place, content = part
    other = Schema((*SCHEMA.columns[:2], Column("elsewhere", "binary")))
    with pytest.raises(Corrupt, match="columns"):
        opened(place, content, other)
    with pytest.raises(Corrupt, match="records"):
        opened(replace(place, records=41), content)


def test_a_store_that_fails_while_it_is_read_is_not_damage(part) -> None:
    place, content = part

    class Failing(io.BytesIO):
        reads = 0

        def read(self, size=-1):
            Failing.reads += 1
            if Failing.reads > 4:
                raise Unavailable("the payload store failed: timeout")
            return super().read(size)

    reader = SealedReader(place, SCHEMA, lambda: Failing(content))
    with pytest.raises(Unavailable, match="timeout"):
        list(reader.batches(0, 40, [0, 1, 2]))


KILLED = """
import os, pathlib, signal, sys
from ledger.fingerprint import sealed_writer
from tests.unit.fingerprint.test_sealed_parts import Numbers, sealed_parts
write = sealed_writer._Part._write_group
def writing(part):
    write(part)
    part._file.flush()
    assert part._file.tell() > 1000
    os.kill(os.getpid(), signal.SIGKILL)
sealed_writer._Part._write_group = writing
list(sealed_parts(Numbers(400_000), Numbers.schema, [0], pathlib.Path(sys.argv[1])))
"""


def test_killed_while_a_part_is_written(tmp_path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert list(tmp_path.iterdir()) == []


GROWTH = """
import pathlib, resource, sys
from tests.unit.fingerprint.test_sealed_parts import Numbers, sealed_parts
def peak(records):
    for part in sealed_parts(Numbers(records), Numbers.schema, [0], pathlib.Path(sys.argv[1])):
        part.file.close()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
print(peak(400_000), peak(4_000_000))
"""


def test_memory_does_not_grow_with_the_table(tmp_path) -> None:
    done = subprocess.run([sys.executable, "-c", GROWTH, str(tmp_path)], capture_output=True, text=True, check=True)
    small, large = map(int, done.stdout.split())
    assert large - small <= 40, f"{small} MiB, then {large} MiB"
