"""Where the story takes place: a fresh home, its secrets in another folder, and the product running on it.

    <name>          the home, mode 0700: manifest, keystore, chain, store, payloads
    <name>-secrets  beside it, mode 0700: the keystore's passphrase, API keys, and the keys that a department keeps

Whoever copies the home has no secret in plain text. Both are removed at the end unless they are to be kept.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from keys.passphrases import generate
from keys.private_files import create_private
from ledger.domain.acts import Duty
from ledger.host import SystemClock
from ledger.runtime import read_manifest
from ledger.services import api_keys
from ledger.settings import PREFIX, Settings
from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore
from scripts._demo.cast import Part
from scripts._demo.office import Unexpected

SHARELEDGER: Final = Path(__file__).parents[2] / ".venv/bin/shareledger"
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20


class World:
    """One ledger, from nothing."""

    def __init__(self, home: Path, secrets: Path, node: str | None = None) -> None:
        self.home, self.secrets, self.node = home, secrets, node
        self.passphrase = generate()
        self.passphrase_file = secrets / "passphrase"
        create_private(self.passphrase_file, self.passphrase.reveal() + b"\n")
        self.address = ""
        self._server: subprocess.Popen[str] | None = None

    def cli(self, *arguments: str, home: Path | None = None, expected: int = 0, **settings: str) -> Any:
        """What `shareledger … --json` prints. Raises Unexpected if it exits otherwise than expected."""
        command = [str(SHARELEDGER), *arguments, "--json"]
        done = subprocess.run(
            command, env=self._environment(home, settings), capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode != expected:
            told = (done.stderr or done.stdout).strip()[-2000:]
            raise Unexpected(f"`shareledger {' '.join(arguments)}` exited with {done.returncode}: {told}")
        return json.loads(done.stdout)

    def start(self) -> str:
        """Run `shareledger up` on a free port of the loopback; its address once it is ready."""
        command = [str(SHARELEDGER), "up", "--passphrase-file", str(self.passphrase_file), "--json"]
        log = (self.secrets / "server.log").open("a")
        self._server = subprocess.Popen(
            command,
            env=self._environment(None, {PREFIX + "PORT": "0", PREFIX + "LOG_LEVEL": "WARNING"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # a Ctrl-C in the terminal is for us; we stop the server ourselves
        )
        log.close()
        self.address = self._told_address(self._server)
        return self.address

    def _told_address(self, server: "subprocess.Popen[str]") -> str:
        """The first line it prints is {"address": …}."""
        late = threading.Timer(START_SECONDS, server.kill)
        late.start()
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
        finally:
            late.cancel()
        try:
            return str(json.loads(line)["address"])
        except (ValueError, KeyError, TypeError):
            raise Unexpected(f"`shareledger up` did not start: {self.log()}") from None

    def log(self) -> str:
        """The end of what the server said."""
        try:
            return (self.secrets / "server.log").read_text()[-2000:].strip()
        except OSError:
            return ""

    def wait(self) -> int:
        """Until the server ends by itself."""
        assert self._server is not None
        return self._server.wait()

    def stop(self) -> None:
        """End the server and all it started. Harmless if it does not run."""
        server, self._server = self._server, None
        if server is None:
            return
        if server.poll() is None:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # nothing of its group outlives it
        server.wait()
        if server.stdout is not None:
            server.stdout.close()

    def issue_api_key(self, part: Part) -> str:
        """A new API key of the department, as `shareledger api-key issue` makes it; also in `api_key_file`."""

        async def issued() -> api_keys.Issued:
            settings = Settings(home=self.home)
            engine = open_engine(settings.database)
            try:
                store = SqlStore(engine, read_manifest(settings).chain_id)
                return await api_keys.issue(store, SystemClock(), part.code, Duty.DIRECTOR, part.roles, "demo", days=30)
            finally:
                await engine.dispose()

        token = asyncio.run(issued()).token
        create_private(self.api_key_file(part.code), token.encode() + b"\n")
        return token

    def api_key_file(self, department: str) -> Path:
        return self.secrets / f"api-key-{department}"

    def _environment(self, home: Path | None, settings: dict[str, str]) -> dict[str, str]:
        """The caller's environment without its own settings of this product."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        chain = {PREFIX + "RPC_URLS": self.node} if self.node else {}
        return kept | {PREFIX + "HOME": str(home or self.home)} | chain | settings


@contextmanager
def world(keep: Path | None, node: str | None = None) -> Iterator[World]:
    """A world that ends with the block; its files stay only if `keep` names their folder. Raises Unexpected.

    `node`: the JSON-RPC address of a chain to play on, in place of a new local one.
    """
    if keep is None:
        with (
            tempfile.TemporaryDirectory(prefix="shareledger-demo-") as folder,
            _running(Path(folder) / "home", Path(folder) / "home-secrets", node) as made,
        ):
            yield made
        return
    secrets = keep.with_name(keep.name + "-secrets")
    if secrets.exists() or (keep.exists() and (not keep.is_dir() or any(keep.iterdir()))):
        raise Unexpected(f"--keep wants a folder that is empty or not there yet, and no {secrets.name} beside it")
    with _running(keep, secrets, node) as made:
        yield made
    shutil.rmtree(secrets / "scratch", ignore_errors=True)


@contextmanager
def _running(home: Path, secrets: Path, node: str | None) -> Iterator[World]:
    for folder in (home, secrets, secrets / "scratch"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    made = World(home, secrets, node)
    try:
        yield made
    finally:
        made.stop()
