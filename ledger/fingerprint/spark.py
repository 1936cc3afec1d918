"""The fingerprint of a table too large for one machine, worked out by Apache Spark: the same root.

Spark sorts the rows by a unique key and keeps them so sorted; a first pass counts the rows of each partition, which
gives every record its number, and a second one reduces each partition to a stretch of the tree. The driver joins the
stretches: it holds an eighth of a byte for each record. What cannot be taken on trust is checked: the second pass has
to find as many rows as the first one, in an order in which every key is greater than the one before it, within each
partition and across them. So a table that reads differently each time is refused, not fingerprinted somehow.

Needs the extra `spark`, Java 17 or later, and this package on every executor. Segment keys reach the executors in a
broadcast: they stand in no plan and no log, and while it runs lie on the disks of driver and executors, as the rows do
that Spark sorts. `spark.io.encryption.enabled` and `spark.network.crypto.enabled` protect both. At the end, failed or
not, the broadcast is destroyed and its files with it.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ledger.errors import InvalidInput, InvalidTable, ShareLedgerError
from ledger.fingerprint.arrow_columns import declared_schema
from ledger.fingerprint.fingerprint import RECORD, Fingerprint
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.merkle import sha256, sm3
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import match_columns
from ledger.fingerprint.stretch import COLUMNS, Reading, Stretch, check_ends, row_of, stretch_from, stretch_of
from ledger.fingerprint.tile_builder import TileBuilder

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_TYPES: Final = {
    "string": pa.string(),
    "char": pa.string(),
    "varchar": pa.string(),
    "binary": pa.binary(),
    "boolean": pa.bool_(),
    "byte": pa.int8(),
    "short": pa.int16(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
    "void": pa.null(),
}
"""What Spark's types are in Arrow. A timestamp is a moment whatever the session's time zone, one "ntz" has no zone."""
_NO_KEYS: Final = ("float", "double", "void")
_PLAIN_COLLATION: Final = "UTF8_BINARY"


def fingerprint_dataframe(
    frame: "DataFrame",
    schema: Schema,
    keys: SegmentKeys | None,
    *,
    order_by: Sequence[str],
    format: str = RECORD,
    twin: bool = False,
    zone_offset: str | None = None,
    name: str = "frame",
) -> tuple[Fingerprint, Manifest]:
    """What `fingerprint_table` gives for the rows of `frame` in ascending order of the columns `order_by`.

    Together these differ in every row and are never null: a primary key, or a column of record numbers. They need not
    be columns of the table: those that are not order it and are no part of it. Texts are ordered by their bytes.
    `keys` None means an open table, `twin` adds the SM3 root, `zone_offset` is that of timestamps without a zone, and
    `name` is for messages. The sorted rows are kept in the executors' memory and on their disks until it is done.

    Raises:
        InvalidTable: a row the schema refuses, naming row and column (of several the first); columns that are not the
            schema's, or nested; a key that is null or of two rows; a table that reads differently each time.
        InvalidInput: share-record-sd/1 without keys; no key to order by, or one of floats or of a collation of its own;
            a session of Spark Connect.
        Shredded: the key of a segment is gone.
        TooLarge: a record over the limit.
        PySparkException, Py4JJavaError: Spark itself failed.
    """
    rule = LeafRule(format, keys)
    reading = _reading(frame, schema, order_by, zone_offset, name)
    rows = _sorted(frame, reading)
    rows.persist()
    try:
        counts = _counts(rows)
        stretches = _stretches(rows, counts, reading, rule, twin)
    finally:
        rows.unpersist()
    check_ends(stretches, reading)
    trees = [TileBuilder(function) for function in _functions(twin)]
    for stretch in stretches:
        for tree, run in zip(trees, stretch.runs, strict=True):
            tree.add(run)
    manifest = Manifest(trees[0].size, trees[0].tiles())
    twin_root = trees[1].root() if twin else None
    salted = keys is not None
    fingerprint = Fingerprint(format, salted, schema.digest(), manifest.root, manifest.records, twin_root=twin_root)
    return fingerprint, manifest


def frame_schema(frame: "DataFrame", *, without: Sequence[str] = (), name: str = "frame") -> Schema:
    """The schema that a frame's own types declare, without the columns `without`. Raises InvalidTable, TooLarge."""
    return declared_schema(pa.schema([field for field in _fields(frame, name) if field.name not in without]), name)


# ---- what is asked, checked before any work --------------------------------------------------------------------------


def _reading(frame: "DataFrame", schema: Schema, order: Sequence[str], zone_offset: str | None, name: str) -> Reading:
    from pyspark.sql.classic.dataframe import DataFrame as Classic

    if not isinstance(frame, Classic):
        raise InvalidInput(
            "A frame of Spark Connect has no broadcasts to carry keys in.",
            remedy="Run this in the driver of a classic session, by spark-submit for one.",
        )
    fields = _fields(frame, name)
    if not order or isinstance(order, str) or len(set(order)) < len(order):
        raise InvalidInput("A frame needs the columns of a unique key to be ordered by.", option="order_by")
    beside = [column for column in order if column not in schema.names]
    names = [*schema.names, *beside]
    match_columns([field.name for field in fields], Schema.text(names), name)
    for field in frame.schema.fields:
        if field.name in order:
            _check_key(field)
    reading = Reading(schema, tuple(order), tuple(names.index(column) for column in order), name, zone_offset)
    by_name = {field.name: field for field in fields}
    found = pa.schema([by_name[column] for column in schema.names])
    reading.fitting(found)
    reading.encoder().encode(pa.RecordBatch.from_pylist([], schema=found), 0)
    return reading


