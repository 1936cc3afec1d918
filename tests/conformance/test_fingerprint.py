"""The product against vectors written from the formats and against a plain reading of them."""

import json
import struct
from io import BytesIO
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidTable
from ledger.fingerprint import (
    RECORD_SD,
    CsvSource,
    JsonLinesSource,
    ReadOptions,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    fingerprint_file,
    fingerprint_table,
)
from ledger.fingerprint.gb18030 import decode
from ledger.fingerprint.merkle import Accumulator, inclusion_path, leaf_hash, sm3, tree_root
from ledger.fingerprint.number_form import number_to_string
from tests.conformance import reference

VECTORS = Path(__file__).parent / "vectors"


def vectors(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def keys_of(key):
    return SegmentKeys([Segment(0, bytes.fromhex(key))])


@pytest.mark.parametrize("table", vectors("tables.json"), ids=lambda table: table["about"])
def test_tables(table):
    schema = Schema.from_json({"columns": [{"name": name, "type": type} for name, type in table["columns"]]})
    assert schema.digest().hex() == table["schema"]
    lines = [json.dumps(dict(zip(schema.names, row, strict=True)), ensure_ascii=False) for row in table["records"]]
    source = JsonLinesSource(lambda: BytesIO("\n".join(lines).encode()))
    keys = keys_of(table["key"])
    for name, chosen, format in (
        ("open", None, "share-record/1"),
        ("salted", keys, "share-record/1"),
        ("disclosing", keys, RECORD_SD),
    ):
        fingerprint, manifest = fingerprint_table(source, schema, chosen, format=format, twin=name != "open")
        assert fingerprint.root.hex() == table[name]
        assert fingerprint.schema.hex() == table["schema"]
        assert (fingerprint.records, fingerprint.salted) == (len(table["records"]), chosen is not None)
        assert manifest.matches(fingerprint)
        if name != "open":
            assert fingerprint.twin_root.hex() == table[f"{name}_twin"]


def test_the_two_roots_the_format_prints():
    table = vectors("tables.json")[0]
    assert table["open"] == "8c52c7da6938aa2745bb1795e8c9e857ca02d3c0084c66408bd6b459e8b2bca0"
    assert table["salted"] == "f10e7f7b937047a4b5b2162533340a1e10651a8bccd0b50498e641329484f581"


@pytest.mark.parametrize("file", vectors("files.json"), ids=lambda file: file["about"])
def test_files(file):
    content = (bytes(range(251)) * (file["size"] // 251 + 1))[: file["size"]]
    keys = keys_of(file["key"])
    salted, manifest = fingerprint_file(lambda: BytesIO(content), keys, twin=True)
    unsalted, _ = fingerprint_file(lambda: BytesIO(content), None)
    assert (salted.root.hex(), salted.twin_root.hex(), unsalted.root.hex()) == (
        file["salted"],
        file["salted_twin"],
        file["open"],
    )
    assert (salted.records, salted.size, salted.schema) == (file["chunks"], file["size"], bytes(32))
    assert manifest.matches(salted)


def read_cell(type, text, zone_offset=None):
    options = ReadOptions(header=False, zone_offset=zone_offset)
    schema = Schema.from_json({"columns": [{"name": "a", "type": type}]})
    quoted = '"' + text.replace('"', '""') + '"\n'
    source = CsvSource(lambda: BytesIO(quoted.encode()), options)
    [rows] = source.batches(schema)
    return source.encoder(schema).encode(rows, 0).cells(0)[0]


@pytest.mark.parametrize("cell", vectors("cells.json")["accepted"], ids=lambda cell: f"{cell['type']} {cell['text']!a}")
def test_accepted_cells(cell):
    assert read_cell(cell["type"], cell["text"], cell.get("zone_offset")).decode() == cell["bytes"]


@pytest.mark.parametrize("cell", vectors("cells.json")["refused"], ids=lambda cell: f"{cell['type']} {cell['text']!a}")
def test_refused_cells(cell):
    with pytest.raises(InvalidTable) as refusal:
        read_cell(cell["type"], cell["text"])
    facts = refusal.value.facts
    assert (facts["file"], facts["row"], facts["record"], facts["column"]) == ("stream", 1, 0, "a")


@pytest.mark.parametrize(("bits", "text"), vectors("numbers.json")["numbers"])
def test_numbers(bits, text):
    assert number_to_string(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


@pytest.mark.parametrize("bits", vectors("numbers.json")["refused"])
def test_numbers_that_are_none(bits):
    with pytest.raises(ValueError, match="finite"):
        number_to_string(struct.unpack(">d", bytes.fromhex(bits))[0])


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_numbers_agree_with_rfc_8785(number):
    text = number_to_string(number)
    assert text.encode() == rfc8785.dumps(number)
    assert float(text) == number


def test_tree_of_certificate_transparency():
    vector = vectors("merkle.json")
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in vector["leaves"]]
    tree = Accumulator()
    assert tree.root().hex() == tree_root([]).hex() == vector["empty"]
    for size, root in enumerate(vector["roots"], 1):
        tree.append(leaves[size - 1])
        assert tree.root().hex() == tree_root(leaves[:size]).hex() == root
    assert sm3(b"abc").hex() == vector["sm3_abc"]


@pytest.mark.parametrize(("code", "point"), vectors("gb18030.json")["decoded"])
def test_gb18030(code, point):
    character = chr(int(point[2:], 16))
    assert decode(bytes.fromhex(code)) == character
    schema = Schema.text(["a"])
    content = b"x\n" + bytes.fromhex(code) + b"\n"
    source = CsvSource(lambda: BytesIO(content), ReadOptions(encoding="gb18030", header=False))
    assert [cell for batch in source.batches(schema) for cell in batch.column(0).to_pylist()] == ["x", character]


@pytest.mark.parametrize("code", vectors("gb18030.json")["refused"])
def test_gb18030_that_is_none(code):
    with pytest.raises(UnicodeDecodeError):
        decode(bytes.fromhex(code))
    schema = Schema.text(["a", "b"])
    content = b'a,b\nx,y\n"","' + bytes.fromhex(code) + b'"\n'
    source = CsvSource(lambda: BytesIO(content), ReadOptions(encoding="gb18030"), name="安徽.csv")
    with pytest.raises(InvalidTable) as refusal:
        fingerprint_table(source, schema, None)
    assert (refusal.value.facts["file"], refusal.value.facts["row"]) == ("安徽.csv", 3)


cells = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
tables = st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=40))


class Rebatched(RowsSource):
    """The same rows, cut into batches of given sizes."""

    def __init__(self, rows, sizes):
        super().__init__(rows)
        self.sizes = sizes

    def batches(self, schema, first=0):
        for batch in super().batches(schema, first):
            at = 0
            for size in [*self.sizes, len(batch)]:
                if at < len(batch):
                    yield batch.slice(at, size)
                at += size


@given(tables, st.lists(st.integers(1, 9)), st.binary(min_size=32, max_size=32))
@settings(deadline=None)
def test_any_table_in_any_batches(rows, sizes, key):
    width = len(rows[0]) if rows else 1
    schema = Schema.text([f"c{at}" for at in range(width)])
    records = [[None if cell is None else cell.encode() for cell in row] for row in rows]
    keys = SegmentKeys([Segment(0, key)])
    source = Rebatched(rows, sizes)
    assert fingerprint_table(source, schema, None)[0].root == reference.table(None, records)
    assert fingerprint_table(source, schema, keys)[0].root == reference.table(key, records)
    disclosing, _ = fingerprint_table(source, schema, keys, format=RECORD_SD)
    assert disclosing.root == reference.table(key, records, reference.leaf_sd)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70), st.data())
@settings(deadline=None)
def test_paths_are_those_of_the_rfc(leaves, choices):
    index = choices.draw(st.integers(0, len(leaves) - 1))
    assert inclusion_path(leaves, index) == reference.path(index, leaves)
