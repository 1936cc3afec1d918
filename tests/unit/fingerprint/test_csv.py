"""CSV by compiled code, beside Python's own csv module: the same cells, the same refusals, at the same rows."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidTable
from ledger.fingerprint import CsvSource, ReadOptions, Schema, compiled_csv, fingerprint_table, plain_csv
from ledger.fingerprint.csv_faults import AFTER_QUOTE, BLANK, NOT_CLOSED
from ledger.fingerprint.kernel import forced

PIECES = ['"', '""', "\n", "\r", "\r\n", "x", "金", "\ufeff", "\0", " ", "y" * 70, "\ud800", "\udcff\udcbc"]
CELLS = ["", "x", "金安区", '"q"', '"a""b"', '"a\nb"', '"a\r\n\r"', '""', 'a"b', "-2.5", " "]
delimiters = st.sampled_from([",", ";", "\t", "，", "a", "𝄞"])


def oracle(text, delimiter, width):
    """The rows before the first fault, and the fault: (row from 1, what)."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        for row in reader:
            row = row or ([""] if width == 1 else [])
            if len(row) != width:
                return rows, (len(rows) + 1, f"{len(row)} cells for {width} columns" if row else BLANK)
            rows.append(tuple(row))
    except csv.Error as error:
        return rows, (len(rows) + 1, NOT_CLOSED if str(error) == "unexpected end of data" else AFTER_QUOTE)
    return rows, None


def read(content, width, **options):
    """The same by a source."""
    schema = Schema.text([f"c{at}" for at in range(width)])
    source = CsvSource(lambda: io.BytesIO(content), ReadOptions(header=False, **options), name="t.csv")
    rows = []
    try:
        for batch in source.batches(schema):
            batch.validate(full=True)
            cells = [[_text(cell) for cell in column.to_pylist()] for column in batch.columns]
            rows += zip(*cells, strict=True)
    except InvalidTable as fault:
        assert fault.facts["file"] == "t.csv"
        what = fault.detail.removeprefix(f"t.csv, row {fault.facts['row']}: ").removesuffix(".")
        return rows, (fault.facts["row"], what)
    return rows, None


def _text(cell):
    return cell if isinstance(cell, str) else cell.decode("utf-8", "surrogateescape")


def encoded(text):
    """UTF-8, with the bytes that lone surrogates stand for."""
    return text.replace("\ud800", "\udced\udca0\udc80").encode("utf-8", "surrogateescape")


@given(
    st.one_of(
        st.lists(st.sampled_from([*PIECES, "|"]), max_size=14).map("".join),
        st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=3).map("|".join), max_size=9).flatmap(
            lambda rows: st.sampled_from(["\n", "\r\n", "\r"]).map(lambda end: end.join([*rows, ""]))
        ),
    ),
    delimiters,
    st.integers(1, 3),
    st.sampled_from([3, 7, 64, 1 << 16]),
)
@example('"a"\r\n"b"', ",", 1, 3)
@example("x,，y，\n", "，", 1, 3)
@settings(deadline=None, max_examples=600)
def test_cells_and_faults_are_those_of_the_csv_module(text, delimiter, width, block):
    text = text.replace("|", delimiter)
    content = encoded(text)
    expected = oracle(content.decode("utf-8", "surrogateescape").removeprefix("\ufeff"), delimiter, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_csv, "BLOCK_BYTES", block)
        assert read(content, width, delimiter=delimiter) == expected
    with forced("hashlib"):
        assert read(content, width, delimiter=delimiter) == expected


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='",\r\n\0'), max_size=40), st.booleans())
@example("ㄅ" * 200, True)
@settings(deadline=None, max_examples=200)
def test_gb18030_cells_are_those_of_utf_8(text, quoted):
    content = f'"{text}",x\n' * 3 if quoted else f"{text},x\n" * 3
    decoded = read(content.encode(), 2)
    try:
        raw = content.encode("gb18030")
    except UnicodeEncodeError:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.fingerprint.gb18030._PIECE", 5)  # characters cut in two
        rows, fault = read(raw, 2, encoding="gb18030")
    if not set(text) & set(_EXCHANGED):
        assert (rows, fault) == decoded


_EXCHANGED = {chr(point) for point in range(0xE000, 0xF900)} | set("︐︑︒︓︔︕︖︗︘︙ḿ龴龵龶龷龸龹龺龻")


@pytest.mark.parametrize("engine", ["sha-ni", "hashlib"])
@pytest.mark.parametrize(
    "bad",
    [
        b"\xff",
        b"\xc0\xaf",
        b"\xe5\x8f",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\x80",
        b"\xe9",
    ],
)
def test_bytes_that_are_not_utf_8_are_refused_by_row_and_column(bad, engine):
    schema = Schema.text(["a", "b"])
    for place in (b"%s", b"x%sy", b'"%s"', "金%s".encode()):
        content = "b,a\n1,金\n".encode() + b"2," + place % bad + b"\n3,4\n"
        with forced(engine), pytest.raises(InvalidTable) as refusal:
            fingerprint_table(CsvSource(lambda text=content: io.BytesIO(text), name="t.csv"), schema, None)
        assert refusal.value.facts == {"file": "t.csv", "row": 3, "record": 1, "column": "a"}


def test_both_engines_give_the_same_fingerprint_and_headers():
    rows = "".join(f'{at},"a""{at}\n",金{at % 97}\n' for at in range(3000))
    content = f"\ufeffn,q,c\n{rows}".encode()
    schema = Schema.from_json({"columns": [{"name": "c"}, {"name": "n", "type": "integer"}, {"name": "q"}]})
    source = CsvSource(lambda: io.BytesIO(content))
    fast, _ = fingerprint_table(source, schema, None)
    with forced("hashlib"):
        assert fingerprint_table(source, schema, None)[0] == fast
        assert source.header() == ("n", "q", "c")
        for head in (b"", b"\n", b'"a', b'"a"b\n', b"\xff,b\n", b",".join([b"c"] * 4097)):
            with pytest.raises(InvalidTable if len(head) < 9 else Exception) as plain:
                CsvSource(lambda head=head: io.BytesIO(head), name="t").header()
            with forced("sha-ni"), pytest.raises(type(plain.value)) as compiled:
                CsvSource(lambda head=head: io.BytesIO(head), name="t").header()
            assert compiled.value.detail == plain.value.detail


def test_a_row_over_the_limit_without_compiled_code(monkeypatch):
    monkeypatch.setattr(plain_csv, "MAX_ROW_BYTES", 10)
    with forced("hashlib"), pytest.raises(Exception, match="row 2: it has 10 bytes or more") as refusal:
        list(CsvSource(lambda: io.BytesIO(b"a\n" + b"x" * 20), name="t").batches(Schema.text(["a"])))
    assert refusal.value.code == "too-large"


def test_streams_that_give_little_and_cannot_seek():
    content = b"a,b\n" + b"".join(b"%d,x\n" % at for at in range(5000))

    class Slow(io.RawIOBase):
        def __init__(self):
            self.at = 0

        def readable(self):
            return True

        def readinto(self, target):
            part = content[self.at : self.at + min(len(target), 17)]
            target[: len(part)] = part
            self.at += len(part)
            return len(part)

    schema = Schema.text(["a", "b"])
    source = CsvSource(Slow)
    whole, _ = fingerprint_table(CsvSource(lambda: io.BytesIO(content)), schema, None)
    assert fingerprint_table(source, schema, None)[0] == whole
    assert [batch.num_rows for batch in source.batches(schema, 4990)] == [10]