def _check_key(field: Any) -> None:
    kind = field.dataType.typeName()
    if kind in _NO_KEYS or getattr(field.dataType, "collation", _PLAIN_COLLATION) != _PLAIN_COLLATION:
        raise InvalidInput(
            f"Column {field.name!r} ({field.dataType.simpleString()}) cannot be ordered by: which of two such values "
            "comes first is not certain.",
            remedy="Order by numbers, texts of the collation UTF8_BINARY, binary, dates or timestamps.",
            option="order_by",
            column=field.name,
        )


def _fields(frame: "DataFrame", name: str) -> list[pa.Field]:
    return [pa.field(field.name, _arrow(field, name)) for field in frame.schema.fields]


def _arrow(field: Any, name: str) -> pa.DataType:
    kind = field.dataType.typeName()
    if kind == "decimal":
        return pa.decimal128(field.dataType.precision, field.dataType.scale)
    if kind in _TYPES:
        return _TYPES[kind]
    what = "is nested" if kind in ("array", "map", "struct") else "is of a type that no table has"
    raise InvalidTable(
        f"{name}, column {field.name!r}: it {what} ({field.dataType.simpleString()[:60]}).",
        remedy="Leave the column out, or write it as text, numbers, dates, timestamps or binary.",
        file=name,
        column=field.name,
    )


# ---- the two passes --------------------------------------------------------------------------------------------------


def _sorted(frame: "DataFrame", reading: Reading) -> "DataFrame":
    """The rows in order, the table's columns first; columns are called by place, which no case or quote can confuse."""
    wanted = [*reading.schema.names, *(column for column in reading.order if column not in reading.schema.names)]
    places = [frame.columns.index(column) for column in wanted]
    by_place = frame.toDF(*(f"c{at}" for at in range(len(wanted)))).select(*(f"c{at}" for at in places))
    return by_place.orderBy(*(f"c{places[at]}" for at in reading.keys))


def _counts(rows: "DataFrame") -> dict[int, int]:
    """The number of rows of each partition that has any."""
    from pyspark.sql import functions

    counted = rows.groupBy(functions.spark_partition_id().alias("part")).count().collect()
    return {row["part"]: row["count"] for row in sorted(counted, key=lambda row: row["part"])}


def _stretches(
    rows: "DataFrame", counts: dict[int, int], reading: Reading, rule: LeafRule, twin: bool
) -> list[Stretch]:
    """The stretch of each partition, in order. Raises the refusal of the first record that was refused."""
    firsts = dict(zip(counts, accumulate(counts.values(), initial=0), strict=False))
    keys = None if rule.keys is None else (rule.keys.to_bytes(), rule.keys.gone)
    broadcast = rows.sparkSession.sparkContext.broadcast((firsts, keys))
    format = rule.format
    try:
        found = rows.mapInArrow(lambda batches: _work(batches, broadcast, reading, format, twin), COLUMNS).collect()
    finally:
        broadcast.destroy(blocking=True)
    read = [stretch_from(row) for row in found]
    if refusals := [each for each in read if isinstance(each, ShareLedgerError)]:
        raise min(refusals, key=lambda refusal: refusal.facts.get("record", -1))
    stretches = sorted((each for each in read if isinstance(each, Stretch)), key=lambda stretch: stretch.first)
    if [(each.first, each.records) for each in stretches] != [(firsts[part], counts[part]) for part in counts]:
        raise InvalidTable(
            f"{reading.name}: its partitions had other rows when they were read again.",
            remedy="Write the table to Parquet first and fingerprint what was written.",
            file=reading.name,
        )
    return stretches


def _work(
    batches: Iterator[pa.RecordBatch], broadcast: Any, reading: Reading, format: str, twin: bool
) -> Iterator[pa.RecordBatch]:
    """In an executor: one partition's stretch as a row, or the refusal of a row in it; nothing of an empty one."""
    from pyspark import TaskContext

    firsts, keys = broadcast.value
    known = None if keys is None else SegmentKeys.from_bytes(keys[0], gone=keys[1])
    first = firsts.get(TaskContext.get().partitionId(), 0)
    try:
        stretch = stretch_of(batches, first, reading, LeafRule(format, known), _functions(twin))
    except ShareLedgerError as refusal:
        yield row_of(refusal)
    else:
        if stretch.records:
            yield row_of(stretch)


def _functions(twin: bool) -> tuple[Any, ...]:
    return (sha256, sm3) if twin else (sha256,)
