"""`shareledger api-key`: who may call this home's API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.command import command, noun
from ledger.cli.home import finish, open_home
from ledger.cli.output import Answer
from ledger.cli.run import Run
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


@command(app, "list")
def list_keys(
    run: Run, department: Annotated[str | None, typer.Option(help="Only of this department.")] = None
) -> Answer:
    """List the API keys, in force or not. None of them can be shown."""

    async def work() -> list[dict[str, Any]]:
        from ledger.services import api_keys

        async with _store() as store:
            return [_shown(key) for key in await api_keys.listed(store, department)]

    columns = ("id", "department", "duty", "roles", "label", "expires", "revoked")
    return Answer({"items": finish(work())}, columns=columns)


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
