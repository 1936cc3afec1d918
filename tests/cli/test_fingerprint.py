"""`shareledger fingerprint`: one object, no secret anywhere, goes on after a kill, leaves nothing half written."""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.fingerprint import CsvSource, RowsSource, Schema, Segment, SegmentKeys, fingerprint_file, fingerprint_table

from .conftest import Console

KEY = bytes(range(32))
KEYS = SegmentKeys([Segment(0, KEY)])
SCHEMA = {"columns": [{"name": "code"}, {"name": "name", "null": ["-"]}, {"name": "n", "type": "integer"}]}
ROWS = "code,name,n\n341502,金安区,1\n341503,-,-20\n,叶集区,0\n"
OPEN_ROOT = "8c52c7da6938aa2745bb1795e8c9e857ca02d3c0084c66408bd6b459e8b2bca0"
SALTED_ROOT = "f10e7f7b937047a4b5b2162533340a1e10651a8bccd0b50498e641329484f581"
MEBIBYTE = 1 << 20


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def schema(tmp_path: Path) -> str:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    return str(file)


@pytest.fixture
def table(tmp_path: Path) -> str:
    file = tmp_path / "areas.csv"
    file.write_text(ROWS, encoding="utf-8")
    return str(file)


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text(KEY.hex() + "\n")
    file.chmod(0o600)
    return str(file)


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_the_roots_the_format_prints(
    console: Console, table: str, schema: str, key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = console("fingerprint", table, "--schema", schema, "--open", "--json")
    assert told.code == 0
    assert told.value.keys() == {"format", "salted", "schema", "root", "records", "seconds"}
    assert (told.value["root"], told.value["records"], told.value["salted"]) == (OPEN_ROOT, 3, False)
    assert told.value["schema"] == Schema.from_json(SCHEMA).digest().hex()
    assert isinstance(told.value["seconds"], float)
    told = console("fingerprint", table, "--schema", schema, "--key-file", key_file, "--twin", "--json")
    assert (told.value["root"], told.value["salted"]) == (SALTED_ROOT, True)
    assert len(told.value["twin_root"]) == 64
    assert KEY.hex() not in told.out + told.err
    given(monkeypatch, KEY.hex())
    told = console("fingerprint", table, "--schema", schema, "--key-file", "-", "--json")
    assert told.value["root"] == SALTED_ROOT
    told = console(
        "fingerprint", table, "--schema", schema, "--key-file", key_file, "--format", "share-record-sd/1", "--json"
    )
    expected, _ = fingerprint_table(CsvSource(table), Schema.from_json(SCHEMA), KEYS, format="share-record-sd/1")
    assert (told.value["root"], told.value["format"]) == (expected.root.hex(), "share-record-sd/1")
    shown = console("fingerprint", table, "--open", "--lang", "zh")
    assert "记录数" in shown.out
    assert "哈希引擎" in shown.err


def test_a_table_may_declare_itself_and_any_other_file_is_one(console: Console, tmp_path: Path, table: str) -> None:
    told = console("fingerprint", table, "--open", "--json")
    assert told.value["schema"] == Schema.text(["code", "name", "n"]).digest().hex()
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": [1, 2, None]}), parquet)
    told = console("fingerprint", str(parquet), "--open", "--json")
    typed = Schema.from_json({"columns": [{"name": "n", "type": "integer"}]})
    assert told.value["schema"] == typed.digest().hex()
    assert told.value["root"] == fingerprint_table(RowsSource([[1], [2], [None]]), typed, None)[0].root.hex()
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(os.urandom(3 * MEBIBYTE + 5))
    told = console("fingerprint", str(scan), "--open", "--json")
    assert (told.value["format"], told.value["records"]) == ("share-file/1", 4)
    assert told.value["root"] == fingerprint_file(scan, None)[0].root.hex()
    told = console("fingerprint", table, "--open", "--format", "share-file/1", "--json")
    assert (told.value["records"], told.value["schema"]) == (1, "0" * 64)


READINGS: list[tuple[str, bytes, list[str]]] = [
    ("g.txt", "n;code;name\n1;341502;金安区\n-20;341503;-\n0;;叶集区\n".encode("gb18030"), ["--encoding", "gb18030"]),
    ("h.tsv", "341502;金安区;1\n341503;-;-20\n;叶集区;0\n".encode(), ["--no-header"]),
]


@pytest.mark.parametrize(("name", "content", "options"), READINGS)
def test_read_options(
    console: Console, tmp_path: Path, schema: str, name: str, content: bytes, options: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    told = console(
        "fingerprint", str(tmp_path / name), "--schema", schema, "--open", "--delimiter", ";", *options, "--json"
    )
    assert told.value["root"] == OPEN_ROOT


def test_json_lines_arrow_and_queries_give_the_same_root(console: Console, tmp_path: Path, schema: str) -> None:
    records = [("341502", "金安区", 1), ("341503", None, -20), ("", "叶集区", 0)]
    names = ["code", "name", "n"]
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in records))
    columns = pa.table(dict(zip(names, map(list, zip(*records, strict=True)), strict=True)))
    arrow = tmp_path / "a.arrow"
    with pa.ipc.new_file(arrow, columns.schema) as writer:
        writer.write_table(columns)
    for file in (lines, arrow):
        told = console("fingerprint", str(file), "--schema", schema, "--open", "--json")
        assert told.value["root"] == OPEN_ROOT, file
    with sqlite3.connect(tmp_path / "a.sqlite") as lite:
        lite.execute("CREATE TABLE t (place INTEGER PRIMARY KEY, code TEXT, name TEXT, n INTEGER)")
        lite.executemany("INSERT INTO t (code, name, n) VALUES (?, ?, ?)", records)
    lite.close()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as duck:
        duck.execute("CREATE TABLE t AS SELECT * FROM columns ORDER BY n DESC")
    query = ["--query", "SELECT code, name, n FROM t", "--schema", schema, "--open", "--json"]
    by_n = sorted(records, key=lambda row: row[2])
    expected, _ = fingerprint_table(RowsSource(by_n), Schema.from_json(SCHEMA), None)
    for url in (f"sqlite:///{tmp_path}/a.sqlite", f"duckdb:///{tmp_path}/a.duckdb"):
        told = console("fingerprint", url, *query, "--order-by", "n")
        assert told.value["root"] == expected.root.hex(), url
    told = console("fingerprint", str(tmp_path / "a.duckdb"), *query, "--order-by", "n,code")
    assert told.value["root"] == expected.root.hex()
    told = console("fingerprint", f"sqlite:///{tmp_path}/a.sqlite", *query)
    assert told.value["error"]["code"] == "invalid-input"


