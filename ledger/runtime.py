"""The one composition root: settings → everything the API, the command line and the loops work with.

A home holds `manifest.json` (which ledger), `keystore/`, `courier` (who carries), and by default `chain/`
(the local chain), `store/` (SQLite), `payloads/` and `scratch/`. All of it is this user's alone.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from keys.keyring import Keyring
from keys.passphrases import PassphraseSource
from ledger.chain.choosing import Choosing
from ledger.chain.deployment import check
from ledger.chain.local.address import running_endpoint
from ledger.chain.local.chain import LocalChain
from ledger.chain.node import RpcNode
from ledger.chain.packer import CourierPacker
from ledger.chain.rpc import Rpc, without_secrets
from ledger.chain.views import RpcViews
from ledger.domain.manifest import Manifest
from ledger.errors import InvalidInput, NotReady, WrongChain
from ledger.host import CourierAccount, FinalSignal, HostSignatures, SystemClock, open_keyring
from ledger.loops import Loops
from ledger.machine import MIB
from ledger.payload_place import open_payloads
from ledger.ports import Ports
from ledger.processes import has_ended, own_name
from ledger.services.alarming import Alarms
from ledger.services.carrying import Submitter
from ledger.services.comparing import Comparison
from ledger.services.following import Follower
from ledger.services.sweeping import sweep_quietly
from ledger.services.vitals import Limits
from ledger.settings import Settings
from ledger.store.engine import open_engine
from ledger.store.payloads import Payloads
from ledger.store.schema import check_schema
from ledger.store.unit_of_work import SqlStore
from ledger.store.vault import Vault
from ledger.watching import Watch

VAULT = "vault"  # the keystore's name for the key that wraps the payloads' keys
Progress = Callable[[int, int], None]


@dataclass
class Runtime:
    """A ledger that is open: its ports, and what keeps it moving."""

    settings: Settings
    manifest: Manifest
    ports: Ports
    store: SqlStore
    payloads: Payloads
    rpc: Rpc
    keyring: Keyring | None
    loops: Loops
    local_chain: LocalChain | None
    watch: Watch

    def wake(self) -> None:
        """Acts were queued: look at once."""
        self.loops.wake()

    def check_writable(self) -> None:
        """Raises Diverged once the node has contradicted what was final: an act taken now might never be carried."""
        if self.loops.diverged is not None:
            raise self.loops.diverged

    async def create_key(self) -> str:
        """A new key in this host's keystore; its address. Raises NotReady without an open keystore."""
        if self.keyring is None:
            raise NotReady("no keystore is open", remedy="Start with a passphrase source.")
        return (await self.keyring.create_key()).address

    @property
    def alarms(self) -> Alarms:
        """Where anyone who sees a trouble says so."""
        return self.watch.alarms

    def status(self) -> dict[str, Any]:
        """Why this is not ready to write, if it is not, and every alarm that is up."""
        return {**self.watch.status(), "journal": self.manifest.journal}

    async def run(self) -> None:
        """Loops and watch, until cancelled. The watch goes on where the loops end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.loops.run())
            group.create_task(self.watch.run())

    async def catch_up(self) -> int:
        """Follow everything that is final now; the number of new entries."""
        found = 0
        while True:
            before = await self._followed()
            found += await self.loops.follower.step()
            if await self._followed() == before:
                return found

    async def _followed(self) -> int:
        async with self.store.read() as work:
            cursor = await work.cursor()
        return cursor.block.number if cursor else -1


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    passphrase: PassphraseSource | None = None,
    *,
    pin: PassphraseSource | None = None,
    any_history: bool = False,
    on_progress: Progress | None = None,
) -> AsyncIterator[Runtime]:
    """Open the home's ledger after every start-up check. Without a passphrase nothing can be signed or decrypted.

    `any_history`: also on a chain that contradicts what was followed so far, so that it can be followed anew.
    `pin` opens the PKCS#11 token, if the settings name one. Raises NotReady (no home, no manifest, no chain, no
    courier key), WrongChain, WrongSchema, Unavailable, keys.errors.KeysError.
    """
    manifest = read_manifest(settings)
    async with AsyncExitStack() as stack:
        engine = open_engine(settings.database)
        stack.push_async_callback(engine.dispose)
        await check_schema(engine)
        local_chain, rpc = await _chain(stack, settings, on_progress)
        rpc.expect(manifest.chain_id, manifest.genesis)
        await check(rpc, manifest)
        await rpc.meet_all()
        store = SqlStore(engine, manifest.chain_id)
        node = RpcNode(rpc, manifest)
        if not any_history:
            await _check_history(store, node, manifest)

        keyring = await _keyring(stack, settings, passphrase, pin)
        vault = Vault(await asyncio.to_thread(keyring.secret, VAULT) if keyring else secrets.token_bytes(32))
        payloads = await open_payloads(settings, manifest, writing=keyring is not None)
        clock, final = SystemClock(), FinalSignal()
        ports = Ports(
            store=store,
            node=node,
            signatures=HostSignatures(keyring, apart=read_couriers(settings) if keyring else ()),
            payloads=payloads,
            vault=vault,
            clock=clock,
            manifest=manifest,
            final=final,
            views=RpcViews(rpc, manifest),
            scratch=private_folder(settings.scratch),
        )
        submitter = None
        if keyring is not None:
            account = CourierAccount(keyring, read_courier(settings), manifest.chain_id)
            packer = CourierPacker(account.address, manifest, account.sign)
            submitter = Submitter(store, node, packer, clock, own_name(), settings.confirmations, has_ended=has_ended)
        follower = Follower(store, node, manifest, settings.confirmations)
        loops = Loops(follower, submitter, final, clock, settings.poll_ms / 1000, settings.idle_ms / 1000)
        watch = _watch(stack, settings, manifest, rpc, loops, local_chain)
        loops.choosing = Choosing(rpc) if len(rpc.urls) > 1 else None
        if keyring is not None:
            loops.sweeping = partial(sweep_quietly, ports, older_than=timedelta(hours=settings.orphan_hours))
        loops.comparison = _comparison(stack, settings, manifest, store, node)
        if loops.comparison is not None:
            loops.comparison.tell = watch.alarms.tell
        yield Runtime(settings, manifest, ports, store, payloads, rpc, keyring, loops, local_chain, watch)


@asynccontextmanager
async def open_chain(settings: Settings, *, on_progress: Progress | None = None) -> AsyncIterator[Rpc]:
    """The chain alone: the configured nodes, the local chain another process runs, or one of our own."""
    async with AsyncExitStack() as stack:
        _, rpc = await _chain(stack, settings, on_progress)
        yield rpc


async def _keyring(
    stack: AsyncExitStack, settings: Settings, passphrase: PassphraseSource | None, pin: PassphraseSource | None
) -> Keyring | None:
    """What this process may sign with; None without a passphrase. Raises NotReady if it cannot carry."""
    if passphrase is None:
        return None
    keyring = await asyncio.to_thread(open_keyring, settings, passphrase, pin)
    stack.callback(keyring.forget)
    courier = read_courier(settings)
    if not keyring.holds(courier):
        raise NotReady(
            f"the key of the courier {courier} is neither in the keystore nor in a token named by the settings",
            remedy="Name its token (SHARELEDGER_PKCS11_TOKEN), or make a new one with `shareledger chain courier`.",
        )
    return keyring


async def _chain(
    stack: AsyncExitStack, settings: Settings, on_progress: Progress | None
) -> tuple[LocalChain | None, Rpc]:
    urls, local_chain = settings.nodes(), None
    if not urls:
        private_folder(settings.home)
        running = await running_endpoint(settings.chain)
        if running is None:
            local_chain = await stack.enter_async_context(
                LocalChain(
                    settings.chain,
                    chain_id=settings.chain_id,
                    anvil=settings.anvil_bin,
                    on_progress=on_progress,
                    history=max(32, settings.confirmations + 8),
                )
            )
        urls = (running or local_chain.url,) if local_chain else (str(running),)
    rpc = Rpc(*urls, timeout=settings.rpc_seconds, measured=True)
    stack.push_async_callback(rpc.close)
    return local_chain, rpc


def _comparison(
    stack: AsyncExitStack, settings: Settings, manifest: Manifest, store: SqlStore, node: RpcNode
) -> Comparison | None:
    """With the second node, if the settings name one."""
    if not settings.compare_url:
        return None
    rpc = Rpc(settings.compare_url, timeout=settings.rpc_seconds, measured=True)
    stack.push_async_callback(rpc.close)
    rpc.expect(manifest.chain_id, manifest.genesis)
    name = f"the second node {without_secrets(settings.compare_url)}"
    second, seconds = RpcNode(rpc, manifest), settings.compare_seconds
    return Comparison(store, node, second, manifest, settings.confirmations, name, seconds=seconds)


def _watch(
    stack: AsyncExitStack, settings: Settings, manifest: Manifest, rpc: Rpc, loops: Loops, chain: LocalChain | None
) -> Watch:
    engine = open_engine(settings.database)  # its connection is opened when it first looks
    stack.push_async_callback(engine.dispose)
    limits = Limits(
        node_seconds=settings.alarm_node_seconds,
        lag_seconds=settings.alarm_lag_seconds,
        lag_blocks=settings.alarm_lag_blocks,
        waiting_seconds=settings.alarm_waiting_seconds,
        disk_bytes=settings.alarm_disk_mib * MIB,
        clock_seconds=settings.alarm_clock_seconds,
    )
    return Watch(
        store=SqlStore(engine, manifest.chain_id),
        rpc=rpc,
        loops=loops,
        clock=SystemClock(),
        limits=limits,
        journal=manifest.journal,
        confirmations=settings.confirmations,
        courier=loops.submitter.packer.courier if loops.submitter else "",
        places=settings.places(),
        database_file=settings.database_file,
        local_chain=chain,
        seconds=settings.watch_ms / 1000,
    )


async def _check_history(store: SqlStore, node: RpcNode, manifest: Manifest) -> None:
    """The database is of this ledger, and its last followed block is on the node's chain, if the node is that far."""
    async with store.read() as work:
        identity, cursor = await work.identity(), await work.cursor()
    if identity is None or cursor is None:
        return
    if identity != (manifest.chain_id, manifest.journal):
        raise WrongChain(
            "the database belongs to another ledger than the manifest",
            remedy="Point SHARELEDGER_DATABASE_URL at this ledger's database, or run `shareledger store rebuild`.",
        )
    there = await node.block(cursor.block.number)
    if there is not None and there != cursor.block:
        raise WrongChain(
            f"block {cursor.block.number} was final with hash {cursor.block.hash}; this chain has {there.hash}",
            remedy="Point SHARELEDGER_RPC_URLS at the chain that was followed so far; nothing was written. If "
            "that chain was taken back for good, read what scripts/monitoring/README.md says of node_diverged.",
        )


def read_manifest(settings: Settings) -> Manifest:
    """Raises NotReady if there is none."""
    try:
        return Manifest.from_json(json.loads(settings.manifest_file.read_text()))
    except FileNotFoundError:
        raise NotReady(
            f"there is no ledger in {settings.home}",
            remedy="Run `shareledger chain deploy`, or set SHARELEDGER_HOME to the folder of an existing ledger.",
        ) from None
    except (ValueError, InvalidInput) as error:
        raise NotReady(f"{settings.manifest_file} is damaged: {error}", remedy="Restore it from a backup.") from None


def read_courier(settings: Settings) -> str:
    """The address of the account that carries. Raises NotReady."""
    return read_couriers(settings)[0]


def read_couriers(settings: Settings) -> tuple[str, ...]:
    """The account that carries, then those that did before: none of them signs an act. Raises NotReady."""
    try:
        return tuple(settings.courier_file.read_text().split())
    except FileNotFoundError:
        raise NotReady("this home has no courier", remedy="Deploy with `shareledger chain deploy`.") from None


def private_folder(path: Path) -> Path:
    """Make the folder, for this user only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
