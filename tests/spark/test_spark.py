"""Spark, running for real on several processes, gives the roots that one machine gives, or refuses."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from ledger.errors import InvalidInput, InvalidTable, Shredded
from ledger.fingerprint import (
    RECORD_SD,
    ArrowSource,
    Column,
    Fingerprint,
    Manifest,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    fingerprint_table,
)
from ledger.fingerprint import spark as engine
from ledger.fingerprint.spark import fingerprint_dataframe, frame_schema

pytestmark = pytest.mark.needs("java")
ROOT = Path(__file__).parents[2]
CHUNK = 1 << 16
KEY = bytes(range(32))
KEYS = SegmentKeys([Segment(0, KEY)])
TWO_SEGMENTS = SegmentKeys([Segment(0, KEY), Segment(CHUNK, KEY[::-1])])
SCHEMA = Schema((Column("id", "integer"), Column("name")))


def numbered(spark: Any, count: int) -> Any:
    """Records (id, name), in no order."""
    return spark.range(count).selectExpr("id", "concat('户', id) as name").repartition(3, "name")


def on_one_machine(count: int, keys: SegmentKeys | None, **options: Any) -> tuple[Fingerprint, Manifest]:
    rows = ((number, f"户{number}") for number in range(count))
    return fingerprint_table(RowsSource(list(rows)), SCHEMA, keys, **options)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, int]]:
    """The rows of each partition that had any, run by run."""
    seen: list[dict[int, int]] = []
    count = engine._counts
    monkeypatch.setattr(engine, "_counts", lambda rows: seen.append(count(rows)) or seen[-1])
    return seen


def test_executors_are_processes_of_their_own_and_listen_on_loopback_only(spark: Any) -> None:
    def whose(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            java = next(each for each in psutil.Process().parents() if each.name() == "java")
            yield pa.RecordBatch.from_pydict({"pid": [java.pid]})

    pids = {row["pid"] for row in spark.range(0, 40_000, 1, 4).mapInArrow(whose, "pid bigint").collect()}
    driver = spark.sparkContext._gateway.proc.pid
    assert len(pids) == 2 and driver not in pids and os.getpid() not in pids
    for process in [psutil.Process(driver), *psutil.Process(driver).children(recursive=True)]:
        places = {each.laddr.ip.removeprefix("::ffff:") for each in process.net_connections() if each.laddr}
        assert places <= {"127.0.0.1", "::1"}, process.name()


def test_the_two_roots_the_format_prints(spark: Any) -> None:
    """In the order of a column of numbers that is no part of the table."""
    rows = [(1, "341503", None, -20), (0, "341502", "金安区", 1), (2, "", "叶集区", 0)]
    frame = spark.createDataFrame(rows, "line int, code string, name string, n int")
    schema = Schema((Column("code"), Column("name"), Column("n", "integer")))
    assert frame_schema(frame, without=["line"]) == schema
    for keys, root in (
        (None, "8c52c7da6938aa2745bb1795e8c9e857ca02d3c0084c66408bd6b459e8b2bca0"),
        (KEYS, "f10e7f7b937047a4b5b2162533340a1e10651a8bccd0b50498e641329484f581"),
    ):
        found, manifest = fingerprint_dataframe(frame, schema, keys, order_by=["line"])
        assert found.root.hex() == root and manifest.matches(found)


@pytest.mark.parametrize(
    ("count", "partitions"),
    [(0, 2), (1, 7), (300, 64), (CHUNK, 1), (CHUNK + 1, 7), (200_000, 2)],
)
def test_the_same_root_however_it_is_partitioned(
    spark: Any, counted: list[dict[int, int]], count: int, partitions: int
) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    found = fingerprint_dataframe(numbered(spark, count), SCHEMA, TWO_SEGMENTS, order_by=["id"])
    assert found == on_one_machine(count, TWO_SEGMENTS)
    assert len(counted[0]) == min(count, partitions) and sum(counted[0].values()) == count


def test_a_skewed_partitioning_with_empty_partitions(spark: Any, counted: list[dict[int, int]]) -> None:
    frame = numbered(spark, 5000).selectExpr("id", "name", "if(id < 4900, 0, id div 50) as part")
    frame = frame.repartitionByRange(9, "part")
    found = fingerprint_dataframe(frame, SCHEMA, None, order_by=["part", "id"])
    assert found == on_one_machine(5000, None)
    assert sorted(counted[0].values()) == [50, 50, 4900]


def test_column_wise_disclosure_with_a_twin_root(spark: Any) -> None:
    options = {"format": RECORD_SD, "twin": True}
    found = fingerprint_dataframe(numbered(spark, 1000), SCHEMA, KEYS, order_by=["id"], **options)
    assert found == on_one_machine(1000, KEYS, **options)


def test_every_type_in_whatever_time_zone_the_session_is(spark: Any, tmp_path: Path) -> None:
    moments = [0, -1, 1_700_000_000_123_456, None]
    table = pa.table(
        {
            "n": pa.array([4, 3, 2, 1], pa.int16()),
            "money": pa.array([Decimal("1.50"), Decimal("-0.01"), None, Decimal("99999999.99")], pa.decimal128(18, 2)),
            "ratio": pa.array([1.5, -0.0, 1e300, None], pa.float64()),
            "small": pa.array([0.1, None, 3.0, -2.5], pa.float32()),
            "open": pa.array([True, False, None, True]),
            "born": pa.array([date(1970, 1, 1), date(1, 1, 1), date(9999, 12, 31), None]),
            "seen": pa.array(moments, pa.timestamp("us", "UTC")),
            "local": pa.array(moments, pa.timestamp("us")),
            "scan": pa.array([b"", b"\xff\x00", None, b"x"], pa.binary()),
        }
    )
    file = tmp_path / "table.arrow"
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.sort_by("n"))
    source = ArrowSource(file)
    schema = source.schema()
    zoned = Schema(tuple(each for each in schema.columns if each.name != "local"))
    types = ", ".join(f"{name} {kind}" for name, kind in spark.createDataFrame(table).dtypes)
    types = types.replace("local timestamp", "local timestamp_ntz")
    with pytest.raises(InvalidTable, match=r"row 2, column 'local' \(timestamp\)"):
        fingerprint_dataframe(spark.createDataFrame(table, types), schema, None, order_by=["n"])
    for zone in ("Asia/Shanghai", "America/New_York"):
        spark.conf.set("spark.sql.session.timeZone", zone)
        frame = spark.createDataFrame(table, types)
        assert frame_schema(frame) == schema
        found, _ = fingerprint_dataframe(frame, schema, KEYS, order_by=["n"], zone_offset="+08:00")
        wanted = RowsSource([tuple(row.values()) for row in table.sort_by("n").to_pylist()], zone_offset="+08:00")
        assert found == fingerprint_table(wanted, schema, KEYS)[0]
    found, _ = fingerprint_dataframe(frame.drop("local"), zoned, None, order_by=["n"])
    with pa.ipc.new_file(file, table.drop("local").schema) as writer:
        writer.write_table(table.drop("local").sort_by("n"))
    assert found == fingerprint_table(ArrowSource(file), zoned, None)[0]


def test_names_that_mean_something_to_spark(spark: Any) -> None:
    frame = spark.createDataFrame([(2, "b", 1), (1, "a", 2)], ["a.b", "NAME", "`name`"])
    schema = Schema((Column("NAME"), Column("a.b", "integer"), Column("`name`", "integer")))
    found, _ = fingerprint_dataframe(frame, schema, None, order_by=["a.b"])
    rows = RowsSource([("a", 1, 2), ("b", 2, 1)])
    assert found == fingerprint_table(rows, schema, None)[0]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_what_the_readme_shows(
    spark: Any, page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = re.search(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert shown
    rows = [("341502199001011234", "甲"), ("34150219850203002X", "乙")]
    columns = ["id_number", "name"]
    spark.createDataFrame(rows, columns).write.parquet(str(tmp_path / "population.parquet"))
    names: dict[str, Any] = {}
    monkeypatch.setattr("ledger.fingerprint.SegmentKeys.fresh", classmethod(lambda cls: KEYS))
    real = type(spark.read).parquet
    monkeypatch.setattr(type(spark.read), "parquet", lambda read, path: real(read, str(tmp_path / path)))
    exec(compile(shown[1], page, "exec"), names)
    found, _ = fingerprint_table(RowsSource(sorted(rows)), Schema.text(columns), KEYS)
    assert names["fingerprint"] == found and found.root.hex() in capsys.readouterr().out


# ---- refusals --------------------------------------------------------------------------------------------------------


def refused(frame: Any, schema: Schema = SCHEMA, keys: SegmentKeys | None = None, **options: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        fingerprint_dataframe(frame, schema, keys, **{"order_by": ["id"], **options})
    return caught.value


def test_what_is_refused_before_any_work(spark: Any) -> None:
    frame = spark.sql("select 1L as id, 'a' as name")
    before = spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()
    for order in ([], "id", ["id", "id"]):
        assert refused(frame, order_by=order).facts == {"option": "order_by"}
    assert refused(frame, order_by=["number"]).facts["missing"] == ["number"]
    assert refused(frame, Schema.text(["id"])).facts["extra"] == ["name"]
    assert refused(frame.selectExpr("id", "name", "name")).facts["doubled"] == ["name"]
    assert refused(frame, Schema.text(["id", "name"])).facts["column"] == "id"
    assert "nested (array<int>)" in refused(frame.selectExpr("id", "array(1) as name")).detail
    assert "no table has (interval" in refused(frame.selectExpr("id", "interval '1' day as name")).detail
    for key in ("1.5d", "'a' collate UTF8_LCASE"):
        assert refused(frame.selectExpr(f"{key} as id", "name")).facts["column"] == "id"
    assert "share-record-sd/1" in refused(frame, format=RECORD_SD).detail
    assert "zone names" in refused(frame, zone_offset="Asia/Shanghai").detail
    assert "Connect" in refused(object()).detail
    assert spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs() == before


def test_the_first_bad_cell_is_named(spark: Any) -> None:
    names = "case id when 700 then cast(X'ff' as string) when 300 then cast(X'e8' as string) else 'a' end as name"
    facts = refused(spark.range(1000).selectExpr("id", names), keys=KEYS).facts
    assert facts == {"file": "frame", "row": 301, "record": 300, "column": "name"}


def test_a_key_that_is_null_or_of_two_records(spark: Any) -> None:
    frame = numbered(spark, 1000)
    found = refused(frame.unionAll(frame.where("id = 600")), name="户籍")
    assert found.facts == {"file": "户籍", "row": 602, "record": 601, "order": ["id"]}
    found = refused(frame.selectExpr("nullif(id, 3) as id", "name"))
    assert found.facts == {"file": "frame", "row": 1, "record": 0, "column": "id"}


def test_a_segment_whose_key_is_gone(spark: Any) -> None:
    shredded = SegmentKeys([Segment(0, KEY)], gone=[CHUNK])
    with pytest.raises(Shredded):
        fingerprint_dataframe(numbered(spark, CHUNK + 1), SCHEMA, shredded, order_by=["id"])


def test_a_partition_that_told_another_number_of_rows(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    count = engine._counts
    monkeypatch.setattr(engine, "_counts", lambda rows: count(rows) | {1: 3})
    assert "other rows when they were read again" in refused(numbered(spark, 1000)).detail


def test_a_table_that_reads_differently_each_time(spark: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What Spark kept of the first pass is lost, and the second one reads the source again, which has grown."""
    source = tmp_path / "rows"
    source.write_text("1000")

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            ids = list(range(int(source.read_text())))
            yield pa.RecordBatch.from_pydict({"id": ids, "name": [f"户{number}" for number in ids]})

    frame = spark.range(1).mapInArrow(rows, "id bigint, name string")
    assert fingerprint_dataframe(frame, SCHEMA, None, order_by=["id"]) == on_one_machine(1000, None)
    count = engine._counts

    def forgetful(kept: Any) -> dict[int, int]:
        counts = count(kept)
        kept.unpersist(blocking=True)
        source.write_text("1001")
        return counts

    monkeypatch.setattr(engine, "_counts", forgetful)
    assert "other rows when they were read again" in refused(frame).detail


