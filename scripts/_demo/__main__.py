"""The command line of the demonstration: ./scripts/demo"""

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import httpx

from keys.errors import KeysError
from ledger.cli.failures import Answered
from ledger.errors import ShareLedgerError
from scripts._demo.office import Unexpected
from scripts._demo.result import Result
from scripts._demo.story import tell
from scripts._demo.telling import Teller
from scripts._demo.world import World, world

INTERRUPTED = 130
_EXPLAINED = (Unexpected, ShareLedgerError, KeysError, httpx.HTTPError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, _interrupted)
    teller, result = Teller(aside=options.json), Result()
    answered = False
    try:
        with world(_from_caller(options.keep), options.node) as made:
            _play(made, teller, result)
            _sum_up(teller, result, made if options.keep else None)
            answered = _answer(options, result)
            if options.serve:
                _serve(teller, made)
        return 0
    except KeyboardInterrupt:
        teller.failure("interrupted")
        code = INTERRUPTED
    except _EXPLAINED as error:
        teller.failure(_explained(error))
        code = 1
    except Exception as error:
        teller.failure(f"a defect: {type(error).__name__}: {error}")
        teller.console.print("".join(traceback.format_exception(error)), markup=False)
        code = 1
    result.ok = False
    answered = answered or _answer(options, result)
    return code


def _play(made: World, teller: Teller, result: Result) -> None:
    try:
        tell(made, teller, result)
    except BaseException:
        if told := made.log():
            teller.console.print("the server's last words:", style="dim")
            teller.console.print(told, style="dim", markup=False)
        raise


def _answer(options: argparse.Namespace, result: Result) -> bool:
    """The one object, if it was asked for."""
    if options.json:
        print(json.dumps(result.to_json(), ensure_ascii=False), flush=True)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./scripts/demo",
        description="Plays the product's main job on real data, over HTTP, in six steps: "
        "departments, anchoring, sharing, refusals, quality, audit.",
        epilog="Exit codes: 0 all of it held, 1 something did not, 130 interrupted.",
    )
    parser.add_argument(
        "--json", action="store_true", help="tell the story on stderr; stdout's last line is one object"
    )
    parser.add_argument(
        "--keep",
        metavar="DIR",
        type=Path,
        help="leave the untampered ledger in DIR (empty or not there yet), its passphrase and keys in DIR-secrets",
    )
    parser.add_argument(
        "--serve", action="store_true", help="leave the product running until Ctrl-C; print its address"
    )
    parser.add_argument(
        "--node",
        metavar="URL",
        help="play on the chain behind this JSON-RPC address, where gas must be free, in place of a new local chain",
    )
    return parser


def _from_caller(keep: Path | None) -> Path | None:
    """A relative path is meant from where the caller stands, not from the repository."""
    return None if keep is None else Path(os.path.abspath(Path(os.environ.get("CALLED_FROM", "."), keep)))


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _sum_up(teller: Teller, result: Result, kept: World | None) -> None:
    teller.console.print()
    teller.fact(
        f"完成：{result.records:,} 条记录，{result.entries} 条账本条目，{result.seconds:.0f} 秒",
        f"done: {result.records:,} records, {result.entries} entries, {result.seconds:.0f} s",
    )
    if kept is not None:
        teller.fact(f"账本保留在 {kept.home}", f"passphrase and keys are in {kept.secrets}")
        teller.deed("可自行重放", f"replay it: SHARELEDGER_HOME={kept.home} .venv/bin/shareledger audit replay")


def _serve(teller: Teller, made: World) -> None:
    """Until Ctrl-C. Raises Unexpected if the server ends by itself."""
    address = made.start()
    teller.fact(f"服务运行于 {address}", "running until Ctrl-C")
    teller.deed(f"API 密钥在 {made.secrets}", f"API keys are in that folder; the API: {address}/openapi.json")
    try:
        ended = made.wait()
    except KeyboardInterrupt:
        return
    raise Unexpected(f"the server ended by itself with {ended}: {made.log()}")


def _explained(error: Exception) -> str:
    if isinstance(error, ShareLedgerError):
        code = error.problem.get("code") if isinstance(error, Answered) else error.code
        return f"{error.detail} [{code}] {error.next_step}"
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
