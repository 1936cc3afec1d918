"""`--where`: filters as they are typed, for a scope's rows and for questions about records."""

import re
from collections.abc import Sequence
from typing import Any, Final

from ledger.cli.failures import InvalidOption
from ledger.cli.options import option
from ledger.cli.run import Run
from ledger.domain.scopes import MOST_FILTERS, Filter, Scope, widened
from ledger.domain.shapes import OPERATORS
from ledger.errors import InvalidInput

WRITTEN: Final = (
    "'column=value', and so != < <= > >=, ^= (begins with); 'column is null', 'column is not null'; or "
    "column:operator:value with " + ", ".join(OPERATORS) + " (in takes a JSON list). May be repeated: all must hold."
)
WHERE: Final = option(
    "where", list[str] | None, None, help=f"Only rows that meet this: {WRITTEN}", rich_help_panel="Document"
)
_SYMBOLS: Final = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "^=": "prefix"}
_COMPARED: Final = re.compile(r"\s*(.+?)\s*(!=|<=|>=|\^=|=|<|>)(.*)", re.DOTALL)
_NULL: Final = re.compile(r"\s*(.+?)\s+is\s+(not\s+)?null\s*", re.IGNORECASE | re.DOTALL)
_BY_NAME: Final = re.compile(r"(?:[^:\\=<>!^]|\\.)+:(?:" + "|".join(OPERATORS) + r")(?::|$)", re.DOTALL)


def read_where(text: str) -> Filter:
    """One filter. What stands behind the comparison is the value, exactly. Raises InvalidOption."""
    try:
        if _BY_NAME.match(text):
            return Filter.parse(text)
        if compared := _COMPARED.fullmatch(text):
            return Filter(compared[1], _SYMBOLS[compared[2]], (compared[3],))
        if null := _NULL.fullmatch(text):
            return Filter(null[1], "not_null" if null[2] else "is_null")
    except InvalidInput as fault:
        raise InvalidOption(f"--where {text[:200]!r}: {fault.detail}", remedy=f"Write {WRITTEN}") from None
    raise InvalidOption(f"--where {text[:200]!r} is no filter", remedy=f"Write {WRITTEN}")


def asked_text(one: Filter) -> str:
    """As the server reads it: column:operator:value."""
    import json

    column = one.column.replace("\\", "\\\\").replace(":", "\\:")
    if not one.values:
        return f"{column}:{one.operator}"
    value = json.dumps(list(one.values), ensure_ascii=False) if one.operator == "in" else one.values[0]
    return f"{column}:{one.operator}:{value}"


def narrow_scope(run: Run, fields: dict[str, Any], document: dict[str, Any]) -> None:
    """Add the filters of `--where` to the document's scope, in place. Raises InvalidOption without a scope."""
    where: Sequence[str] = run.options.get("where") or ()
    if not where:
        return
    scope = document.get("scope")
    if not isinstance(scope, dict):
        raise InvalidOption("--where narrows a scope", remedy="Give --scope too: which columns are meant.")
    filters = [*scope.get("filters", []), *(read_where(text).to_json() for text in where)]
    if len(filters) > MOST_FILTERS:
        raise InvalidOption(f"a scope holds at most {MOST_FILTERS} filters")
    document["scope"] = {**scope, "filters": filters}
    fields.pop("scope", None)  # the digest of the scope without them


def only_narrower(asked: dict[str, Any], agreed: dict[str, Any]) -> None:
    """Raises InvalidOption if the agreed scope goes beyond the one asked for."""
    wrong = widened(Scope.from_json(asked), Scope.from_json(agreed))
    if wrong:
        raise InvalidOption(
            f"the scope goes beyond the request: {'; '.join(wrong)}",
            remedy="Agree to the requested scope or a part of it; for more, the consumer makes a new request.",
        )
