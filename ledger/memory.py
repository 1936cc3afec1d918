"""What the program does about memory as a whole.

Python's collector of cycles is told that what is loaded stays, and that a batch of acts is no reason to look at it:
thousands of small objects come and go with every batch, hardly any of them in cycles, and by default each batch makes
the collector walk through everything the program has loaded.

Arrow's own allocator keeps a heap for each thread that ever worked on a column, which is faster by little and, where
threads come and go, larger by much.
"""

import gc
from typing import Final

THRESHOLDS: Final = (10_000, 10, 10)


def one_heap() -> None:
    """From now on Arrow takes its memory where everybody does. Harmless to call again."""
    import pyarrow  # not before there is a table to keep: it takes a while to load

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())


def settle() -> None:
    """Call once, when a long-running program has loaded what it needs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
