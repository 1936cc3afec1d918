"""Pages of Parquet are looked at before they are decoded: honest ones pass, none decides how much memory is taken."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint import (
    ParquetSource,
    RowsSource,
    Schema,
    compiled_pages,
    fingerprint_table,
    page_header,
    parquet_pages,
    parquet_stretch,
)
from ledger.fingerprint.kernel import forced
from tests.harness.peaks import peak

ROOT = Path(__file__).parents[3]
ROWS = 5000
SCHEMA = Schema.from_json({"columns": [{"name": "t"}, {"name": "d"}, {"name": "n", "type": "integer"}]})
TABLE = pa.table(
    {
        "t": [f"text {at} " * (at % 7) if at % 5 else None for at in range(ROWS)],
        "d": [("Lu'an", "Jinzhai", None)[at % 3] for at in range(ROWS)],
        "n": [at * 7919 if at % 11 else None for at in range(ROWS)],
    }
)
EXPECTED, _ = fingerprint_table(RowsSource([list(row.values()) for row in TABLE.to_pylist()]), SCHEMA, None)


def written(table, **settings):
    sink = io.BytesIO()
    pq.write_table(table, sink, **settings)
    return sink.getvalue()


def opened(content, name="t.parquet"):
    return ParquetSource(lambda: io.BytesIO(content), name=name)


def same(size, *texts):
    """A column that says the same text over and over, in few bytes."""
    return pa.DictionaryArray.from_arrays(pa.array(np.arange(size) % len(texts), pa.int32()), pa.array(texts))


@pytest.mark.parametrize("engine", ["hashlib", "vectors"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_honest_files_of_all_codecs(codec, version, engine, monkeypatch):
    monkeypatch.setattr(parquet_stretch, "DECODING_BYTES", 5_000_000)  # so that dictionaries are looked into
    settings = {"compression": codec, "data_page_version": version, "row_group_size": 1800, "data_page_size": 3000}
    with forced(engine):
        for dictionaries in (True, False):
            content = written(TABLE, use_dictionary=dictionaries, write_batch_size=100, **settings)
            assert fingerprint_table(opened(content), SCHEMA, None)[0] == EXPECTED


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_honest_files_of_delta_encodings(encoding, version):
    chosen = {"t": encoding, "d": encoding, "n": "DELTA_BINARY_PACKED"}
    content = written(TABLE, use_dictionary=False, column_encoding=chosen, data_page_version=version)
    assert fingerprint_table(opened(content), SCHEMA, None)[0] == EXPECTED


def test_row_groups_far_too_small_are_read_together():
    content = written(TABLE, row_group_size=10)
    sizes = [batch.num_rows for batch in opened(content).batches(SCHEMA)]
    assert sizes == [ROWS]


def test_a_long_text_of_a_dictionary_makes_batches_small(monkeypatch):
    monkeypatch.setattr(parquet_stretch, "DECODING_BYTES", 10_000_000)
    texts = ("x" * 100_000, "y")
    content = written(pa.table({"a": same(500, *texts).cast(pa.string())}), dictionary_pagesize_limit=1 << 30)
    cells = [cell for batch in opened(content).batches(Schema.text(["a"])) for cell in batch.column(0).to_pylist()]
    assert cells == [*texts] * 250
    rows = [batch.num_rows for batch in opened(content).batches(Schema.text(["a"]))]
    assert max(rows) <= 50


BOMBS = {
    "a page": lambda: (pa.table({"a": ["x" * 70_000_000]}), {"use_dictionary": False}),
    "a dictionary": lambda: (pa.table({"a": ["x" * 70_000_000]}), {}),
    "many columns": lambda: (pa.table({f"c{at}": ["x" * 20_000_000] for at in range(10)}), {"use_dictionary": False}),
    "many dictionaries": lambda: (pa.table({f"c{at}": ["x" * 20_000_000] for at in range(10)}), {}),
    "wide cells": lambda: (pa.table({"a": pa.array([None] * 2, pa.binary(100_000_000))}), {}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_before_they_are_inflated(kind, tmp_path):
    table, settings = BOMBS[kind]()
    file = tmp_path / "b.parquet"
    file.write_bytes(written(table, compression="zstd", **settings))
    assert file.stat().st_size < 100_000
    said, most = peak(file)
    assert said == "too large"
    assert most < 300
    with pytest.raises(TooLarge) as refusal:
        fingerprint_table(ParquetSource(file), ParquetSource(file).schema(), None)
    assert refusal.value.facts["file"] == "b.parquet"
    assert refusal.value.facts["column"] in table.column_names


def test_what_a_dictionary_repeats_is_read_in_bounded_memory(tmp_path):
    file = tmp_path / "r.parquet"
    table = pa.table({f"c{at}": same(400, "x" * 500_000).cast(pa.string()) for at in range(2)})
    file.write_bytes(written(table, compression="zstd", dictionary_pagesize_limit=1 << 30))
    said, most = peak(file)
    assert (said, most < 450) == ("read", True)


def test_metadata_that_lies_about_rows():
    content = written(pa.table({"a": ["x"] * 10}), compression="none", use_dictionary=False)
    with pytest.raises(InvalidTable):
        list(opened(content.replace(b"\x15\x14\x15", b"\x15\x16\x15")).batches(Schema.text(["a"])))


def read_headers(content):
    found = []
    for read in (page_header.page_header, compiled_pages.page_header):
        try:
            found.append(read(content))
        except (ValueError, IndexError) as error:
            found.append(type(error))
    return found


SMALL = written(TABLE.slice(0, 500), compression="snappy", data_page_size=500, write_batch_size=50)
FIRST = pq.ParquetFile(io.BytesIO(SMALL)).metadata.row_group(0).column(0)
HEADER = SMALL[FIRST.dictionary_page_offset :][:20]
PAGE = SMALL[FIRST.data_page_offset :][:200]


@given(st.sampled_from([HEADER, PAGE]), st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=4))
def test_compiled_and_plain_readers_agree(content, changes):
    bent = bytearray(content)
    for at, byte in changes:
        bent[at % len(bent)] = byte
    for stop in (len(bent), len(bent) // 2, 10):
        plain, compiled = read_headers(bytes(bent[:stop]))
        assert plain == compiled


@given(st.binary(max_size=200))
def test_any_bytes_as_a_header(content):
    plain, compiled = read_headers(content)
    assert plain == compiled


def test_headers_that_do_not_end():
    nested, long_list, long_number = b"\x1c" * 500, b"\x19\xf5" + b"\xff\xff\xff\xff\x7f", b"\x15" + b"\xff" * 50
    for content in (nested, long_list, long_number, b"\x18\xff\xff\xff\x7f", b"\x1b\x01\x55"):
        assert set(read_headers(content)) <= {ValueError, IndexError}


@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(1, 255)), min_size=1, max_size=6))
def test_damage_is_refused_or_read_and_never_hangs(changes):
    bent = bytearray(SMALL)
    for at, change in changes:
        bent[at] ^= change
    try:
        for batch in opened(bytes(bent)).batches(SCHEMA):
            assert 0 < batch.num_rows <= 500
    except (InvalidTable, TooLarge) as refusal:
        assert refusal.facts["file"] == "t.parquet"


def test_longest_values():
    texts = [b"x" * size for size in (3, 0, 70, 5)]
    content = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    for reader in (page_header, compiled_pages):
        assert [reader.longest_value(content, count) for count in range(5)] == [0, 3, 3, 70, 70]
        for damaged, count in ((content, 5), (content[:-1], 4), (b"\xff\xff\xff\xff", 1), (b"\x00\x00", 1)):
            with pytest.raises(ValueError):
                reader.longest_value(damaged, count)


def test_a_dictionary_that_says_it_is_smaller_than_it_lies_there():
    content = written(pa.table({"a": ["x" * 100_000]}), compression="none")
    body, less = b"\x15\xc8\x9a\x0c", b"\x15\x90\x80\x01"
    bent = content.replace(body * 2, less + body)
    assert bent != content
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    column = parquet_pages.ColumnPages(0, metadata.schema.column(0), pa.field("a", pa.string()))
    parquet_pages.walk(io.BytesIO(bent), len(bent), metadata.row_group(0).column(0), 1, column, "t")
    assert column.each >= 100_000
    assert column.held >= 100_000


class Counting(io.BytesIO):
    taken = 0

    def read(self, size=-1):
        found = super().read(size)
        self.taken += len(found)
        return found


def test_the_walk_reads_headers_only():
    content = written(pa.table({"a": ["x" * 1000] * 50_000}), compression="none", use_dictionary=False)
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    stream = Counting(content)
    column = parquet_pages.ColumnPages(0, metadata.schema.column(0), pa.field("a", pa.string()))
    parquet_pages.walk(stream, len(content), metadata.row_group(0).column(0), 50_000, column, "t")
    assert 0 < stream.taken < len(content) // 400
    assert column.within(50_000) >= 50_000_000
    assert column.within(1) < 5_000_000


@pytest.mark.parametrize(("encoding", "lengths"), [("DELTA_LENGTH_BYTE_ARRAY", 1), ("DELTA_BYTE_ARRAY", 2)])
def test_more_lengths_than_values_are_refused(encoding, lengths):
    """A page of a few bytes may say that it has 2^31 lengths, all of them 0."""
    fields = pa.schema([pa.field("a", pa.string(), nullable=False)])
    table = pa.table({"a": ["z" * 5, "z" * 5]}, schema=fields)
    content = written(table, compression="none", use_dictionary=False, column_encoding={"a": encoding})
    honest = b"\x80\x01\x04\x02"
    assert content.count(honest) == lengths
    assert list(opened(content).batches(Schema.text(["a"])))
    for bad in (b"\x80\x01\x04\x03", b"\x80\x01\x04\x7f", b"\x80\x01\x00\x02", b"\x80\x01\x7f\x02"):
        for place in range(lengths):
            parts = content.split(honest)
            bent = honest.join(parts[: place + 1]) + bad + honest.join(parts[place + 1 :])
            assert len(bent) == len(content)
            with pytest.raises(InvalidTable):
                list(opened(bent).batches(Schema.text(["a"])))
