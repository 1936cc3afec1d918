"""A plain reading of the formats, as slow and as literal as possible; shares no line with the product.

Cells come in as canonical bytes (None is null). `key` None means open; one segment holds every record.
"""

import hashlib
import hmac
import json


def sha256(message):
    return hashlib.sha256(message).digest()


def schema(columns):
    ordered = [{"name": name, "type": type} for name, type in columns]
    text = json.dumps(
        {"columns": ordered, "format": "share-record/1"}, separators=(",", ":"), ensure_ascii=False, sort_keys=True
    )
    return sha256(text.encode())


def framed(cell):
    return b"\xff\xff\xff\xff" if cell is None else len(cell).to_bytes(4, "big") + cell


def mac(key, message):
    return hmac.new(key, message, "sha256").digest()


def salt(key, i):
    return b"" if key is None else mac(key, i.to_bytes(8, "big"))[:16]


def field_salt(key, i, c):
    whole = mac(key, i.to_bytes(8, "big") + (c // 2).to_bytes(4, "big"))
    return whole[:16] if c % 2 == 0 else whole[16:]


def leaf(key, i, cells, H=sha256):
    return H(b"\x00" + salt(key, i) + b"".join(map(framed, cells)))


def leaf_sd(key, i, cells, H=sha256):
    return H(b"\x00" + b"".join(H(b"\x02" + field_salt(key, i, c) + framed(cell)) for c, cell in enumerate(cells)))


def leaf_file(key, i, chunk, H=sha256):
    return H(b"\x00" + salt(key, i) + chunk)


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root(leaves, H=sha256):
    if len(leaves) == 0:
        return H(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return H(b"\x01" + root(leaves[:k], H) + root(leaves[k:], H))


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), root(leaves[k:])]
    return [*path(m - k, leaves[k:]), root(leaves[:k])]


def table(key, records, rule=leaf, H=sha256):
    return root([rule(key, i, cells, H) for i, cells in enumerate(records)], H)
