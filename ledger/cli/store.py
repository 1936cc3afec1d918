"""`shareledger store`: the database of this home, and its payloads."""

from typing import Any

from ledger.cli.command import command, noun
from ledger.cli.home import finish, open_home
from ledger.cli.options import option
from ledger.cli.output import Answer
from ledger.cli.run import Run

app = noun("Database and payloads 数据库与数据: migrate, rebuild, sweep.")


@command(app, "migrate")
def migrate(run: Run) -> Answer:
    """Bring the database's schema up to this program's. Nothing is lost; back it up first all the same."""

    async def work() -> dict[str, Any]:
        from ledger.runtime import private_folder
        from ledger.store.engine import open_engine
        from ledger.store.schema import migrate

        settings = open_home()
        if not settings.database_url:
            private_folder(settings.home)
            private_folder(settings.home / "store")
        engine = open_engine(settings.database)
        try:
            before, after = await migrate(engine)
        finally:
            await engine.dispose()
        return {"before": before, "after": after}

    return Answer(finish(work()))


@command(
    app,
    "rebuild",
    option(
        "accept_new_history",
        bool,
        False,
        "--accept-new-history",
        help="The chain was taken back below what was final, and stays so: follow it anew, send again what it lost.",
    ),
)
def rebuild(run: Run) -> Answer:
    """Empty the read model and follow the chain anew. Documents, payloads and keys are not touched."""
    accepted = bool(run.options["accept_new_history"])

    async def work() -> dict[str, Any]:
        from ledger import memory
        from ledger.runtime import open_runtime, read_courier
        from ledger.services.reopening import reopen

        settings = open_home()
        async with open_runtime(settings, any_history=accepted) as runtime:
            memory.settle()
            async with runtime.store.write() as unit:
                await unit.rewind()
                await unit.commit()
            await runtime.catch_up()
            lost = await reopen(runtime.store, runtime.ports.node, read_courier(settings)) if accepted else 0
            async with runtime.store.read() as unit:
                cursor = await unit.cursor()
        told: dict[str, Any] = {"entries": 0, "head": None, "block": None}
        if cursor is not None:
            told = {"entries": cursor.size, "head": cursor.head, "block": cursor.block.number}
        return told | ({"sent_again": lost} if accepted else {})

    return Answer(finish(work()))


@command(
    app,
    "sweep",
    option(
        "older_than_hours",
        int | None,
        None,
        "--older-than-hours",
        help="Spare what is younger; SHARELEDGER_ORPHAN_HOURS unless said, and not less than a transfer may take.",
    ),
)
def sweep(run: Run) -> Answer:
    """Remove uploads that were cut off and stored payloads that no version names. A server does it by itself."""
    asked = run.options["older_than_hours"]

    async def work() -> dict[str, Any]:
        from datetime import timedelta

        from ledger.errors import InvalidInput
        from ledger.host import SystemClock
        from ledger.payload_place import open_payloads
        from ledger.runtime import read_manifest
        from ledger.services.sweeping import sweep
        from ledger.store.engine import open_engine
        from ledger.store.schema import check_schema
        from ledger.store.unit_of_work import SqlStore

        settings = open_home()
        hours = settings.orphan_hours if asked is None else int(asked)
        if hours * 3600 < settings.transfer_seconds:
            raise InvalidInput(
                f"{hours} hours are less than an upload may take ({settings.transfer_seconds} s)",
                remedy="Give a longer time, so that nothing under way is taken for rubbish.",
            )
        manifest = read_manifest(settings)
        engine = open_engine(settings.database)
        try:
            await check_schema(engine)
            store = SqlStore(engine, manifest.chain_id)
            payloads = await open_payloads(settings, manifest, writing=False)
            swept = await sweep(store, payloads, SystemClock(), older_than=timedelta(hours=hours))
        finally:
            await engine.dispose()
        return {"older_than_hours": hours, **swept.to_json()}

    return Answer(finish(work()))
