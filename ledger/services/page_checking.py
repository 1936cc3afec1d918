"""Checking a page of records (share-records/1) against the version it is said to be of, with nothing believed.

1 document, 2 act, 3 signature, 4 proof, 5 included: as of any proof of records (`ledger.services.checking`)
6 columns    the cells shown are those of the columns that the page names, and no others
7 filters    every record meets the page's filters, as far as their columns are shown
8 places     the records are where the page says it looked
9 complete   that no other record meets the filters: never shown
"""

from collections.abc import Sequence

import pyarrow as pa

from ledger.errors import InvalidInput
from ledger.fingerprint import Schema
from ledger.fingerprint.answer_proof import shown_cells
from ledger.fingerprint.conditions import Condition, conditions, matching
from ledger.services.check_steps import Recovers, check_entry
from ledger.services.checking import check_included
from ledger.services.checks import Checklist, VerifyReport
from ledger.services.material import Material, fingerprint_of
from ledger.services.pages import RecordsPage

PAGE_CHECKS = (
    "document", "act", "signature", "proof", "included", "columns", "filters", "places", "complete",
)  # fmt: skip


def check_page(
    material: Material, page: RecordsPage, *, chain_id: int, recovers: Recovers | None = None
) -> VerifyReport:
    """Are the page's records in the version, and what the page says they are? Its own entry is not asked.

    A page without records proves nothing, so its report is not good. Raises InvalidInput if `material` is no version's.
    """
    checks = Checklist(PAGE_CHECKS)
    document = check_entry(checks, material, chain_id, recovers)
    schema, wrong = None if document is None else document.schema, list[int]()
    if page.version != material.entry.digest:
        checks.add("proof", False, "the page is of another version")
    elif page.answer is not None:
        wrong = check_included(checks, fingerprint_of(material.entry), page.answer, schema)
    if schema is not None:
        checks.add("columns", *check_columns(page, schema))
        if checks.made("included") and not wrong:  # else the cells may be anything
            checks.add("filters", *check_filters(page, schema))
    checks.add("places", *check_places(page))
    checks.add("complete", None, "that no other record meets the filters is not shown")
    return VerifyReport(checks.all(), tuple(wrong))


def check_columns(page: RecordsPage, schema: Schema) -> tuple[bool, str]:
    """Are the cells shown those of the columns that the page names, and of no other?"""
    named = set(page.columns)
    places = [at for at, name in enumerate(schema.names) if name in named]
    if [schema.names[at] for at in places] != list(page.columns):
        return False, "the page names columns that the table does not have, or not in its order"
    for record in () if page.answer is None else page.answer.records:
        if list(shown_cells(record)) != places:
            return False, f"record {record.index} does not show the columns that the page names"
    return True, f"{len(places)} of the table's {len(schema.columns)} columns are shown"


def check_filters(page: RecordsPage, schema: Schema) -> tuple[bool | None, str]:
    """Do all records meet the page's filters? None if some of them rest on columns that are not shown."""
    both = (*page.scope_filters, *page.filters)
    seen = [one for one in both if one.column in page.columns]
    try:
        found = conditions(seen, schema)
        wrong = _unmet(page, schema, found)
    except (InvalidInput, KeyError):
        return False, "a filter of the page cannot be read for this table"
    except (pa.ArrowInvalid, ValueError):
        return False, "a cell is not of its column's type"
    if wrong:
        return False, f"record {wrong[0]} does not meet the filters"
    if len(seen) < len(both):
        return None, f"{len(both) - len(seen)} filters rest on columns that are not shown"
    return True, f"all records meet {len(both)} filters"


def check_places(page: RecordsPage) -> tuple[bool, str]:
    """Are the records where the page says it looked?"""
    numbers = [] if page.answer is None else [record.index for record in page.answer.records]
    if any(not page.first <= number < page.stop for number in numbers):
        return False, "a record is not among those that the page looked at"
    return True, f"records {page.first} to {page.stop} (not included) were looked at, as the page says"


def _unmet(page: RecordsPage, schema: Schema, found: Sequence[Condition]) -> list[int]:
    if not found or page.answer is None:
        return []
    names = list(dict.fromkeys(one.column for one in found))
    places = [schema.names.index(name) for name in names]
    rows = [shown_cells(record) for record in page.answer.records]
    columns = [pa.array([row.get(place) for row in rows], pa.binary()) for place in places]
    mask = matching(found, pa.RecordBatch.from_arrays(columns, names=names))
    numbers = [record.index for record in page.answer.records]
    return [number for number, met in zip(numbers, mask, strict=True) if not met]
