"""What is looked at in pages of Parquet, by compiled code. Imported only where there is some: see `kernel.engine`."""

import numpy as np

from ledger.fingerprint import page_header as plain
from ledger.fingerprint.kernel.cache import compiled_code_kept
from ledger.fingerprint.page_header import PageHeader

with compiled_code_kept():
    from ledger.fingerprint.kernel import parquet_bytes


def page_header(content: bytes) -> PageHeader:
    """See `ledger.fingerprint.page_header.page_header`."""
    found = np.empty(5, np.int64)
    size = parquet_bytes.page_header(np.frombuffer(content, np.uint8), found)
    if not size:
        return plain.page_header(content)
    kind, uncompressed, compressed, values, encoding = found.tolist()
    return PageHeader(kind, uncompressed, compressed, values, encoding, size)


def longest_value(content: bytes, count: int) -> int:
    """See `ledger.fingerprint.page_header.longest_value`."""
    found = int(parquet_bytes.longest(np.frombuffer(content, np.uint8), count))
    if found < 0:
        raise ValueError("values are missing")
    return found
