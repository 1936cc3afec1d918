"""The doctor's eyes: looks at a home, its chain, its database and its machine, whatever state they are in.

Nothing is changed, started or made: a home that is not there stays so. Each check stands by itself; what one needs of
another that failed makes it not applicable, and says so.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from keys.passphrases import PassphraseSource
from ledger import machine
from ledger.chain.local.address import running_endpoint
from ledger.chain.local.anvil import find_anvil
from ledger.chain.probing import NodeSeen, block_hash, node_seen
from ledger.domain.manifest import Manifest
from ledger.domain.submissions import MOVING_STATES
from ledger.errors import ShareLedgerError
from ledger.examining_home import home_of, keystore_of, payloads_of, signer_of
from ledger.runtime import read_courier, read_manifest
from ledger.services import diagnosing
from ledger.services.diagnosing import Diagnosis, failed, good, not_applicable, warning
from ledger.services.vitals import Vitals
from ledger.settings import Settings
from ledger.store.probing import DatabaseSeen, database_seen

ANSWER_SECONDS: Final = 5.0  # for a node, a database or a server
CHECK_SECONDS: Final = 60.0  # for anything
DRIFT_SECONDS: Final = 0.2  # how long both clocks are watched
Found = Sequence[Diagnosis]


@dataclass
class Examination:
    """Of one home. `load` gives its settings, or raises; without a `passphrase` no key is opened."""

    load: Callable[[], Settings]
    passphrase: PassphraseSource | None = None
    pin: PassphraseSource | None = None
    manifest: Manifest | None = None
    serving: bool = False
    urls: tuple[str, ...] = ()
    nodes: list[NodeSeen] = field(default_factory=list)
    database: DatabaseSeen | None = None

    async def run(self) -> list[Diagnosis]:
        """Every check, in order of their numbers."""
        found = [*await _guarded("platform", _platform)]
        settings: list[Settings] = []

        async def loaded() -> Found:
            settings.append(self.load())
            return [good("settings")]

        found += await _guarded("settings", loaded)
        if settings:
            for code, step in self._steps().items():
                found += await _guarded(code, lambda step=step: step(settings[0]))  # type: ignore[misc]
        told = {diagnosis.check for diagnosis in found}
        found += [not_applicable(code, "needs-another") for code in diagnosing.CHECKS if code not in told]
        return sorted(found, key=lambda diagnosis: diagnosis.number)

    def _steps(self) -> dict[str, Callable[[Settings], Awaitable[Found]]]:
        """In the order in which they learn from each other."""
        return {
            "home": self._home,
            "manifest": self._manifest,
            "server": self._server,
            "keystore": self._keystore,
            "signer": self._signer,
            "local-chain": self._local_chain,
            "node": self._nodes,
            "comparison": self._comparison,
            "payloads": self._payloads,
            "database": self._database,
            "history": self._history,
            "lag": self._lag,
            "queue": self._queue,
            "clock": self._clock,
            "disk": self._disk,
        }

    # ---- the home and its keys --------------------------------------------------------------------------------------

    async def _home(self, settings: Settings) -> Found:
        return home_of(settings)

    async def _keystore(self, settings: Settings) -> Found:
        return keystore_of(settings)

    async def _signer(self, settings: Settings) -> Found:
        return await signer_of(settings, self.passphrase, self.pin)

    async def _payloads(self, settings: Settings) -> Found:
        return await payloads_of(settings, self.manifest)

    async def _manifest(self, settings: Settings) -> Found:
        if not settings.manifest_file.exists():
            return [failed("manifest", "missing", path=str(settings.manifest_file))]
        try:
            self.manifest = read_manifest(settings)
        except ShareLedgerError as error:
            return [failed("manifest", "damaged", path=str(settings.manifest_file), why=error.detail)]
        return [good("manifest", chain_id=self.manifest.chain_id, journal=self.manifest.journal)]

    # ---- the chain --------------------------------------------------------------------------------------------------

    async def _local_chain(self, settings: Settings) -> Found:
        self.urls = settings.nodes()
        if self.urls:
            return [not_applicable("local-chain", "elsewhere")]
        running = await running_endpoint(settings.chain)
        holder = machine.lock_holder(settings.chain / "chain.lock")
        if running is not None:
            self.urls = (running,)
            return [good("local-chain", "running", pid=holder, address=running)]
        if holder is not None:
            return [warning("local-chain", "silent", pid=holder)]
        if not (settings.chain / "chain.sqlite3").exists():
            return [failed("local-chain", "missing", path=str(settings.chain))]
        try:
            anvil = settings.anvil_bin or find_anvil()
        except ShareLedgerError as error:
            return [failed("local-chain", "no-anvil", why=error.detail)]
        if not os.access(anvil, os.X_OK):
            return [failed("local-chain", "no-anvil", why=str(anvil))]
        return [not_applicable("local-chain", "stopped", anvil=str(anvil))]

    async def _nodes(self, settings: Settings) -> Found:
        self.nodes = [await node_seen(url, self.manifest, ANSWER_SECONDS) for url in self.urls]
        if not self.nodes:
            return [not_applicable("node", "stopped"), not_applicable("contracts", "stopped")]
        found: list[Diagnosis] = []
        for seen in self.nodes:
            found += diagnosing.node(
                seen.name,
                seen.error,
                seen.seconds,
                (seen.chain_id, seen.genesis),
                (self.manifest.chain_id, self.manifest.genesis) if self.manifest else None,
                seen.newest.block if seen.newest else None,
                seen.code_error,
            )
        return found

    async def _comparison(self, settings: Settings) -> Found:
        if not settings.compare_url:
            return [not_applicable("comparison", "none")]
        seen, first = await node_seen(settings.compare_url, self.manifest, ANSWER_SECONDS), self._node
        if seen.error is not None:
            return [failed("comparison", "silent", node=seen.name, why=seen.error)]
        if self.manifest and (seen.chain_id, seen.genesis) != (self.manifest.chain_id, self.manifest.genesis):
            return [failed("comparison", "another-chain", node=seen.name, chain_id=seen.chain_id)]
        if first is None or first.newest is None or seen.newest is None:
            return [not_applicable("comparison", "needs-another")]
        height = max(0, min(first.newest.block, seen.newest.block) - settings.confirmations)
        urls = (self.urls[self.nodes.index(first)], settings.compare_url)
        ours, theirs = [await block_hash(url, height, ANSWER_SECONDS) for url in urls]
        facts = {"node": seen.name, "block": height, "ours": ours, "theirs": theirs}
        return [good("comparison", **facts) if ours == theirs else failed("comparison", "disagrees", **facts)]

    @property
    def _node(self) -> NodeSeen | None:
        """The first that answers."""
        return next((seen for seen in self.nodes if seen.error is None and seen.newest is not None), None)

    # ---- the database -----------------------------------------------------------------------------------------------

    async def _database(self, settings: Settings) -> Found:
        courier = read_courier(settings) if settings.courier_file.exists() else ""
        seen = await database_seen(settings.database, settings.database_file, courier, ANSWER_SECONDS)
        if seen.missing:
            return [failed("database", "missing", path=str(settings.database_file))]
        if seen.error is not None:
            return [failed("database", "unreadable", why=seen.error)]
        kind = "SQLite" if settings.database_file else settings.database.partition(":")[0]
        found = [good("database", kind=kind)]
        if seen.schema_error is not None:
            return [*found, failed("schema", "other", why=seen.schema_error)]
        self.database = seen
        return [*found, good("schema")]

    async def _history(self, settings: Settings) -> Found:
        if self.database is None or self.manifest is None:
            return [not_applicable("history", "needs-another")]
        cursor = self.database.cursor
        if cursor is None:
            return [not_applicable("history", "nothing-followed")]
        if self.database.identity != (self.manifest.chain_id, self.manifest.journal):
            return [failed("history", "another-ledger")]
        node = self._node
        if node is None:
            return [not_applicable("history", "needs-another")]
        there = await block_hash(self.urls[self.nodes.index(node)], cursor.block.number, ANSWER_SECONDS)
        facts = {"block": cursor.block.number, "ours": cursor.block.hash, "theirs": there, "entries": cursor.size}
        if there is not None and there != cursor.block.hash:
            return [failed("history", "another-chain", **facts)]
        return [good("history", **facts)]

    async def _lag(self, settings: Settings) -> Found:
        node = self._node
        if self.database is None or self.database.cursor is None or node is None or node.newest is None:
            return [not_applicable("lag", "needs-another")]
        followed = self.database.cursor.block.number
        return [diagnosing.lag(followed, node.newest.block, settings.confirmations, settings.alarm_lag_blocks)]

    async def _queue(self, settings: Settings) -> Found:
        """And who carries it."""
        if self.database is None:
            return [not_applicable("queue", "needs-another"), not_applicable("lease", "needs-another")]
        seen = Vitals(time.time(), waiting=self.database.waiting)
        count = sum(told.count for state, told in self.database.waiting.items() if state in MOVING_STATES)
        held = self.database.lease
        left = held.expires / 1000 - time.time() if held else 0.0
        return [
            diagnosing.queue(count, seen.oldest_waiting, settings.alarm_waiting_seconds),
            diagnosing.lease(held.holder if held else None, left, self.serving),
        ]

    # ---- the machine ------------------------------------------------------------------------------------------------

    async def _clock(self, settings: Settings) -> Found:
        node, state = self._node, machine.clock_state()
        ahead = node.newest.time - time.time() if node and node.newest else None
        wall, steady = time.time(), time.monotonic()
        await asyncio.sleep(DRIFT_SECONDS)
        drift = (time.time() - wall) - (time.monotonic() - steady)
        synchronised, error = (state.synchronised, state.error) if state else (None, None)
        return [diagnosing.clock(ahead, drift, synchronised, error, settings.alarm_clock_seconds)]

    async def _disk(self, settings: Settings) -> Found:
        found = await asyncio.to_thread(machine.disks, settings.places())
        free = {place: (disk.free, disk.files) for place, disk in found.items()}
        return [diagnosing.disk(free, settings.alarm_disk_mib * machine.MIB)]

    async def _server(self, settings: Settings) -> Found:
        if settings.port == 0:
            return [not_applicable("server", "any-port")]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
        address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False, verify=False) as client:
                answer = (await client.get(address + "/readyz")).json()
        except (httpx.HTTPError, ValueError):
            return [not_applicable("server", "silent", address=address)]
        if not isinstance(answer, dict) or not ("ready" in answer or answer.get("code") == "not-ready"):
            return [not_applicable("server", "another", address=address)]
        if self.manifest and answer.get("journal", self.manifest.journal) != self.manifest.journal:
            return [not_applicable("server", "another", address=address)]
        self.serving = True
        if answer.get("ready") is True:
            return [good("server", address=address)]
        return [failed("server", "not-ready", address=address, why=str(answer.get("detail", "")))]


async def _platform() -> Found:
    return [diagnosing.platform(sys.version_info[:2], machine.platform_facts())]


async def _guarded(code: str, step: Callable[[], Awaitable[Found]]) -> Found:
    """A check that breaks has failed: a doctor that faints helps nobody."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await step()
    except TimeoutError:
        return [failed(code, "no-end", seconds=CHECK_SECONDS)]
    except ShareLedgerError as error:
        return [failed(code, "broken", why=error.detail)]
    except OSError as error:
        return [failed(code, "broken", why=f"{error.filename}: {error.strerror}" if error.filename else str(error))]
    except Exception as error:
        return [failed(code, "broken", why=type(error).__name__)]
