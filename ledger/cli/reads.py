"""Commands that read: `list` and `show`, one line each."""

from collections.abc import Sequence
from typing import Any

import typer

from ledger.cli.client import PAGE, segment
from ledger.cli.command import command, taking
from ledger.cli.options import CLIENT, LIST, REQUIRED, argument, option
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.texts import say


def list_command(
    app: typer.Typer,
    path: str,
    columns: Sequence[str],
    help: str,
    *,
    filters: Sequence[tuple[str, str]] = (),
    below: tuple[str, str] | None = None,
    verb: str = "list",
) -> None:
    """`list` of a collection; `filters` are (query parameter, help).

    `below` is (option, path with that placeholder): given the option, the list of that object's own.
    """

    def work(run: Run, **given: Any) -> Answer:
        target = given.pop(below[0], None) if below else None
        at = below[1].replace(f"{{{below[0]}}}", segment(target)) if below and target else path
        return listing(run, at, columns, given)

    parameters = [option(name, str | None, None, help=text) for name, text in filters]
    if below:
        name = below[0]
        required = path == ""
        kind: Any = str if required else str | None
        default: Any = REQUIRED if required else None
        parameters.insert(0, option(name, kind, default, help=f"Only those of this {name}.", show_default=False))
    taking(work, parameters)
    command(app, verb, *LIST, *CLIENT, help=help)(work)


def show_command(
    app: typer.Typer, path: str, name: str, help: str, *, verb: str = "show", about: str = "Its id."
) -> None:
    """`show` of one object: `path` has the placeholder {name}."""

    def work(run: Run, **given: Any) -> Answer:
        return Answer(run.client.get(path.replace(f"{{{name}}}", segment(given[name]))))

    taking(work, [argument(name, str, help=about)])
    command(app, verb, *CLIENT, help=help)(work)


def listing(run: Run, path: str, columns: Sequence[str], query: dict[str, Any]) -> Answer:
    """As many items as asked for, from as many pages as that takes; `next` says where to go on."""
    wanted = None if run.options["all"] else int(run.options["limit"])
    items: list[Any] = []
    as_of: Any = None
    following: str | None = None
    size = PAGE if wanted is None else min(wanted, PAGE)
    for page in run.client.pages(path, **query, after=run.options["after"], limit=size):
        items += page["items"]
        as_of, following = page.get("as_of"), page["next"]
        if wanted is not None and len(items) >= wanted:
            break
    note = say(run.out.lang, "more", after=following) if following else ""
    if wanted is not None and len(items) > wanted:  # a server that gives more than asked for: `next` would skip some
        items, note = items[:wanted], ""
    return Answer({"items": items, "as_of": as_of, "next": following}, columns=columns, note=note)