# ---- on several machines ---------------------------------------------------------------------------------------------


def test_an_executor_that_dies_in_the_middle(spark: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What it had kept and what it was at are lost; Spark works them out again elsewhere."""
    died, work = tmp_path / "died", engine._work

    def dying(batches: Iterator[pa.RecordBatch], *told: Any) -> Iterator[pa.RecordBatch]:
        first = next(batches)
        if not died.exists():
            died.touch()
            java = next(each for each in psutil.Process().parents() if each.name() == "java")
            os.kill(java.pid, signal.SIGKILL)
        yield from work(iter([first, *batches]), *told)

    monkeypatch.setattr(engine, "_work", dying)
    spark.conf.set("spark.sql.shuffle.partitions", 8)
    found = fingerprint_dataframe(numbered(spark, 100_000), SCHEMA, TWO_SEGMENTS, order_by=["id"])
    assert died.exists() and found == on_one_machine(100_000, TWO_SEGMENTS)


def holding(folder: Path, key: bytes) -> list[Path]:
    """The files in which the key stands. Spark takes away files of its own at any time."""
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            content = path.read_bytes() if path.is_file() and "jars" not in path.parts else b""
            if key in content or key.hex().encode() in content:
                found.append(path)
    return found


def test_keys_travel_beside_the_plan_and_stay_nowhere(
    spark: Any, spark_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspark import Broadcast, cloudpickle
    from pyspark.sql.classic.dataframe import DataFrame

    key = b"sixteen bytes of and 16 of these"
    plans: list[bytes] = []
    travelling: list[Path] = []
    map_in_arrow, destroy = DataFrame.mapInArrow, Broadcast.destroy

    def seen(frame: Any, work: Any, *rest: Any) -> Any:
        made = map_in_arrow(frame, work, *rest)
        plans.append(made._jdf.queryExecution().toString().encode())
        plans.append(cloudpickle.dumps(work))
        return made

    def destroyed(broadcast: Any, blocking: bool = False) -> None:
        travelling.extend(holding(spark_home, key))
        destroy(broadcast, blocking)

    monkeypatch.setattr(DataFrame, "mapInArrow", seen)
    monkeypatch.setattr(Broadcast, "destroy", destroyed)
    keys = SegmentKeys([Segment(0, key)])
    found = fingerprint_dataframe(numbered(spark, 1000), SCHEMA, keys, order_by=["id"])
    assert found == on_one_machine(1000, keys)
    assert len(plans) == 2 and all(key not in plan and key.hex().encode() not in plan for plan in plans)
    assert travelling and not holding(spark_home, key)
