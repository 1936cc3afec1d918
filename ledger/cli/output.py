"""What a command prints: with --json one JSON value on stdout, else tables; everything else goes to stderr."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from ledger.cli.texts import CHANGES, ENTRIES, NAMES, SUBMISSION_STATES, Lang, choose, label, roles, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHANGHAI: Final = timezone(timedelta(hours=8))
TIMES: Final = frozenset({"time", "until", "start", "valid_until", "requested_until"})
MILLISECONDS: Final = frozenset({"at", "created", "expires", "revoked"})
WIDE: Final = 240  # columns where there is no terminal: nothing is to be cut


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found: `value` for programs; for people its members, or the rows of `value[rows]` by `columns`.

    `passed` False makes the exit code 1. `note` is one line for people. `headings` are of the members of each row's
    `cells`: a table of its own, whose names are shown as they are.
    """

    value: Any
    columns: Sequence[str] = ()
    rows: str = "items"
    passed: bool = True
    note: str = ""
    hide: frozenset[str] = field(default=frozenset())
    headings: Sequence[str] = ()


def printable(text: str) -> str:
    """The text with control and bidirectional characters spelt out: what others wrote must not steer a terminal."""
    return "".join(_spelt(each) if unicodedata.category(each) in ("Cc", "Cf") else each for each in text)


def _short(value: Any) -> Any:
    """An act in a list: its name."""
    return value["type"] if isinstance(value, Mapping) and "type" in value else value


def _spelt(character: str) -> str:
    return character if character == "\n" else f"\\u{ord(character):04x}"


class Output:
    """stdout and stderr of one command."""

    def __init__(self, *, as_json: bool, lang: Lang) -> None:
        self.as_json = as_json
        self.lang = lang

    def answer(self, answer: Answer) -> None:
        """Print it, once."""
        if self.as_json:
            self.json(answer.value)
        else:
            self._show(answer)
        if answer.note:
            self.note(answer.note)

    def json(self, value: Any) -> None:
        """The one JSON value."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def say(self, phrase: str, **values: Any) -> None:
        """A line for a person."""
        self.note(say(self.lang, phrase, **values))

    def note(self, line: str) -> None:
        print(printable(line), file=sys.stderr, flush=True)

    def problem(self, problem: Mapping[str, Any]) -> None:
        """An error: title, detail, next step; with --json also as the one value on stdout."""
        if self.as_json:
            self.json({"error": problem})
        zh = self.lang == "zh" and problem.get("title_zh")
        title, detail = str(problem["title_zh"] if zh else problem["title"]), str(problem["detail"])
        self.note(f"{title} [{problem['code']}]")
        if detail != title:
            self.note(f"  {detail}")
        self.note(f"  {say(self.lang, 'next-step')}: {problem['next_step']}")

    def table(self, title: str, rows: Iterable[tuple[str, Any]]) -> None:
        """Members and values on stderr: what is about to be signed."""
        console = self._console(error=True)
        table = self._members(dict(rows))
        table.title = title
        console.print(table)

    def text(self, title: str, body: str) -> None:
        """A text in a frame on stderr, exactly as it is."""
        from rich.panel import Panel
        from rich.text import Text

        self._console(error=True).print(Panel.fit(Text(printable(body)), title=title, title_align="left"))

    def cell(self, member: str, value: Any) -> str:
        """A value as a person reads it, by the name of its member."""
        if value is None:
            return "–"
        if isinstance(value, bool):
            return "✓" if value else "✗"
        if isinstance(value, int):
            return self._number(member, value)
        if isinstance(value, Mapping):
            return (
                "\n".join(f"{label(self.lang, name)}: {self.cell(name, what)}" for name, what in value.items()) or "–"
            )
        if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
            return ", ".join(self.cell("", each) for each in value) or "–"
        if member == "state" and value in SUBMISSION_STATES:
            return choose(self.lang, SUBMISSION_STATES[value])
        if member == "change" and value in CHANGES:
            return choose(self.lang, CHANGES[value])
        if self.lang == "zh" and member == "kind" and value in ENTRIES:
            return f"{ENTRIES[value]} {value}"
        return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1))

    def _number(self, member: str, value: int) -> str:
        if member in NAMES and value in NAMES[member]:
            return choose(self.lang, NAMES[member][value])
        if member == "roles":
            return roles(self.lang, value)
        if member in TIMES or member.endswith("_time") or member in MILLISECONDS:
            if value == 0:
                return "–"
            seconds = value / 1000 if member in MILLISECONDS else value
            try:
                return datetime.fromtimestamp(seconds, SHANGHAI).isoformat(sep=" ", timespec="seconds")
            except (OverflowError, ValueError):
                return str(value)
        return str(value)

    def _show(self, answer: Answer) -> None:
        from rich.text import Text

        console = self._console()
        value = answer.value
        if not isinstance(value, Mapping):
            console.print(Text(self.cell("", value)))
            return
        if answer.columns:
            items = value.get(answer.rows) or []
            console.print(
                self._listing(items, answer.columns, answer.headings) if items else Text(say(self.lang, "none"))
            )
            hidden = answer.hide | {answer.rows}
            value = {} if answer.rows == "items" else {name: what for name, what in value.items() if name not in hidden}
        if value:
            console.print(self._members({name: what for name, what in value.items() if name not in answer.hide}))

    def _listing(self, items: Iterable[Any], columns: Sequence[str], headings: Sequence[str]) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(show_edge=False, pad_edge=False)
        for column in columns:
            table.add_column(label(self.lang, column), overflow="fold")
        for heading in headings:
            table.add_column(Text(printable(heading)), overflow="fold")
        for item in items:
            row = item if isinstance(item, Mapping) else {columns[0]: item}
            cells = [self.cell("", each) for each in row["cells"]] if headings else []
            shown = [self.cell(column, _short(row.get(column))) for column in columns]
            table.add_row(*map(Text, (*shown, *cells)))
        return table

    def _members(self, value: Mapping[str, Any]) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(show_header=False, show_edge=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for member, what in value.items():
            table.add_row(label(self.lang, member), Text(self.cell(member, what)))
        return table

    def _console(self, *, error: bool = False) -> "Console":
        from rich.console import Console

        stream = sys.stderr if error else sys.stdout
        return Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False, markup=False)
