"""The one composition root: settings → everything the API, the command line and the loops work with.

A home holds `manifest.json` (which ledger), `keystore/`, `courier` (the address that carries), and by default `chain/`
(the local chain), `store/` (SQLite), `payloads/` and `scratch/`. All of it is this user's alone.
"""

import asyncio
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keys.keyring import Keyring
from keys.keystore import Keystore
from keys.passphrases import PassphraseSource
from ledger.chain.deployment import check
from ledger.chain.local.address import running_endpoint
from ledger.chain.local.chain import LocalChain
from ledger.chain.node import RpcNode
from ledger.chain.packer import CourierPacker
from ledger.chain.rpc import Rpc
from ledger.chain.views import RpcViews
from ledger.domain.manifest import Manifest
from ledger.errors import InvalidInput, NotReady, WrongChain
from ledger.host import CourierAccount, FinalSignal, HostSignatures, SystemClock
from ledger.loops import Loops
from ledger.ports import Ports
from ledger.services.carrying import Submitter
from ledger.services.following import Follower
from ledger.settings import Settings
from ledger.store.engine import open_engine
from ledger.store.payloads import Payloads
from ledger.store.schema import check_schema
from ledger.store.unit_of_work import SqlStore
from ledger.store.vault import Vault

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

    def status(self) -> dict[str, Any]:
        """Why this is not ready to write, if it is not."""
        reasons = [f"{loop}: {why}" for loop, why in sorted(self.loops.trouble.items())]
        if self.loops.diverged is not None:
            reasons.append(self.loops.diverged.detail)
        if self.local_chain is not None and self.local_chain.failure is not None:
            reasons.append(self.local_chain.failure.detail)
        return {"ready": not reasons, "reasons": reasons, "journal": self.manifest.journal}

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
    settings: Settings, passphrase: PassphraseSource | None = None, *, on_progress: Progress | None = None
) -> AsyncIterator[Runtime]:
    """Open the home's ledger after every start-up check. Without a passphrase nothing can be signed or decrypted.

    Raises NotReady (no home, no manifest, no chain), WrongChain, WrongSchema, Unavailable.
    """
    manifest = read_manifest(settings)
    async with AsyncExitStack() as stack:
        engine = open_engine(settings.database)
        stack.push_async_callback(engine.dispose)
        await check_schema(engine)
        local_chain, rpc = await _chain(stack, settings, on_progress)
        await check(rpc, manifest)
        store = SqlStore(engine, manifest.chain_id)
        node = RpcNode(rpc, manifest)
        await _check_history(store, node, manifest)

        keyring = Keyring(Keystore(settings.keystore), passphrase) if passphrase else None
        vault = Vault(await asyncio.to_thread(keyring.secret, VAULT) if keyring else secrets.token_bytes(32))
        payloads = Payloads.local(private_folder(settings.payloads))
        clock, final = SystemClock(), FinalSignal()
        ports = Ports(
            store=store,
            node=node,
            signatures=HostSignatures(keyring, apart=(read_courier(settings),) if keyring else ()),
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
            holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
            submitter = Submitter(store, node, packer, clock, holder, settings.confirmations)
        follower = Follower(store, node, manifest, settings.confirmations)
        loops = Loops(follower, submitter, final, clock, settings.poll_ms / 1000, settings.idle_ms / 1000)
        yield Runtime(settings, manifest, ports, store, payloads, rpc, keyring, loops, local_chain)


@asynccontextmanager
async def open_chain(settings: Settings, *, on_progress: Progress | None = None) -> AsyncIterator[Rpc]:
    """The chain alone: the configured nodes, the local chain another process runs, or one of our own."""
    async with AsyncExitStack() as stack:
        _, rpc = await _chain(stack, settings, on_progress)
        yield rpc


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
    rpc = Rpc(*urls)
    stack.push_async_callback(rpc.close)
    return local_chain, rpc


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
            remedy="Point SHARELEDGER_RPC_URLS at the chain that was followed so far; nothing was written.",
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
    try:
        return (settings.home / "courier").read_text().strip()
    except FileNotFoundError:
        raise NotReady("this home has no courier", remedy="Deploy with `shareledger chain deploy`.") from None


def private_folder(path: Path) -> Path:
    """Make the folder, for this user only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
