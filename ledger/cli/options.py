"""Options shared by many commands, as parameters typer can read."""

import inspect
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ledger.cli.run import SERVER

REQUIRED: Final = inspect.Parameter.empty


def option(name: str, kind: Any, default: Any, *flags: str, help: str, **settings: Any) -> inspect.Parameter:
    """A keyword parameter carrying a typer option; its flag is `--name` unless given."""
    flags = flags or ("--" + name.replace("_", "-"),)
    settings.setdefault("show_default", default not in (None, REQUIRED))
    told = typer.Option(*flags, help=help, **settings)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, told])


def argument(name: str, kind: Any, *, help: str, metavar: str | None = None) -> inspect.Parameter:
    """A required parameter carrying a typer argument."""
    told = typer.Argument(help=help, metavar=metavar or name.upper(), show_default=False)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, told])


_SHARED: Final = "Shared options"
_SIGNING: Final = "Signing"

COMMON: Final = (
    option("json", bool, False, "--json", help="Print exactly one JSON value.", rich_help_panel=_SHARED),
    option("lang", str, None, help="Language for people, zh or en; else by LANG.", rich_help_panel=_SHARED),
    option("debug", bool, False, "--debug", help="Show the traceback of an error.", rich_help_panel=_SHARED),
)
CLIENT: Final = (
    option("server", str, SERVER, envvar="SHARELEDGER_SERVER", help="Address of the server.", rich_help_panel=_SHARED),
    option(
        "api_key_file",
        Path | None,
        None,
        envvar="SHARELEDGER_API_KEY_FILE",
        help="File with the API key, mode 0600.",
        rich_help_panel=_SHARED,
    ),
)
PASSPHRASE: Final = (
    option("passphrase_file", Path | None, None, help="File with the passphrase, mode 0600.", rich_help_panel=_SIGNING),
    option("passphrase_fd", int | None, None, help="Descriptor to read the passphrase from.", rich_help_panel=_SIGNING),
)
PIN: Final = (
    option("pin_file", Path | None, None, help="File with the token's PIN, mode 0600.", rich_help_panel=_SIGNING),
    option("pin_fd", int | None, None, help="Descriptor to read the token's PIN from.", rich_help_panel=_SIGNING),
)
TOKEN: Final = (
    option(
        "pkcs11_module",
        Path | None,
        None,
        envvar="SHARELEDGER_PKCS11_MODULE",
        help="Library of a PKCS#11 token 密码设备.",
        rich_help_panel=_SIGNING,
    ),
    option(
        "pkcs11_token",
        str | None,
        None,
        envvar="SHARELEDGER_PKCS11_TOKEN",
        help="Label of that token.",
        rich_help_panel=_SIGNING,
    ),
    *PIN,
)
LEDGER: Final = option(
    "ledger",
    Path | None,
    None,
    envvar="SHARELEDGER_LEDGER_FILE",
    help="The ledger's manifest, got from somewhere you trust; else the server's word is taken for which ledger it is.",
    rich_help_panel=_SIGNING,
)
WAIT: Final = option("wait", int, 30, help="Seconds to wait until the act is final; 0: do not.", min=0, max=3600)
ACT: Final = (
    WAIT,
    option(
        "keystore",
        Path | None,
        None,
        help="Key file to sign with, here; else the server signs with the key it holds for the department.",
        rich_help_panel=_SIGNING,
    ),
    *PASSPHRASE,
    option(
        "pkcs11_key",
        str | None,
        None,
        help="Address or label of a key in the PKCS#11 token to sign with, here, instead of --keystore.",
        rich_help_panel=_SIGNING,
    ),
    *TOKEN,
    LEDGER,
    option(
        "valid_for",
        int,
        900,
        help="Seconds a signature made here may wait to be recorded.",
        min=1,
        max=86_400,
        rich_help_panel=_SIGNING,
    ),
    option("yes", bool, False, "--yes", help="Do not ask before signing.", rich_help_panel=_SIGNING),
)
LIST: Final = (
    option("limit", int, 100, help="How many at most.", min=1),
    option("after", str, None, help="Continue after this one, as the last answer said."),
    option("all", bool, False, "--all", help="Everything, page after page."),
)
