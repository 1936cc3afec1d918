"""An S3 bucket as a payload store: how it is spoken to, and the proof that it refuses to overwrite.

Objects get their names by a copy that S3 completes only `If-None-Match: *` (conditional writes:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). A server that ignores the condition
would overwrite in silence, so it is asked to overwrite one object by itself, which changes nothing, and has to refuse.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore, S3Store

from ledger.errors import NotReady
from ledger.store.payload_faults import answering

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

RETRIES: Final = 4
TRYING: Final = timedelta(seconds=30)  # for one request, its repetitions included
ANSWER: Final = timedelta(seconds=60)  # for one try, the transfer of one part included


def s3_store(
    bucket: str,
    prefix: str,
    *,
    endpoint: str = "",
    region: str = "",
    credentials: "Callable[[], S3Credential] | None" = None,
    plain_http: bool = False,
    retries: int = RETRIES,
) -> ObjectStore:
    """The bucket, nothing asked of it yet. Without `credentials` the environment's are taken (AWS_…, container, role).

    `endpoint` without a path, "" for Amazon's own. `plain_http`: whether it may be spoken to without TLS.
    """
    config: S3Config = {
        "copy_if_not_exists": "multipart",
        "conditional_put": "etag",
        "disable_bulk_delete": True,  # not every server has it, and we delete one by one
        "skip_signature": False,
        "unsigned_payload": False,  # so the server checks what arrived
    }
    if endpoint:  # both, since the environment's AWS_ENDPOINT_URL_S3 would win over the first alone
        config |= {"endpoint": endpoint, "aws_endpoint_url_s3": endpoint}
    if region:
        config["region"] = region
    client: ClientConfig = {
        "allow_http": plain_http,
        "allow_invalid_certificates": False,
        "connect_timeout": timedelta(seconds=5),
        "timeout": ANSWER,
    }
    retry: RetryConfig = {
        "max_retries": retries,
        "retry_timeout": TRYING,
        "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=4)},
    }
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options=client,
        retry_config=retry,
        credential_provider=credentials,
    )


async def prove_create_only(store: ObjectStore, name: str, content: bytes) -> None:
    """That the store refuses to overwrite the object `name`, by a put and by a copy; `content` is what it holds.

    Raises NotReady if it does not refuse, Unavailable.
    """
    with answering():
        try:
            await obstore.put_async(store, name, content, mode="create")
        except AlreadyExistsError:
            pass
        else:
            raise _overwrites("put")
        try:
            await obstore.copy_async(store, name, name, overwrite=False)
        except AlreadyExistsError:
            pass
        else:
            raise _overwrites("copied")


def _overwrites(how: str) -> NotReady:
    return NotReady(
        f"the payload store lets an object be {how} over another, and payloads must never be overwritten",
        remedy="Use an S3 server that enforces conditional writes (If-None-Match), for multipart uploads too.",
        reason="overwrites",
    )
