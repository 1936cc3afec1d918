"""Options and work shared by `chain deploy` and `up`: founding a ledger."""

import inspect
from typing import TYPE_CHECKING, Any, Final

from ledger.cli.home import steps
from ledger.cli.options import option
from ledger.cli.run import Run
from ledger.cli.values import named, read_roles
from ledger.domain.acts import Level, Role

if TYPE_CHECKING:
    from ledger.founding import Founded
    from ledger.settings import Settings

_PANEL: Final = "A new ledger"


def root_options(*, required: bool) -> tuple[inspect.Parameter, ...]:
    """The root authority of a new ledger."""
    root: Any = (str, inspect.Parameter.empty) if required else (str | None, None)
    return (
        option("root", *root, help="Code of the root authority.", rich_help_panel=_PANEL),
        option("name", str | None, None, help="Its name, in a document that entry 0 names.", rich_help_panel=_PANEL),
        option("level", str, "city", help="Its level: province, city, county.", rich_help_panel=_PANEL),
        option("roles", str, "authority,provider,consumer", help="Its roles, by comma.", rich_help_panel=_PANEL),
        option(
            "director",
            list[str] | None,
            None,
            help="Address of a director key kept elsewhere, given twice (once: a multisig); else two are made here.",
            rich_help_panel=_PANEL,
        ),
    )


async def found_ledger(run: Run, settings: "Settings") -> "Founded":
    """Deploy and migrate. Raises what `ledger.founding.found` raises; InvalidOption."""
    from ledger.domain.identifiers import any_address
    from ledger.founding import found

    told = run.options
    with steps(run, "deploying") as step:
        return await found(
            settings,
            run.passphrase(confirm=True),
            pin=run.pin(),
            code=told["root"],
            name=told["name"],
            level=Level(named(Level)(told["level"])),
            roles=Role(read_roles(told["roles"])),
            directors=tuple(any_address(address) for address in told["director"] or ()),
            on_progress=step,
        )