REFUSED = {
    "neither key nor open": (["{table}"], "give --key-file"),
    "both": (["{table}", "--open", "--key-file", "{key}"], "give --key-file"),
    "no target": (["--open"], "name a file"),
    "two targets": (["{table}", "--url-file", "{key}", "--open"], "name a file"),
    "no such file": (["{table}x", "--open"], "No such file"),
    "query on a file": (["{table}", "--open", "--query", "SELECT 1"], "a file takes neither"),
    "database without query": (["sqlite:///x", "--open"], "needs --query"),
    "no driver": (["foo://x/y", "--open", "--query", "SELECT 1", "--order-by", "a"], "no driver"),
    "sd without salt": (["{table}", "--open", "--format", "share-record-sd/1"], "always salted"),
    "schema of a file": (["{schema}", "--open", "--schema", "{schema}"], "neither --schema"),
    "another form": (["{table}", "--open", "--form", "xml"], "csv, jsonl, parquet or arrow"),
    "another format": (["{table}", "--open", "--format", "share-record/9"], "share-record/1"),
    "not parquet": (["{table}", "--open", "--form", "parquet"], "not Parquet"),
    "key for address": (["--url-file", "-", "--key-file", "-"], "cannot hold both"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(console: Console, table: str, schema: str, key_file: str, case: str) -> None:
    arguments, expected = REFUSED[case]
    named = [each.format(table=table, key=key_file, schema=schema) for each in arguments]
    told = console("fingerprint", *named, "--json")
    assert told.code == 2
    assert expected in told.value["error"]["detail"]


def test_a_cell_is_refused_by_file_row_and_column(console: Console, tmp_path: Path, schema: str) -> None:
    (tmp_path / "bad.csv").write_text("code,name,n\na,b,1\na,b,+341502\n")
    told = console("fingerprint", str(tmp_path / "bad.csv"), "--schema", schema, "--open", "--json")
    facts = told.value["error"]["facts"]
    assert (told.code, facts["file"], facts["row"], facts["column"]) == (2, "bad.csv", 3, "n")
    assert "341502" not in told.out + told.err


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "ÿ" * 32, "0" * 5000])
def test_a_key_that_is_none_is_not_repeated(
    console: Console, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    file = tmp_path / "bad-key"
    file.write_text(text)
    file.chmod(0o600)
    for name in (str(file), "-"):
        given(monkeypatch, text)
        told = console("fingerprint", table, "--key-file", name, "--json")
        assert told.value["error"]["code"] == "invalid-option"
        assert not text or text[:20] not in told.out + told.err


def test_a_key_file_others_may_read_is_spoken_of(console: Console, table: str, key_file: str) -> None:
    quiet = console("fingerprint", table, "--key-file", key_file, "--json")
    Path(key_file).chmod(0o644)
    told = console("fingerprint", table, "--key-file", key_file, "--json")
    assert "chmod 600" in told.err and "chmod 600" not in quiet.err
    assert told.code == 0 and told.value["root"] == quiet.value["root"]


def test_a_password_comes_from_a_file_and_is_never_shown(console: Console, tmp_path: Path) -> None:
    query = ["--query", "SELECT 1 AS a", "--order-by", "a", "--open", "--json"]
    url = "postgresql://someone:s3cret@localhost:1/none"
    told = console("fingerprint", url, *query)
    assert "password on the command line" in told.value["error"]["detail"]
    file = tmp_path / "url"
    file.write_text(url)
    file.chmod(0o600)
    schema = tmp_path / "s.json"
    schema.write_text('{"columns": [{"name": "a"}]}')
    asked = console("fingerprint", "--url-file", str(file), "--schema", str(schema), *query)
    assert (asked.code, asked.value["error"]["code"]) == (2, "invalid-table")
    assert "s3cret" not in told.out + told.err + asked.out + asked.err


PROBE = """
import os, signal, sys
from ledger.cli.main import run
from ledger.services import resuming

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born with it ignored
left = int(sys.argv[1])
write = resuming.Note.write

def killed(note, begun, bookmark):
    global left
    write(note, begun, bookmark)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))

resuming.Note.write = killed
resuming.Note.due = lambda note: True
sys.exit(run(sys.argv[3:]))
"""


def probe(writes: int, way: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROBE, str(writes), way, "fingerprint", *arguments, "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def notes(tmp_path: Path) -> list[Path]:
    return [file for file in (tmp_path / "state").rglob("*") if file.is_file()]


def large(file: Path, form: str, rows: int = 400_000) -> None:
    if form == "csv":
        file.write_text("a,b\n" + "".join(f"{at},金{at % 97}\n" for at in range(rows)), encoding="utf-8")
    elif form == "gb18030":
        file.write_text("a,b\n" + "".join(f"{at},金{at % 97}\n" for at in range(rows)), encoding="gb18030")
    elif form == "jsonl":
        file.write_text("".join(f'{{"a": "{at}", "b": "金{at % 97}"}}\n' for at in range(rows)), encoding="utf-8")
    else:
        columns = pa.table({"a": [str(at) for at in range(rows)], "b": [f"金{at % 97}" for at in range(rows)]})
        pq.write_table(columns, file, row_group_size=70_000)


@pytest.mark.parametrize("form", ["csv", "gb18030", "jsonl", "parquet"])
def test_after_a_kill_it_goes_on_where_it_stopped(tmp_path: Path, key_file: str, form: str) -> None:
    file = tmp_path / ("t.csv" if form == "gb18030" else f"t.{form}")
    large(file, form)
    (tmp_path / "s.json").write_text('{"columns": [{"name": "a"}, {"name": "b"}]}')
    options = [str(file), "--schema", str(tmp_path / "s.json"), "--key-file", key_file, "--twin"]
    options += ["--encoding", "gb18030"] if form == "gb18030" else []
    killed = probe(3, "SIGKILL", *options)
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "")
    [note] = notes(tmp_path)
    assert KEY not in note.read_bytes()
    assert note.stat().st_mode & 0o077 == 0
    went_on = probe(0, "SIGKILL", *options)
    assert "going on at record" in went_on.stderr
    assert int(went_on.stderr.split("record ")[1].split(",", 1)[0]) > 0
    assert notes(tmp_path) == []
    whole = probe(0, "SIGKILL", *options, "--no-resume")
    assert "going on" not in whole.stderr
    without = [
        {key: value for key, value in json.loads(each.stdout).items() if key != "seconds"} for each in (whole, went_on)
    ]
    assert without[0] == without[1]
    assert without[0]["records"] == 400_000


def test_a_file_that_is_no_table_goes_on_too(tmp_path: Path, key_file: str) -> None:
    file = tmp_path / "film.mp4"
    with file.open("wb") as out:
        out.truncate(600 * MEBIBYTE)
        out.seek(300 * MEBIBYTE)
        out.write(os.urandom(MEBIBYTE))
    killed = probe(1, "SIGKILL", str(file), "--key-file", key_file)
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "")
    went_on = probe(0, "SIGKILL", str(file), "--key-file", key_file)
    assert "going on at record 256" in went_on.stderr
    assert json.loads(went_on.stdout)["root"] == fingerprint_file(file, KEYS)[0].root.hex()


