"""What a comparison of two tables found."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How a new table of `new_records` differs from an old one of `old_records`.

    `changed` pairs the number of a record in the old table with that of the one that stands in its place in the new;
    `removed` are numbers in the old table, `added` in the new. They are in rising order and end where the limit asked
    for was reached; the counts are of all, and `complete` says whether all are named. `moved` counts records that both
    tables have, but not in the same order among the others.
    """

    old_records: int
    new_records: int
    changed: tuple[tuple[int, int], ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]
    changed_count: int
    removed_count: int
    added_count: int
    moved: int

    @property
    def complete(self) -> bool:
        """Is every record that was changed, removed or added named?"""
        named = (len(self.changed), len(self.removed), len(self.added))
        return named == (self.changed_count, self.removed_count, self.added_count)

    def __bool__(self) -> bool:
        """True if there is a difference."""
        return bool(self.changed_count or self.removed_count or self.added_count or self.moved)

    def to_json(self) -> dict[str, Any]:
        return {
            "same": not self,
            "old_records": self.old_records,
            "new_records": self.new_records,
            "differences": [
                *({"change": "changed", "old": old, "new": new} for old, new in self.changed),
                *({"change": "removed", "old": old, "new": None} for old in self.removed),
                *({"change": "added", "old": None, "new": new} for new in self.added),
            ],
            "counts": {
                "changed": self.changed_count,
                "removed": self.removed_count,
                "added": self.added_count,
                "moved": self.moved,
            },
            "complete": self.complete,
        }
