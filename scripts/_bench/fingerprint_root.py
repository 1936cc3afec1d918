"""The root over leaves of 100 bytes on one core, beside pymerkle, a hashlib loop and OpenSSL's own stream.

All of them hash the same leaves, and their roots are compared. OpenSSL's stream (one long message) has no tree: it says
how many compressions a second the usual way of using this processor gives, and is compared with the compressions of
the tree: two for each leaf (1 + 100 bytes and the padding), two for each node.
"""

import hashlib
import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from ledger.fingerprint.kernel import engine, engine_note
from ledger.fingerprint.tile_builder import TileBuilder

LEAVES: Final = 2_000_000
QUICK: Final = 50_000
LEAF_BYTES: Final = 100
TRIES: Final = 5
AT_ONCE: Final = 1 << 14  # leaves: what is hashed stays in the caches
STREAM_BYTES: Final = 1 << 28
PYMERKLE: Final = Path(".venv-tools/rivals/bin/python")
RIVAL: Final = Path(__file__).with_name("rival_pymerkle.py")
Tell = Callable[[str], None]


def measure(quick: bool, tell: Tell) -> dict[str, Any]:
    """How many times as fast as each rival. Raises RuntimeError if a root differs, or pymerkle fails."""
    count = QUICK if quick else LEAVES
    leaves = _leaves(count)
    tell(f"root over {count} leaves of {LEAF_BYTES} bytes, one core, engine {engine_note()}")
    ours, root = min(_ours(leaves, count) for _ in range(TRIES))
    tell(f"ShareLedger: {ours:.3f} s, {count / ours / 1e6:.1f} M leaves/s")
    rivals = {"hashlib": _loop(leaves, count), "pymerkle": _pymerkle(leaves, count)}
    for name, (seconds, found) in rivals.items():
        if found != root:
            raise RuntimeError(f"{name} has another root")
        tell(f"{name}: {seconds:.3f} s, {seconds / ours:.1f} times as long")
    compressions = (4 * count - 2) / ours
    stream = _stream(STREAM_BYTES >> 4 if quick else STREAM_BYTES)
    tell(f"compressions: {compressions / 1e6:.1f} M/s; OpenSSL's stream: {stream / 1e6:.1f} M/s")
    return {
        "ratio_pymerkle": round(rivals["pymerkle"][0] / ours, 1),
        "ratio_hashlib": round(rivals["hashlib"][0] / ours, 1),
        "ratio_openssl": round(compressions / stream, 2),
    }


def _leaves(count: int) -> bytes:
    draw = random.Random(4)
    return b"".join(draw.randbytes(LEAF_BYTES) for _ in range(count))


def _ours(leaves: bytes, count: int) -> tuple[float, bytes]:
    content = np.zeros(len(leaves) + 128, np.uint8)
    content[: len(leaves)] = np.frombuffer(leaves, np.uint8)
    kernel = engine()
    begun = time.perf_counter()
    tree = TileBuilder()
    for first in range(0, count, AT_ONCE):
        starts = np.arange(first, min(first + AT_ONCE, count), dtype=np.int64) * LEAF_BYTES
        tree.extend(kernel.leaves(0, content, starts, starts + LEAF_BYTES, None))
    root = tree.root()
    return time.perf_counter() - begun, root


def _loop(leaves: bytes, count: int) -> tuple[float, bytes]:
    sha256 = hashlib.sha256
    begun = time.perf_counter()
    level = [sha256(b"\x00" + leaves[at : at + LEAF_BYTES]).digest() for at in range(0, len(leaves), LEAF_BYTES)]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)] + odd
    return time.perf_counter() - begun, level[0]


def _pymerkle(leaves: bytes, count: int) -> tuple[float, bytes]:
    if not PYMERKLE.exists():
        raise RuntimeError(f"there is no {PYMERKLE}: ./scripts/bench fingerprint brings it")
    run = subprocess.run([PYMERKLE, RIVAL, str(count)], input=leaves, capture_output=True, check=False)
    if run.returncode:
        raise RuntimeError(f"pymerkle failed: {run.stderr.decode(errors='replace')[-500:]}")
    told = json.loads(run.stdout)
    return told["seconds"], bytes.fromhex(told["root"])


def _stream(size: int) -> float:
    content = bytes(size)
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        hashlib.sha256(content).digest()
        best = min(best, time.perf_counter() - begun)
    return size / 64 / best
