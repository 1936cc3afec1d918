"""A query with an order: what is sent to a database so that the same records come in the same order every time.

The database itself judges whether two keys are equal, by its own collation: keys that tie under its order are refused
even where their bytes differ, since rows that tie may come in any order.
"""

from collections.abc import Callable, Sequence

from ledger.errors import InvalidInput, InvalidTable

Quote = Callable[[str], str]


def double_quoted(name: str) -> str:
    """An identifier of standard SQL."""
    return '"' + name.replace('"', '""') + '"'


def ordered(query: str, order: Sequence[str], quote: Quote = double_quoted) -> str:
    """All rows of the query, by the columns of the key. Raises InvalidInput if there is no query or no key."""
    inner = _inner(query)
    keys = _keys(order, quote)
    return "\n".join(("SELECT * FROM (", inner, ") AS asked ORDER BY " + keys))


def tied(query: str, order: Sequence[str], quote: Quote = double_quoted) -> str:
    """One row with the number 1 if any two rows of the query share a key, else none. Raises InvalidInput."""
    keys = _keys(order, quote)
    grouped = ("SELECT 1 AS tied FROM (", _inner(query), ") AS asked GROUP BY " + keys + " HAVING COUNT(*) > 1")
    return "\n".join(("SELECT MIN(tied) FROM (", *grouped, ") AS ties"))


def shape(query: str) -> str:
    """The query's columns without its rows. Raises InvalidInput."""
    return "\n".join(("SELECT * FROM (", _inner(query), ") AS asked WHERE 1 = 0"))


def check_key(found: Sequence[str], order: Sequence[str], name: str) -> None:
    """Raises InvalidTable unless the query has the columns of its key: some databases take other names for texts."""
    for column in order:
        if column not in found:
            raise InvalidTable(
                f"{name}: the query has no column {column!r} to be ordered by.", file=name, column=column
            )


def not_unique(name: str, order: Sequence[str]) -> InvalidTable:
    """The refusal of a query two of whose rows share a key."""
    return InvalidTable(
        f"{name}: two rows of the query have the same {', '.join(map(repr, order))}: its order is not certain.",
        remedy="Order by columns that together differ in every row, like a primary key.",
        file=name,
        order=list(order),
    )


def _inner(query: str) -> str:
    inner = query.strip().rstrip(";").rstrip()
    if not inner:
        raise InvalidInput("The query is empty.", option="query")
    return inner


def _keys(order: Sequence[str], quote: Quote) -> str:
    if not order or not all(order):
        raise InvalidInput("A query needs the columns of a unique key to be ordered by.", option="order_by")
    return ", ".join(map(quote, order))
