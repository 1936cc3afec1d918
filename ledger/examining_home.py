"""The doctor's eyes on a home's own files: the folder, the keystore, and whether it can sign. Nothing is made."""

import asyncio
import os
from typing import Final

from keys.errors import KeysError, WrongPassphrase
from keys.passphrases import PassphraseSource
from ledger import machine
from ledger.domain.manifest import Manifest
from ledger.errors import InvalidSettings, NotReady, ShareLedgerError, Unavailable
from ledger.host import open_keyring
from ledger.payload_place import bucket_of
from ledger.runtime import VAULT, read_courier
from ledger.services.diagnosing import Diagnosis, failed, good, not_applicable
from ledger.settings import Settings
from ledger.store.payload_owner import check_owner

OTHERS: Final = 0o077


def home_of(settings: Settings) -> list[Diagnosis]:
    """The folder is there, ours, and nobody else's. Raises OSError."""
    if not settings.home.is_dir():
        return [failed("home", "missing", path=str(settings.home))]
    facts = {"path": str(settings.home), "mode": f"{machine.mode_of(settings.home):04o}"}
    if settings.home.stat().st_uid not in (os.getuid(), 0):
        return [failed("home", "not-ours", **facts)]
    return [failed("home", "open", **facts) if machine.mode_of(settings.home) & OTHERS else good("home", **facts)]


def keystore_of(settings: Settings) -> list[Diagnosis]:
    """The folder and every key file in it are nobody else's. Raises OSError."""
    folder = settings.keystore
    if not folder.is_dir():
        return [failed("keystore", "missing", path=str(folder))]
    files = sorted(folder.glob("*.json"))
    loose = [str(path) for path in (folder, *files) if machine.mode_of(path) & OTHERS]
    if loose:
        return [failed("keystore", "open", paths=loose, path=loose[0], count=len(loose))]
    return [good("keystore", path=str(folder), files=len(files))]


async def payloads_of(settings: Settings, manifest: Manifest | None) -> list[Diagnosis]:
    """Where payloads lie answers, and is this ledger's. Changes nothing. Raises OSError."""
    if not settings.payloads_url:
        folder = settings.payloads
        if not folder.is_dir():  # made when a payload's server first starts
            return [not_applicable("payloads", "none-yet", place=str(folder))]
        loose = machine.mode_of(folder) & OTHERS
        return [failed("payloads", "open", place=str(folder)) if loose else good("payloads", place=str(folder))]
    facts = {"place": settings.payloads_url}
    if manifest is None:
        return [not_applicable("payloads", "needs-another")]
    try:
        store = await asyncio.to_thread(bucket_of, settings, retries=0)
        if store is not None:
            await check_owner(store, manifest)
    except Unavailable as error:
        return [failed("payloads", "silent", **facts, why=error.detail)]
    except (NotReady, InvalidSettings, KeysError) as error:
        facts["why"] = error.detail
        match error.facts.get("reason"):
            case "no-bucket":
                return [failed("payloads", "no-bucket", **facts)]
            case "refused":
                return [failed("payloads", "refused", **facts)]
            case "another-ledger":
                return [failed("payloads", "another-ledger", **facts)]
            case _:
                return [failed("payloads", "closed", **facts)]
    return [good("payloads", **facts)]


async def signer_of(
    settings: Settings, passphrase: PassphraseSource | None, pin: PassphraseSource | None
) -> list[Diagnosis]:
    """Opens the vault's key and the courier's, in keystore or token."""
    if not settings.courier_file.exists():
        return [failed("signer", "no-courier", path=str(settings.courier_file))]
    courier = read_courier(settings)
    if passphrase is None:
        return [not_applicable("signer", "no-passphrase", courier=courier)]
    if settings.pkcs11_module is not None and pin is None:
        return [not_applicable("signer", "no-pin", courier=courier)]
    if not settings.keystore.is_dir():  # opening would make it
        return [not_applicable("signer", "needs-another")]
    try:
        keyring = await asyncio.to_thread(open_keyring, settings, passphrase, pin)
        try:
            await asyncio.to_thread(keyring.secret, VAULT)
            await keyring.unlock(courier)
        finally:
            keyring.forget()
    except WrongPassphrase as error:
        return [failed("signer", "wrong-passphrase", courier=courier, why=error.detail)]
    except (KeysError, ShareLedgerError, OSError) as error:
        why = getattr(error, "detail", type(error).__name__)
        return [failed("signer", "closed", courier=courier, why=why)]
    return [good("signer", courier=courier)]
