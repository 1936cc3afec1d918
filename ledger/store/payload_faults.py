"""A payload store's errors, in our words.

    object not there          NotFound, where one was asked for by its digest
    bucket not there          NotReady
    credentials refused       NotReady
    cannot refuse overwriting NotReady
    everything else           Unavailable

An object store's message may quote signed addresses and headers after its first line; no more than that line is told.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Final

from obstore.exceptions import BaseError, NotSupportedError, PermissionDeniedError, UnauthenticatedError

from ledger.errors import NotFound, NotReady, Unavailable

# S3's own codes, in the body of an answer: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_REFUSED: Final = frozenset(
    {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "InvalidSecurity"}
)


@contextlib.contextmanager
def answering(digest: str | None = None) -> Iterator[None]:
    """Turns a store's errors into ours; a missing object is NotFound only where one was asked for by its digest."""
    try:
        yield
    except NotSupportedError as cause:
        raise NotReady(
            "the payload store cannot name an object without overwriting",
            remedy="Configure the store's copy_if_not_exists.",
        ) from cause
    except (BaseError, OSError) as cause:
        code = s3_code(cause)
        if code == "NoSuchBucket":
            raise NotReady(
                "the payload store's bucket does not exist",
                remedy="Make the bucket, or correct SHARELEDGER_PAYLOADS_URL and SHARELEDGER_S3_ENDPOINT.",
                reason="no-bucket",
            ) from cause
        if code in _REFUSED or isinstance(cause, PermissionDeniedError | UnauthenticatedError):
            raise NotReady(
                f"the payload store refuses these credentials ({code or type(cause).__name__})",
                remedy="Correct the file SHARELEDGER_S3_CREDENTIALS_FILE names, or what its user may do: list the "
                "bucket, and get, put and delete objects below the prefix.",
                reason="refused",
            ) from cause
        if isinstance(cause, FileNotFoundError) and digest is not None:
            raise NotFound(f"there is no payload {digest}", object=digest) from cause
        raise Unavailable(f"the payload store failed: {first_line(cause)}") from cause


def s3_code(cause: BaseException) -> str | None:
    """S3's own name for an error, if the store is one and said it."""
    found = _CODE.search(str(cause))
    return found[1] if found else None


def first_line(cause: BaseException) -> str:
    """What an error says, without the store's own state, and without the query of an address."""
    return re.sub(r"\?\S*", "", str(cause).partition("\n")[0])
