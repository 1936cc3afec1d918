"""Where the local chain of a home can be reached: `rpc.json`, written by the process that drives it."""

import os
from pathlib import Path

import httpx
import orjson

from ledger.chain.rpc import Rpc, number
from ledger.errors import Unavailable

_NAME = "rpc.json"


def announce(directory: Path, url: str, chain_id: int) -> None:
    """Write the address, for this user only and in one step."""
    content = orjson.dumps({"url": url, "pid": os.getpid(), "chain_id": chain_id})
    draft = directory / f"{_NAME}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    draft.replace(directory / _NAME)


def withdraw(directory: Path) -> None:
    """Remove the address. Only the holder of the chain's lock calls this, so it is its own."""
    (directory / _NAME).unlink(missing_ok=True)


async def running_endpoint(directory: Path) -> str | None:
    """The URL of the local chain that another process drives in this folder, if it answers now; else None."""
    try:
        found = orjson.loads((directory / _NAME).read_bytes())
        url, pid, chain_id = str(found["url"]), int(found["pid"]), int(found["chain_id"])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, KeyError, TypeError):
        return None  # never started, stopped by force, or not ours to read
    try:
        async with Rpc(url, timeout=5.0) as rpc:
            return url if number(await rpc.call("eth_chainId")) == chain_id else None
    except (Unavailable, httpx.InvalidURL, ValueError, TypeError):
        return None
