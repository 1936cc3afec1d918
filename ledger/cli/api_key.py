"""`shareledger api-key`: who may call this home's API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.command import command, noun
from ledger.cli.home import finish, open_home
from ledger.cli.options import LIST
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.texts import say
from ledger.cli.values import named, read_roles
from ledger.domain.acts import Duty, Role

if TYPE_CHECKING:
    from ledger.ports import ApiKey
    from ledger.store.unit_of_work import SqlStore

app = noun("API keys 接口密钥: issue, list, revoke.")


@command(app, "issue")
def issue(
    run: Run,
    department: Annotated[str, typer.Option(help="Code of the department it speaks for.")],
    duty: Annotated[str, typer.Option(help="Up to which duty: officer, lead, director.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="New file the key is written to, mode 0600.")],
    roles: Annotated[str, typer.Option(help="Roles, by comma, that the department has.")] = "none",
    label: Annotated[str, typer.Option(help="What it is for.")] = "console",
    days: Annotated[int, typer.Option(help="How long it is in force.", min=1)] = 365,
) -> Answer:
    """Issue an API key. It is written to a file, shown nowhere, and cannot be got again."""

    async def work() -> dict[str, Any]:
        from keys.private_files import create_private
        from ledger.errors import NotFound
        from ledger.host import SystemClock
        from ledger.services import api_keys

        given = (department, Duty(named(Duty)(duty)), Role(read_roles(roles)), label, days)
        async with _store() as store:
            try:
                issued = await api_keys.issue(store, SystemClock(), *given)
            except NotFound:
                await _follow()  # a ledger that nobody has served yet: its departments are not in the read model
                issued = await api_keys.issue(store, SystemClock(), *given)
            try:
                create_private(output, issued.token.encode() + b"\n")
            except BaseException:
                await api_keys.revoke(store, SystemClock(), issued.key.id)  # nobody has its secret
                raise
        return {**_shown(issued.key), "file": str(output)}

    return Answer(finish(work()))


@command(app, "list", *LIST)
def list_keys(
    run: Run, department: Annotated[str | None, typer.Option(help="Only of this department.")] = None
) -> Answer:
    """List the API keys, in force or not. None of them can be shown."""
    after, wanted = run.options["after"], None if run.options["all"] else int(run.options["limit"])

    async def work() -> tuple[list[dict[str, Any]], str | None]:
        """Items, and the id after which more would come."""
        from ledger.services import api_keys

        items: list[dict[str, Any]] = []
        async with _store() as store:
            last = after
            while wanted is None or len(items) < wanted:
                size = api_keys.PAGE if wanted is None else min(api_keys.PAGE, wanted - len(items))
                found = await api_keys.listed(store, department, after=last, limit=size + 1)
                items += [_shown(key) for key in found[:size]]
                if len(found) <= size:
                    return items, None
                last = found[size - 1].id
        return items, last

    items, following = finish(work())
    columns = ("id", "department", "duty", "roles", "label", "expires", "revoked")
    note = say(run.out.lang, "more", after=following) if following else ""
    return Answer({"items": items, "next": following}, columns=columns, note=note)


@command(app, "revoke")
def revoke(
    run: Run, id: Annotated[str, typer.Argument(help="Id of the API key.", metavar="ID", show_default=False)]
) -> Answer:
    """Revoke an API key; from now on it opens nothing."""

    async def work() -> None:
        from ledger.host import SystemClock
        from ledger.services import api_keys

        async with _store() as store:
            await api_keys.revoke(store, SystemClock(), id)

    finish(work())
    return Answer({"id": id, "revoked": True})


@asynccontextmanager
async def _store() -> "AsyncIterator[SqlStore]":
    """The database alone: a server may be running. Raises NotReady, WrongSchema, InvalidSettings."""
    from ledger.runtime import read_manifest
    from ledger.store.engine import open_engine
    from ledger.store.schema import check_schema
    from ledger.store.unit_of_work import SqlStore

    settings = open_home()
    manifest = read_manifest(settings)
    engine = open_engine(settings.database)
    try:
        await check_schema(engine)
        yield SqlStore(engine, manifest.chain_id)
    finally:
        await engine.dispose()


async def _follow() -> None:
    from ledger.runtime import open_runtime

    async with open_runtime(open_home()) as runtime:
        await runtime.catch_up()


def _shown(key: "ApiKey") -> dict[str, Any]:
    """All but the hash."""
    return {
        "id": key.id,
        "label": key.label,
        "department": key.department,
        "duty": key.duty,
        "roles": key.roles,
        "created": key.created,
        "expires": key.expires,
        "revoked": key.revoked,
    }
