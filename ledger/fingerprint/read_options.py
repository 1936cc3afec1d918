"""How a file becomes cells: encoding, delimiter, header, null texts, zone. Part of a version's document."""

import re
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any, Literal, get_args

from ledger.errors import InvalidInput, InvalidTable

Form = Literal["csv", "jsonl", "parquet", "arrow"]
Encoding = Literal["utf-8", "gb18030-2022"]
_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_ALIASES = {"gb18030": "gb18030-2022", "utf8": "utf-8"}


def fixed_zone(offset: str | None) -> timezone | None:
    """`±HH:MM` as a zone, None for None.

    Raises InvalidTable for anything else: zone names have histories that libraries disagree on.
    """
    if offset is None:
        return None
    match = _OFFSET.fullmatch(offset) if isinstance(offset, str) else None
    if not match:
        raise InvalidTable("The zone offset must look like +08:00; zone names are refused.", option="zone_offset")
    span = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-span if match[1] == "-" else span)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Fixed facts about one file. `gb18030` is taken to mean the table GB 18030-2022, and written so.

    `null` lists the texts that mean null in every column whose schema does not say otherwise (CSV only; the others
    have their own null). `zone_offset` is used for timestamps that name no zone.
    """

    form: Form = "csv"
    encoding: Encoding = "utf-8"
    delimiter: str = ","
    header: bool = True
    null: tuple[str, ...] = ()
    zone_offset: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidTable, naming the option."""
        if isinstance(self.encoding, str):
            lowered = self.encoding.lower()
            object.__setattr__(self, "encoding", _ALIASES.get(lowered, lowered))
        if self.form not in get_args(Form):
            raise InvalidTable("A table is read as csv, jsonl, parquet or arrow.", option="form")
        if self.encoding not in get_args(Encoding):
            raise InvalidTable("The encoding must be utf-8 or gb18030.", option="encoding")
        if self.form != "csv" and self.encoding != "utf-8":
            raise InvalidTable(f"Texts in {self.form} are UTF-8.", option="encoding")
        if not isinstance(self.delimiter, str) or len(self.delimiter) != 1 or self.delimiter in '"\r\n\ufeff\0':
            raise InvalidTable("The delimiter is one character, no quote, line end or BOM.", option="delimiter")
        if not isinstance(self.header, bool):
            raise InvalidTable("The option header is true or false.", option="header")
        if isinstance(self.null, str) or not all(isinstance(text, str) for text in self.null):
            raise InvalidTable("The null texts are a list of texts.", option="null")
        object.__setattr__(self, "null", tuple(self.null))
        fixed_zone(self.zone_offset)

    @property
    def zone(self) -> timezone | None:
        return fixed_zone(self.zone_offset)

    @property
    def first_row(self) -> int:
        """The row of the first record, as a spreadsheet counts."""
        return 2 if self.form == "csv" and self.header else 1

    @classmethod
    def from_json(cls, value: Any) -> "ReadOptions":
        """Read what `to_json` wrote; absent members take their defaults. Raises InvalidTable, InvalidInput."""
        if not isinstance(value, dict):
            raise InvalidInput("Read options are an object.")
        unknown = sorted(set(map(str, value)) - set(cls.__dataclass_fields__))
        if unknown:
            raise InvalidInput(f"Unknown read option: {', '.join(map(repr, unknown))}.", unknown=unknown)
        if not isinstance(value.get("null", []), list | tuple):
            raise InvalidTable("The null texts are a list of texts.", option="null")
        return cls(**{**value, "null": tuple(value.get("null", ()))})

    def to_json(self) -> dict[str, Any]:
        """All options, defaults spelt out: a document must not depend on this program's defaults."""
        return {
            "form": self.form,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "header": self.header,
            "null": list(self.null),
            "zone_offset": self.zone_offset,
        }
