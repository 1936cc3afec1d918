"""What the commands of a ledger's home have in common: its settings, its logs, its passphrase."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.cli.progress import Step, progress
from ledger.cli.run import Run
from ledger.cli.texts import say

if TYPE_CHECKING:
    from ledger.settings import Settings

Found = TypeVar("Found")


def open_home() -> "Settings":
    """The settings in force, with logging on standard error. Raises InvalidSettings."""
    from ledger.settings import Settings
    from ledger.telemetry import configure_logging

    settings = Settings.load()
    configure_logging(settings.log_level, settings.log_format)
    return settings


def finish(work: Coroutine[Any, Any, Found]) -> Found:
    """Run it to its end in an event loop of its own."""
    return asyncio.run(work)


def steps(run: Run, phrase: str) -> AbstractContextManager[Callable[[int, int], None]]:
    """A bar for something that tells (done, all): the total is known only once it has begun."""
    return _Steps(say(run.out.lang, phrase))


class _Steps(AbstractContextManager[Callable[[int, int], None]]):
    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: AbstractContextManager[Step] | None = None
        self._step: Step = lambda done: None

    def __enter__(self) -> Callable[[int, int], None]:
        return self._told

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            self._bar.__exit__(*error)

    def _told(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = progress(self._what, total, unit="")
            self._step = self._bar.__enter__()
        self._step(done)
