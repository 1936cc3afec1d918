"""Another courier key for a home, e.g. one made in a PKCS#11 token. The courier speaks for nobody: any account will do.

The old key's transactions must have come to rest first: only their own courier looks after what it has sent.
"""

import asyncio
import os
import secrets
import time
from dataclasses import dataclass

from keys.passphrases import PassphraseSource
from ledger.errors import Conflict
from ledger.founding import write_whole
from ledger.host import open_keyring
from ledger.runtime import read_couriers, read_manifest
from ledger.settings import Settings
from ledger.store.engine import open_engine
from ledger.store.schema import check_schema
from ledger.store.unit_of_work import SqlStore

LEASE_MS = 60_000  # nobody carries meanwhile; given back at the end


@dataclass(frozen=True, slots=True)
class CourierChange:
    before: str
    after: str


async def change_courier(
    settings: Settings, passphrase: PassphraseSource, pin: PassphraseSource | None = None
) -> CourierChange:
    """Make a new courier key, in the settings' token if they name one, and carry with it from the next start on.

    Raises Conflict while a server carries or transactions of the old courier are open; NotReady; WrongSchema;
    keys.errors.KeysError.
    """
    manifest, before = read_manifest(settings), read_couriers(settings)[0]
    holder = f"courier-change:{os.getpid()}:{secrets.token_hex(4)}"
    engine = open_engine(settings.database)
    try:
        await check_schema(engine)
        store = SqlStore(engine, manifest.chain_id)
        async with store.write() as work:
            if await work.lease(before, holder, int(time.time() * 1000), LEASE_MS) is None:
                raise Conflict("a server is carrying acts with this courier", remedy="Stop it, then try again.")
            if open_ones := await work.carried(before):
                raise Conflict(
                    f"{len(open_ones)} transactions of this courier are not settled yet",
                    remedy="Start the server, wait until nothing is under way, stop it and try again.",
                )
            await work.commit()
        try:
            keyring = await asyncio.to_thread(open_keyring, settings, passphrase, pin)
            try:
                after = (await keyring.create_key()).address
            finally:
                keyring.forget()
            # Stopping before this line leaves a key that nobody uses; after it, the home has its new courier.
            # The old one stays written down: it must go on signing no acts.
            couriers = (after, *read_couriers(settings))
            await asyncio.to_thread(write_whole, settings.courier_file, "".join(one + "\n" for one in couriers))
        finally:
            async with store.write() as work:
                await work.release_lease(before, holder)
                await work.commit()
    finally:
        await engine.dispose()
    return CourierChange(before, after)
