"""Messages of Arrow IPC are looked at before they are read: honest ones pass, none decides how much memory is taken."""

import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint import ArrowSource, RowsSource, Schema, arrow_messages, arrow_source, fingerprint_table
from ledger.fingerprint.arrow_messages import Messages
from ledger.fingerprint.flat_table import FlatTable
from tests.harness.peaks import peak

ROOT = Path(__file__).parents[3]
ROWS = 3000
SCHEMA = Schema.from_json({"columns": [{"name": "t"}, {"name": "d"}, {"name": "n", "type": "integer"}]})
TABLE = pa.table(
    {
        "t": [f"text {at} " * (at % 7) if at % 5 else None for at in range(ROWS)],
        "d": pa.array([("Lu'an", "Jinzhai", None)[at % 3] for at in range(ROWS)]).dictionary_encode(),
        "n": [at * 7919 if at % 11 else None for at in range(ROWS)],
    }
)
EXPECTED, _ = fingerprint_table(RowsSource([list(row.values()) for row in TABLE.to_pylist()]), SCHEMA, None)


def written(table, codec="zstd", *, stream=False, rows=None, **settings):
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec, **settings)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema, options=options) as writer:
        writer.write_table(table, rows)
    return sink.getvalue()


def opened(content):
    return ArrowSource(lambda: io.BytesIO(content), name="t.arrow")


def looked_at(content, *, mapped=True):
    return Messages(pa.BufferReader(content), "t.arrow", mapped=mapped)


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
def test_honest_files_of_all_codecs(codec, stream, large, tmp_path, monkeypatch):
    if large:
        monkeypatch.setattr(arrow_source, "_LARGE", 0)
    content = written(TABLE, codec, stream=stream, rows=700)
    assert fingerprint_table(opened(content), SCHEMA, None)[0] == EXPECTED
    file = tmp_path / "t.arrow"
    file.write_bytes(content)
    assert fingerprint_table(ArrowSource(file), SCHEMA, None)[0] == EXPECTED


@pytest.mark.parametrize("legacy", [True, False])
def test_dictionaries_that_grow_and_change(legacy):
    sink = io.BytesIO()
    arrays = [pa.array(texts).dictionary_encode() for texts in (["a", "b"], ["a", "b", "c"], ["x"])]
    kinds = pa.schema({"a": arrays[0].type})
    options = pa.ipc.IpcWriteOptions(compression="zstd", emit_dictionary_deltas=True, use_legacy_format=legacy)
    with pa.ipc.new_stream(sink, kinds, options=options) as writer:
        for array in arrays:
            writer.write_batch(pa.record_batch([array], schema=kinds))
    found = [cell for batch in opened(sink.getvalue()).batches(Schema.text(["a"])) for cell in batch.column(0)]
    assert [str(cell) for cell in found] == ["a", "b", "a", "b", "c", "x"]


def test_what_takes_memory():
    table = pa.table({"a": ["x" * 1000] * 1000})
    plain, packed = written(table, None), written(table)
    assert looked_at(plain).batch_of_file(0) == 0
    assert 1_000_000 < looked_at(plain, mapped=False).batch_of_file(0) < 1_010_000
    assert 1_000_000 < looked_at(packed).batch_of_file(0) < 1_010_000
    stream = looked_at(written(table, stream=True, rows=500))
    assert [stream.next_batch() // 1000 for _ in range(3)] == [503, 503, 0]
    texts = pa.table({"a": pa.array(["x" * 1000, "y" * 1000] * 2).dictionary_encode()})
    assert 2000 < looked_at(written(texts)).batch_of_file(0) < 2500


BOMBS = {
    "a cell": pa.table({"a": ["x" * 60_000_000] * 3}),
    "a column": pa.table({"a": ["x" * 1000] * 150_000}),
    "a dictionary": pa.table({"a": pa.array(["x" * 150_000_000]).dictionary_encode()}),
    "numbers": pa.table({"a": pa.nulls(20_000_000, pa.int64()).fill_null(0)}),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_before_they_are_inflated(kind, stream, tmp_path):
    file = tmp_path / "b.arrow"
    file.write_bytes(written(BOMBS[kind], stream=stream))
    assert file.stat().st_size < 1_000_000
    said, most = peak(file)
    assert said == "too large"
    assert most < 250


def test_large_batches_are_read_in_bounded_memory(tmp_path):
    file = tmp_path / "l.arrow"
    table = pa.table({"a": ["x" * 1000] * 120_000})
    file.write_bytes(written(pa.concat_tables([table] * 2), rows=120_000))
    said, most = peak(file)
    assert (said, most < 450) == ("read", True)


def test_large_records_of_large_batches_are_refused(monkeypatch):
    monkeypatch.setattr(arrow_source, "_LARGE", 1000)
    with pytest.raises(TooLarge) as refusal:
        list(opened(written(pa.table({"a": ["x" * 9_000_000]}))).batches(Schema.text(["a"])))
    assert refusal.value.facts["file"] == "t.arrow"


def test_the_limit_is_of_batches_and_dictionaries_together(monkeypatch):
    monkeypatch.setattr(arrow_messages, "MESSAGE_BYTES", 5000)
    both = pa.table({"a": pa.array(["x" * 3000] * 2).dictionary_encode(), "b": ["y" * 1500] * 2})
    for names in (["a"], ["b"]):
        assert list(opened(written(both.select(names))).batches(Schema.text(names)))
    for stream in (True, False):
        with pytest.raises(TooLarge):
            list(opened(written(both, stream=stream)).batches(Schema.text(["a", "b"])))


def test_another_byte_order_is_copied_and_counted():
    messages = looked_at(written(pa.table({"a": [1] * 1000}), None))
    assert messages.batch_of_file(0) == 0
    messages._swapped = True
    assert messages.batch_of_file(0) >= 8000


@pytest.mark.parametrize("codec", [None, "zstd"])
@pytest.mark.parametrize("stream", [True, False])
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=5))
def test_damage_is_refused_or_read_and_never_hangs(stream, codec, changes):
    bent = bytearray(DAMAGED[stream, codec])
    for at, change in changes:
        bent[int(at * len(bent))] ^= change
    try:
        for batch in opened(bytes(bent)).batches(SCHEMA):
            assert 0 < batch.num_rows <= 40
    except (InvalidTable, TooLarge) as refusal:
        assert refusal.facts["file"] == "t.arrow"


DAMAGED = {
    (stream, codec): written(TABLE.slice(0, 40), codec, stream=stream, rows=20)
    for stream in (True, False)
    for codec in (None, "zstd")
}


@given(st.binary(max_size=120))
def test_any_bytes_as_a_table(content):
    try:
        table = FlatTable.root(content)
        table.number(0, "q")
        table.structs(1, "qq")
        inner = table.table(2)
        assert inner is None or inner.number(3, "B") < 256
    except ValueError as reason:
        assert str(reason)
