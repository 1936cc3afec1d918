"""What is asked of a share's records, and answers that prove themselves."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Members
from ledger.domain.scopes import MOST_FILTERS, Filter
from ledger.services.answering import DEFAULT, MOST
from ledger.services.answering import Query as Asked

CLOSED = ConfigDict(extra="forbid")
LONGEST_FILTER = 2000


class RecordsQuery(BaseModel):
    """Parameters that are not here are refused: there is no sorting, no renaming, no other form."""

    model_config = CLOSED

    columns: str | None = Field(
        default=None,
        max_length=4000,
        description="names of columns, separated by commas; without it, all that are granted. The order is the table's",
    )
    column: list[Annotated[str, Field(max_length=1024)]] = Field(
        default=[], max_length=256, description="one name, exactly as it is, commas too; may be repeated"
    )
    filter: list[Annotated[str, Field(max_length=LONGEST_FILTER)]] = Field(
        default=[],
        max_length=MOST_FILTERS,
        description=(
            "column:operator:value; may be repeated, and all must hold. eq, ne, lt, le, gt, ge, prefix with a value; "
            'in with a JSON list of texts, ["a","b"]; is_null and not_null without. Only the first two colons part it; '
            "a colon in a column's name is written \\: and a backslash there \\\\"
        ),
        examples=[["code:prefix:3415"]],
    )
    limit: int = Field(default=DEFAULT, ge=1, le=MOST, description="records on a page")
    after: str | None = Field(default=None, max_length=100, description="`next` of the page before")

    def asked(self) -> Asked:
        """Raises InvalidInput for a filter that is none."""
        names = [*([] if self.columns is None else self.columns.split(",")), *self.column]
        return Asked(
            columns=None if self.columns is None and not self.column else tuple(names),
            filters=tuple(map(Filter.parse, self.filter)),
            limit=self.limit,
            after=self.after,
        )


RecordsQueryOf = Annotated[RecordsQuery, Query()]


class AnswerProofView(BaseModel):
    """share-answer/1: records as in a single proof, and one path for all of them."""

    model_config = CLOSED

    format: str
    records: list[Members]
    path: list[str] = Field(description="level by level from the leaves up")


class GrowthProofView(BaseModel):
    """share-growth/1: an RFC 9162 consistency proof."""

    model_config = CLOSED

    format: str
    path: list[str]


class RecordsPageView(BaseModel):
    """share-records/1."""

    model_config = CLOSED

    format: str
    share: str
    version: str
    entry: Members = Field(description="what anchored the version: the fingerprint to check the proof against")
    scope: str | None = Field(description="digest of the scope document")
    columns: list[str] = Field(description="those shown, in the table's order")
    scope_filters: list[Members]
    filters: list[Members] = Field(description="the caller's own")
    first: int = Field(description="the first record that was looked at")
    stop: int = Field(description="where looking ended; record numbers tell that there are others between them")
    shredded: list[list[int]] = Field(description="records looked over, since their keys are gone: [from, to before]")
    answer: AnswerProofView | None = Field(description="null: no record met the filters")
    next: str | None = Field(description="what `after` takes for the next page")
    not_checked: list[str]
