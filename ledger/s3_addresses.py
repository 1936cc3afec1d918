"""Addresses of S3: which are taken. No message repeats one, since somebody may have put a password into it."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

MOST_MIB: Final = 5000  # S3 copies at most 5 GiB at once, and a name is given by a copy
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*")


def check_bucket_url(url: str) -> None:
    """`s3://bucket` or `s3://bucket/prefix`. Raises ValueError."""
    parts = urlsplit(url)
    bucket, prefix = bucket_and_prefix(url)
    if parts.scheme != "s3" or parts.query or parts.fragment or not _BUCKET.fullmatch(bucket):
        raise ValueError("SHARELEDGER_PAYLOADS_URL is not s3://bucket/prefix")
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise ValueError("SHARELEDGER_PAYLOADS_URL: a prefix has letters, digits and . _ - = between its slashes")


def bucket_and_prefix(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc, parts.path.strip("/")


def check_endpoint(url: str, *, plain: bool) -> None:
    """`https://host`, or `http://` to this machine alone unless `plain`. Raises ValueError."""
    parts = urlsplit(url)
    _ = parts.port  # a ValueError if it is none
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("SHARELEDGER_S3_ENDPOINT is not https://host or https://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("SHARELEDGER_S3_ENDPOINT takes no credentials; SHARELEDGER_S3_CREDENTIALS_FILE names them")
    if parts.scheme == "http" and not plain and not _is_this_machine(parts.hostname):
        raise ValueError(
            "SHARELEDGER_S3_ENDPOINT is plain http to another machine; use https, or set SHARELEDGER_S3_PLAIN_HTTP=true"
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
