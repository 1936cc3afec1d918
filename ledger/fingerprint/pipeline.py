"""One thread reads, two work, results come in order: hashing and reading overlap, and a bounded number is held."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
WORKERS: Final = 2
AHEAD: Final = WORKERS + 1  # items taken and not yet given back as results


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """work(item) of each, worked out in threads; the items are taken in the caller's own thread.

    An exception comes where its result would have come, so the first of several is the one raised, and what breaks off
    the items comes after the results before it. Left early, whatever is under way is waited for.
    """
    source = iter(items)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="fingerprint") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            broken: Exception | None = None
            while True:
                try:
                    waiting.extend(pool.submit(work, item) for item in islice(source, AHEAD - len(waiting)))
                except Exception as error:
                    broken = error
                if not waiting:
                    break
                yield waiting.popleft().result()
                if broken is not None:
                    while waiting:
                        yield waiting.popleft().result()
                    break
            if broken is not None:
                raise broken
        finally:
            for each in waiting:
                each.cancel()
