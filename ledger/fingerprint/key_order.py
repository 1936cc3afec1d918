"""Rows in the order of a key that is in no row twice: judged by the rows themselves, not by whoever sorted them."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ledger.errors import InvalidTable


def out_of_order(keys: pa.RecordBatch) -> int | None:
    """The first row whose key is not greater than that of the row before it; None if there is none.

    Keys are compared column by column: numbers, moments and truth values as such, texts and binary by their bytes.
    There are no nulls in them.
    """
    last = keys.num_rows - 1
    if last < 1:
        return None
    greater: pa.Array | None = None
    for column in reversed(keys.columns):
        later, earlier = column.slice(1), column.slice(0, last)
        above = pc.greater(later, earlier)
        greater = above if greater is None else pc.or_(above, pc.and_(pc.equal(later, earlier), greater))
    at = pc.index(greater, pa.scalar(False)).as_py()
    return None if at < 0 else at + 1


def check_order(keys: pa.RecordBatch, record: int, order: Sequence[str], name: str) -> None:
    """`keys` are those of the records from number `record` on, in columns named `order`.

    Raises InvalidTable, with the facts file, row, record, order: a null in a key; a key of two records; records that
    are not in order.
    """
    for column, declared in zip(keys.columns, order, strict=True):
        if column.null_count:
            at = record + pc.index(pc.is_null(column), pa.scalar(True)).as_py()
            raise InvalidTable(
                f"{name}, row {at + 1}, column {declared!r}: a null in the key: its place is not certain.",
                remedy="Order by columns that have no nulls.",
                file=name,
                row=at + 1,
                record=at,
                column=declared,
            )
    place = out_of_order(keys)
    if place is None:
        return
    at = record + place
    if all(column[place].equals(column[place - 1]) for column in keys.columns):
        said = f"has the same {', '.join(map(repr, order))} as the row before"
        remedy = "Order by columns that together differ in every row, like a primary key."
    else:
        said = "comes before the row before"
        remedy = "Write the table to Parquet first and fingerprint that: this one differs from reading to reading."
    raise InvalidTable(
        f"{name}, row {at + 1}: it {said}: the order is not certain.",
        remedy=remedy,
        file=name,
        row=at + 1,
        record=at,
        order=list(order),
    )
