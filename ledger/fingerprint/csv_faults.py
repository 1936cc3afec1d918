"""What is refused in delimited text whatever its cells hold, in the words of whichever reader finds it."""

from typing import Any, Final

from ledger.errors import InvalidTable

NOT_CLOSED: Final = "not valid CSV (the file ends inside a quoted cell)"
AFTER_QUOTE: Final = "not valid CSV (something other than a delimiter or a line end follows a closing quote)"
BLANK: Final = "a blank line"


def other_width(cells: int, columns: int) -> str:
    return f"{cells} cells for {columns} columns"


def fault(name: str, what: str, row: int, record: int | None = None) -> InvalidTable:
    """The refusal of one row; the header is no record."""
    place: dict[str, Any] = {"file": name, "row": row} | ({} if record is None else {"record": record})
    return InvalidTable(f"{name}, row {row}: {what}.", **place)


def no_header(name: str) -> InvalidTable:
    return InvalidTable(f"{name} has no header row.", file=name, row=1)
