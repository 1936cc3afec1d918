"""How the story is told: one short line a deed, Chinese and English, with the index of its entry in the ledger."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text


class Teller:
    """Speaks on stdout, or on stderr where stdout is for a program."""

    def __init__(self, *, aside: bool) -> None:
        stream = sys.stderr if aside else sys.stdout
        self.console = Console(file=stream, highlight=False, width=None if stream.isatty() else 140)

    def step(self, number: int, zh: str, en: str) -> None:
        self.console.print()
        self.console.rule(Text(f"{number}  {zh} · {en}", style="bold"), align="left")

    def deed(self, zh: str, en: str, entry: int | None = None) -> None:
        """Something that happened; `entry` is its index in the ledger."""
        self._line("" if entry is None else f"#{entry}", zh, en, "cyan")

    def fact(self, zh: str, en: str) -> None:
        """Something found to be so."""
        self._line("✓", zh, en, "green")

    def refusal(self, code: str, zh: str, en: str) -> None:
        self._line("✗", zh, f"{en}  [{code}]", "yellow")

    def failure(self, text: str) -> None:
        self.console.print(Text(f"失败 · failed: {text}", style="bold red"))

    def table(self, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        shown = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
        for column in columns:
            shown.add_column(column)
        for row in rows:
            shown.add_row(*(Text(cell) for cell in row))
        self.console.print(shown)

    @contextmanager
    def progress(self, zh: str, en: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A bar for long work; call what it gives with how much is done."""
        columns = (TextColumn("        {task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        silent = not self.console.is_terminal  # a bar that cannot move would only leave blank lines
        with Progress(*columns, console=self.console, transient=True, disable=silent) as bar:
            task = bar.add_task(f"{zh} · {en}", total=total)
            yield lambda done: bar.update(task, completed=done)

    def _line(self, mark: str, zh: str, en: str, style: str) -> None:
        line = Text(f"{mark:>6}  ", style=style)
        line.append(zh, style="default")
        line.append(f" · {en}", style="dim")
        self.console.print(line)
