"""`shareledger serve`: the API on a ledger that is deployed."""

from typing import TYPE_CHECKING

from ledger.cli.command import command, noun
from ledger.cli.home import open_home, steps
from ledger.cli.options import PASSPHRASE, PIN
from ledger.cli.run import Run

if TYPE_CHECKING:
    from ledger.settings import Settings

app = noun("Run the API on a ledger that is deployed 启动服务.")


def run_server(run: Run, settings: "Settings") -> None:
    """Serve until stopped; the address is told, or printed as the one JSON value, once connections are accepted."""
    from ledger.cli import serving

    def announce(address: str) -> None:
        if run.out.as_json:
            run.out.json({"address": address, "home": str(settings.home)})
        else:
            run.out.say("serving", address=address)

    with steps(run, "replaying") as step:
        serving.run(serving.serve(settings, run.passphrase(), announce, step, pin=run.pin()))


@command(app, "serve", *PASSPHRASE, *PIN)
def serve(run: Run) -> None:
    """Run the API, the submitter and the follower until SIGTERM or SIGINT. The database must be migrated."""
    run_server(run, open_home())
