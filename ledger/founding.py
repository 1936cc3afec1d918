"""Founding a ledger: keys for the root authority and the courier, the contracts, the manifest. Once per home."""

import asyncio
import json
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keys.keystore import Keystore
from keys.passphrases import PassphraseSource
from ledger.chain.deployment import chain_identity, deploy
from ledger.domain.acts import Custody, KeyKind, Level, Role
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST, parse_code
from ledger.domain.manifest import Manifest
from ledger.errors import Conflict
from ledger.host import CourierAccount, open_keyring
from ledger.ports import StoredDocument
from ledger.runtime import VAULT, Progress, open_chain, private_folder
from ledger.settings import Settings
from ledger.store.engine import open_engine
from ledger.store.schema import migrate
from ledger.store.unit_of_work import SqlStore


@dataclass(frozen=True, slots=True)
class Founded:
    manifest: Manifest
    directors: tuple[str, ...]  # the root's director keys
    courier: str


async def found(
    settings: Settings,
    passphrase: PassphraseSource,
    *,
    pin: PassphraseSource | None = None,
    code: str,
    level: Level,
    roles: Role = Role.AUTHORITY | Role.PROVIDER | Role.CONSUMER,
    directors: tuple[str, ...] = (),
    name: str | None = None,
    on_progress: Progress | None = None,
) -> Founded:
    """Deploy a new ledger whose root authority is `code`, and leave the home ready to serve.

    `name` goes into a document that entry 0 names. `directors`: one or two addresses of keys kept elsewhere; without
    any, two are made here (custody: host). Keys made here are made in the settings' PKCS#11 token, if they name one,
    which `pin` opens. If it is cut short before the manifest is written, it can be run again;
    nothing points at what it left on the chain.
    Raises Conflict if the home has a ledger already, InvalidCode, Unavailable.
    """
    parse_code(code)
    private_folder(settings.home)
    if settings.manifest_file.exists():
        raise Conflict(f"{settings.home} has a ledger already", remedy="Set SHARELEDGER_HOME to an empty folder.")
    keyring = await asyncio.to_thread(open_keyring, settings, passphrase, pin)
    keystore = Keystore(settings.keystore)
    if VAULT not in keystore.secrets():
        await asyncio.to_thread(keystore.create_secret, VAULT, passphrase())
    custody = Custody.OWN if directors else Custody.HOST
    first, second = [*(directors or [(await keyring.create_key()).address for _ in range(2)]), None][:2]
    courier = (await keyring.create_key()).address

    async with AsyncExitStack() as stack:
        stack.callback(keyring.forget)
        rpc = await stack.enter_async_context(open_chain(settings, on_progress=on_progress))
        chain_id, _ = await chain_identity(rpc)
        account = CourierAccount(keyring, courier, chain_id)
        root: dict[str, Any] = {"department": code, "level": int(level), "roles": int(roles)}
        document = Document.make("department", name=name, **root) if name else None
        root["document"] = document.digest if document else ZERO_DIGEST
        root |= {"first_key": first, "first_kind": int(KeyKind.ACCOUNT), "custody": int(custody)}
        if second is None:
            root["first_kind"] = int(KeyKind.CONTRACT)  # the contracts ask for two keys, or one multisig
        else:
            root |= {"second_key": second, "second_kind": int(KeyKind.ACCOUNT)}
        manifest = await deploy(rpc, courier, account.sign, root)

    private_folder(settings.home / "store")
    engine = open_engine(settings.database)
    try:
        await migrate(engine)
        if document is not None:
            await _keep(SqlStore(engine, manifest.chain_id), document)
    finally:
        await engine.dispose()
    write_whole(settings.courier_file, courier + "\n")
    # last: from now on it is a ledger
    write_whole(settings.manifest_file, json.dumps(manifest.to_json(), indent=1) + "\n")
    return Founded(manifest, tuple(key for key in (first, second) if key), courier)


async def _keep(store: SqlStore, document: Document) -> None:
    async with store.write() as work:
        stored = StoredDocument(document.digest, document.kind, document.body, True, frozenset())
        await work.add_document(stored)
        await work.commit()


def write_whole(path: Path, text: str) -> None:
    """Write or replace a private file in one step, durably."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
