"""Telling Python's collector of cycles that what is loaded stays, and that a batch of acts is no reason to look at it.

Thousands of small objects come and go with every batch, hardly any of them in cycles; by default each batch makes the
collector walk through everything the program has loaded.
"""

import gc
from typing import Final

THRESHOLDS: Final = (10_000, 10, 10)


def settle() -> None:
    """Call once, when a long-running program has loaded what it needs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
