"""`shareledger up`: everything in one process tree."""

from ledger.cli.command import command, noun
from ledger.cli.failures import InvalidOption
from ledger.cli.founding import found_ledger, root_options
from ledger.cli.home import finish, open_home
from ledger.cli.options import PASSPHRASE, PIN
from ledger.cli.run import Run
from ledger.cli.serve import run_server

app = noun("Run everything here: chain, store, API 启动全部.")


@command(app, "up", *root_options(required=False), *PASSPHRASE, *PIN)
def up(run: Run) -> None:
    """Run chain, migrations and API until SIGTERM or SIGINT. In an empty home, --root founds a ledger first."""
    settings = open_home()
    if settings.manifest_file.exists():
        from ledger.store.engine import open_engine
        from ledger.store.schema import migrate

        async def migrated() -> None:
            engine = open_engine(settings.database)
            try:
                await migrate(engine)
            finally:
                await engine.dispose()

        finish(migrated())
    elif run.options["root"]:
        finish(found_ledger(run, settings))
    else:
        remedy = "Give --root to found one, or set SHARELEDGER_HOME."
        raise InvalidOption(f"there is no ledger in {settings.home}", remedy=remedy)
    run_server(run, settings)