def test_what_an_earlier_run_read_is_not_read_again(
    console: Console, tmp_path: Path, key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.csv"
    large(file, "csv")
    probe(4, "SIGKILL", str(file), "--key-file", key_file)
    seen: list[int] = []
    batches = CsvSource.batches

    def counted(self: CsvSource, schema: Schema, first: int = 0) -> Any:
        for batch in batches(self, schema, first):
            seen.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(CsvSource, "batches", counted)
    told = console("fingerprint", str(file), "--key-file", key_file, "--json")
    assert told.value["records"] == 400_000
    assert 0 < sum(seen) < 200_000


def test_a_note_of_another_file_key_or_table_is_not_believed(console: Console, tmp_path: Path, key_file: str) -> None:
    file, note = tmp_path / "t.csv", tmp_path / "note"
    large(file, "csv", 200_000)
    options = [str(file), "--key-file", key_file, "--resume-file", str(note)]
    other = tmp_path / "other"
    other.write_text("11" * 32)
    other.chmod(0o600)
    right, _ = fingerprint_table(CsvSource(file), Schema.text(["a", "b"]), KEYS)

    def begun() -> None:
        assert probe(2, "SIGKILL", *options).returncode == -signal.SIGKILL
        assert note.exists()

    begun()
    told = console("fingerprint", str(file), "--key-file", str(other), "--resume-file", str(note), "--json")
    assert "starting anew" in told.err
    assert told.value["root"] != right.root.hex()
    begun()
    bent = bytearray(note.read_bytes())
    bent[-1] ^= 1
    note.write_bytes(bent)
    told = console("fingerprint", *options, "--json")
    assert "starting anew" in told.err
    assert told.value["root"] == right.root.hex()
    begun()
    content = file.read_bytes()
    file.write_bytes(content.replace(b"0,", b"7,", 1))
    told = console("fingerprint", *options, "--json")
    assert "starting anew" in told.err
    assert told.value["root"] != right.root.hex()
    for bad in (b"", b"share-resume/1\n", os.urandom(100)):
        note.write_bytes(bad)
        file.write_bytes(content)
        assert console("fingerprint", *options, "--json").value["root"] == right.root.hex()


def test_a_file_that_changes_while_it_is_read_is_refused(
    console: Console, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = CsvSource.batches

    def changing(self: CsvSource, schema: Schema, first: int = 0) -> Any:
        yield from batches(self, schema, first)
        Path(table).write_text(ROWS + "x,y,1\n")

    monkeypatch.setattr(CsvSource, "batches", changing)
    told = console("fingerprint", table, "--open", "--json")
    assert (told.code, "was changed" in told.value["error"]["detail"]) == (2, True)


def test_interrupted_it_prints_nothing_and_its_note_is_whole(tmp_path: Path, key_file: str) -> None:
    file = tmp_path / "t.csv"
    large(file, "csv")
    stopped = probe(3, "SIGINT", str(file), "--key-file", key_file)
    assert (stopped.returncode, stopped.stdout) == (130, "")
    assert "Stopped." in stopped.stderr
    [note] = notes(tmp_path)
    went_on = probe(0, "SIGINT", str(file), "--key-file", key_file)
    assert "going on at record" in went_on.stderr
    assert not note.exists()


GROWING = """
import os, sys, time
with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write("a,b,c\\n")
    part = "".join(f"34150219800101{at % 10000:04d},金安区某某街道{at % 97},{at}\\n" for at in range(50_000))
    for _ in range(int(sys.argv[2])):
        out.write(part)
"""


CONVERTING = """
import sys, pyarrow as pa, pyarrow.csv, pyarrow.parquet
table = pa.csv.read_csv(sys.argv[1])
if sys.argv[2].endswith("parquet"):
    pa.parquet.write_table(table, sys.argv[2], row_group_size=1 << 30)
else:
    with pa.ipc.new_file(sys.argv[2], table.schema) as writer:
        writer.write_table(table.combine_chunks())
"""


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_memory_does_not_grow_with_the_table(tmp_path: Path, key_file: str, form: str) -> None:
    csv = tmp_path / "t.csv"
    subprocess.run([sys.executable, "-c", GROWING, str(csv), "120"], check=True)  # 6 M records, some 400 MB
    file = csv
    if form != "csv":
        file = tmp_path / f"t.{form}"
        subprocess.run([sys.executable, "-c", CONVERTING, str(csv), str(file)], check=True)
    command = [sys.executable, "-m", "ledger.cli.main", "fingerprint", str(file), "--key-file", key_file, "--json"]
    command[1:3] = ["-c", "from ledger.cli.main import main; main()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        most = watched(child)
        told = json.loads(child.stdout.read() if child.stdout else "")
    assert told["records"] == 6_000_000
    assert most < 450 * MEBIBYTE, most >> 20


def watched(child: "subprocess.Popen[str]") -> int:
    """The most memory the process and its children ever held, looked at all the time."""
    process, most = psutil.Process(child.pid), 0
    while child.poll() is None:
        try:
            each = [process, *process.children(recursive=True)]
            most = max(most, sum(one.memory_info().rss for one in each))
        except psutil.Error:
            break
        child_ended = psutil.wait_procs([process], timeout=0.02)[0]
        if child_ended:
            break
    return most


def test_progress_in_a_log_names_pace_rest_and_engine(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from ledger.cli import pace
    from ledger.cli.output import Output

    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(pace, "REPEATED", 0.0)
    for lang in ("en", "zh"):
        for first, rate in ((0, "25,000"), (40_000, "5,000")):  # records of an earlier run are no part of the pace
            done = [0]
            out = Output(as_json=False, lang=lang)  # type: ignore[arg-type]
            with pace.Pace(out, "x", 4_000_000, lambda done=done: done[0], first=first) as told:  # type: ignore[misc]
                told.records(first)
                clock[0] += 2
                done[0] = 1_000_000
                told.records(50_000)
            line = capsys.readouterr().err.splitlines()[-1]
            for part in ("50,000", rate, "1.0 MB", "4.0 MB", "500.0 kB/s", " 6 "):
                assert part in line, (part, line)
            assert line.endswith(("sha-ni", "vectors", "hashlib"))
