"""Where the settings say that payloads lie: in the home's own folder, or below a prefix of an S3 bucket."""

import asyncio
import configparser
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obstore.store import ObjectStore

from keys.errors import UnsafePermissions
from keys.private_files import read_private
from ledger.domain.manifest import Manifest
from ledger.errors import InvalidSettings
from ledger.settings import Settings
from ledger.store.payload_owner import check_owner, require_empty, take_place
from ledger.store.payloads import Payloads
from ledger.store.s3 import RETRIES, s3_store

if TYPE_CHECKING:
    from obstore.store import S3Credential

LARGEST: Final = 1 << 16  # bytes of a file of credentials
READ_AGAIN: Final = timedelta(minutes=5)  # so that credentials can be changed while the product runs


async def open_payloads(settings: Settings, manifest: Manifest, *, writing: bool) -> Payloads:
    """The payloads, once their place has answered and is this ledger's.

    `writing`: a place that is nobody's becomes this ledger's, and has to prove that it overwrites nothing. Raises
    InvalidSettings, keys.errors.UnsafePermissions; NotReady for a bucket that is not there, is another ledger's,
    refuses the credentials or lets objects be overwritten; Unavailable.
    """
    store = await asyncio.to_thread(bucket_of, settings)
    if store is None:
        settings.payloads.mkdir(mode=0o700, parents=True, exist_ok=True)
        return await asyncio.to_thread(Payloads.local, settings.payloads)
    await (take_place if writing else check_owner)(store, manifest)
    return Payloads(store)


async def require_empty_place(settings: Settings) -> None:
    """Raises Conflict if anything lies in the bucket, and as `open_payloads`; a folder in the home is not looked at."""
    store = await asyncio.to_thread(bucket_of, settings)
    if store is not None:
        await require_empty(store, settings.payloads_url)


def bucket_of(settings: Settings, *, retries: int = RETRIES) -> ObjectStore | None:
    """The bucket the settings name, nothing asked of it yet; None if payloads lie in the home.

    Raises InvalidSettings, keys.errors.UnsafePermissions.
    """
    if not settings.payloads_url:
        return None
    bucket, prefix = settings.bucket()
    file = settings.s3_credentials_file
    return s3_store(
        bucket,
        prefix,
        endpoint=settings.s3_endpoint.rstrip("/"),
        region=settings.s3_region,
        credentials=None if file is None else credentials_in(file),
        plain_http=settings.s3_endpoint.startswith("http://"),  # the settings have judged it
        retries=retries,
    )


def credentials_in(file: Path) -> "Callable[[], S3Credential]":
    """What gives the credentials in a file such as ~/.aws/credentials; read now, and again from time to time.

    Raises InvalidSettings, keys.errors.UnsafePermissions.
    """
    read_credentials(file)

    def current() -> "S3Credential":
        return read_credentials(file)

    return current


def read_credentials(file: Path) -> "S3Credential":
    """Section `default`, or the only one: aws_access_key_id, aws_secret_access_key and, if any, aws_session_token.

    The file is nobody else's to read. Raises InvalidSettings, which quotes nothing of it; UnsafePermissions.
    """
    try:
        text = read_private(file, LARGEST, follow=True).decode()
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        names = parser.sections()
        section = parser["default"] if "default" in names else parser[names[0]] if len(names) == 1 else {}
        return {
            "access_key_id": section["aws_access_key_id"],
            "secret_access_key": section["aws_secret_access_key"],
            "token": section.get("aws_session_token"),
            "expires_at": datetime.now(UTC) + READ_AGAIN,
        }
    except UnsafePermissions:
        raise
    except OSError as cause:
        raise InvalidSettings(f"SHARELEDGER_S3_CREDENTIALS_FILE: {file} cannot be read: {cause.strerror}") from None
    except (ValueError, KeyError, configparser.Error):
        raise InvalidSettings(
            f"SHARELEDGER_S3_CREDENTIALS_FILE: {file} is not a file of credentials",
            remedy="Give it the form of ~/.aws/credentials: [default], aws_access_key_id, aws_secret_access_key.",
        ) from None
