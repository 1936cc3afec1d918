"""The stages a share goes through, from the request to its end."""

from enum import IntEnum
from typing import Final


class Stage(IntEnum):
    REQUESTED = 1
    SUPPLEMENT_ASKED = 2
    AGREED = 3
    DELIVERED = 4
    CONFIRMED = 5
    REFUSED = 6
    WITHDRAWN = 7
    ENDED = 8


OPEN: Final = frozenset({Stage.REQUESTED, Stage.SUPPLEMENT_ASKED})
"""The provider owes a reply."""

LIVE: Final = frozenset({Stage.AGREED, Stage.DELIVERED, Stage.CONFIRMED})
"""The consumer may use the data, unless suspended or past its term."""
