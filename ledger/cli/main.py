"""The console command. Only the noun a run needs is imported, so --help answers at once."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command, get_group

from ledger.cli.failures import GOOD, INTERRUPTED, NOT_RUN, InvalidOption, problem_of
from ledger.cli.output import Output
from ledger.cli.run import Surroundings
from ledger.cli.texts import lang_of

LOCAL_NOUNS: Final = {
    "fingerprint": "Fingerprint a table or file where it lies 计算指纹.",
}
CLIENT_NOUNS: Final = {
    "department": "Departments 部门: register, change, list, show.",
    "key": "Keys 密钥: enrol, retire, list, show, create, find.",
    "dataset": "Datasets 数据目录: submit, withdraw, publish, return, list, show.",
    "version": "Versions 版本: anchor, verify, diff, prove, growth, material, shred, list, show.",
    "share": "Shares 共享: every act from request to end; list, show, history, records, download, evidence.",
    "attest": "Attestations 质量评估: make, withdraw, list.",
    "correction": "Corrections 校核: request, resolve, list.",
    "rule": "Rules 规则: publish, list.",
    "checkpoint": "Checkpoints 检查点: publish, list.",
    "document": "Documents 文档: show, get.",
    "submission": "Acts on their way 提交: list, show, wait.",
    "entry": "Entries of the ledger 账本条目: list, show.",
}
HOME_NOUNS: Final = {
    "up": "Run everything here: chain, store, API 启动全部.",
    "serve": "Run the API on a ledger that is deployed 启动服务.",
    "chain": "The chain 链: status, deploy, courier.",
    "store": "Database and payloads 数据库与数据: migrate, rebuild, sweep.",
    "backup": "Backups 备份: create, verify, restore.",
    "audit": "Audits 审计: replay.",
    "api-key": "API keys 接口密钥: issue, list, revoke.",
    "doctor": "Examine this home and say what to do 自检.",
    "config": "Configuration 配置: show.",
}
VERBS: Final = frozenset({"up", "serve", "doctor", "fingerprint"})  # commands by themselves
_PANELS: Final = (("On files", LOCAL_NOUNS), ("On a server", CLIENT_NOUNS), ("In this ledger's home", HOME_NOUNS))
_EPILOG: Final = "Exit codes: 0 good, 1 a check failed or an act was refused, 2 it could not run."

app = typer.Typer(
    name="shareledger",
    help="An evidence ledger for government data sharing 政务数据共享存证账本.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"shareledger {version('shareledger')}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def commands(arguments: Sequence[str]) -> TyperGroup:
    """The whole command; nouns that do not occur in `arguments` are there by name and help only."""
    root = get_group(app)
    for panel, nouns in _PANELS:
        for name, help in nouns.items():
            if name in arguments:
                build: Callable[[typer.Typer], Any] = get_command if name in VERBS else get_group
                told = build(import_module(f"ledger.cli.{name.replace('-', '_')}").app)
                told.rich_help_panel = panel
            else:
                told = TyperCommand(name, help=help, rich_help_panel=panel)
            root.add_command(told, name)
    return root


def run(arguments: Sequence[str], surroundings: Surroundings | None = None) -> int:
    """Run the command line and return its exit code. Errors in the command line itself are told like all others."""
    try:
        code = commands(arguments).main(
            list(arguments), prog_name="shareledger", standalone_mode=False, obj=surroundings or Surroundings()
        )
    except typer.Abort:
        return INTERRUPTED
    except TyperException as error:
        return _usage(arguments, error)
    return code if isinstance(code, int) else GOOD


def main() -> None:
    """The entry point `shareledger`."""
    sys.exit(run(sys.argv[1:]))


def _usage(arguments: Sequence[str], error: TyperException) -> int:
    if not error.format_message():  # no verb was given: the help is printed already
        return GOOD
    told = InvalidOption(error.format_message())
    Output(as_json="--json" in arguments, lang=lang_of(os.environ)).problem(problem_of(told))
    return NOT_RUN
