"""One record of 100 M proven from a tree on disk and verified, beside pymerkle with 1 M leaves in memory.

The records proven are real ones, salted and encoded; the leaf hashes of all other tiles are drawn by the kernel, since
a proof meets their tiles' roots only. The tree's file is dropped from the system's cache before each proof, which opens
it anew. Every proof is verified, and must fail for the next record; the roots of the rival's tree are compared.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from ledger.fingerprint import (
    RECORD,
    Fingerprint,
    Manifest,
    RecordProof,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    TileFile,
    verify_record,
    write_tile_file,
)
from ledger.fingerprint.climb import leads_to
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.leaves import LeafRule, leaf_array
from ledger.fingerprint.tile_builder import TileBuilder
from scripts._bench.fingerprint_root import LEAF_BYTES, PYMERKLE

RECORDS: Final = 100_000_000
RIVAL_LEAVES: Final = 1_000_000
QUICK: Final = (300_000, 20_000)
PROOFS: Final = 200
TILE: Final = 256
AT_ONCE: Final = 1 << 18  # leaf hashes
RIVAL: Final = Path(__file__).with_name("rival_pymerkle_proof.py")
SCHEMA: Final = Schema.text(["id", "name", "note"])
KEYS: Final = SegmentKeys([Segment(0, bytes(range(32)))])
Tell = Callable[[str], None]


def measure(quick: bool, tell: Tell) -> dict[str, Any]:
    """`prove_ms` from disk; how many times as fast as pymerkle we verify. Raises RuntimeError if a proof is wrong."""
    records, rivals = QUICK if quick else (RECORDS, RIVAL_LEAVES)
    proven = [number * (records // PROOFS) + number % 7 for number in range(PROOFS)]
    right = {number // TILE: _leaves(number // TILE, records) for number in proven}
    with tempfile.TemporaryDirectory(prefix="shareledger-bench-") as name:
        path = Path(name) / "tiles"
        manifest = _manifest(records, right, tell)
        write_tile_file(path, manifest)
        share = path.stat().st_size / (records * LEAF_BYTES)
        tell(f"the tree of {records} records: {path.stat().st_size >> 10} KiB on disk, {share:.2%} at 100 B")
        fingerprint = Fingerprint(RECORD, True, SCHEMA.digest(), manifest.root, records)
        proving, verifying = _ours(path, fingerprint, proven, right, tell)
    theirs = _pymerkle(rivals)
    tell(f"pymerkle, {rivals} leaves in memory: proof {theirs['prove_ms']:.2f} ms; {theirs['verify_us']:.1f} µs")
    return {"prove_ms": round(proving, 3), "ratio_verify_pymerkle": round(theirs["verify_us"] / verifying, 2)}


def _row(number: int) -> tuple[str, str, str]:
    return f"{number:018d}", f"村民{number}", "六安市金安区三里桥街道，本条为测试数据，仅供测量之用。"


def _leaves(tile: int, records: int) -> list[bytes]:
    """The leaf hashes of one tile's records, as its table's holder reads them to make a proof."""
    first = tile * TILE
    source = RowsSource([_row(number) for number in range(first, min(first + TILE, records))])
    rule = LeafRule(RECORD, KEYS)
    (batch,) = source.batches(SCHEMA)
    return [bytes(leaf) for leaf in leaf_array(rule, source.encoder(SCHEMA).encode(batch, 0), first)]


def _manifest(records: int, right: dict[int, list[bytes]], tell: Tell) -> Manifest:
    begun = time.perf_counter()
    kernel, tree = engine(), TileBuilder()
    for first in range(0, records, AT_ONCE):
        leaves = kernel.macs(bytes(32), first, min(AT_ONCE, records - first))
        for tile in range(first // TILE, -(-(first + len(leaves)) // TILE)):
            if tile in right:
                at = tile * TILE - first
                leaves[at : at + len(right[tile])] = np.frombuffer(b"".join(right[tile]), np.uint8).reshape(-1, 32)
        tree.extend(leaves)
    tell(f"a tree over {records} leaf hashes in {time.perf_counter() - begun:.1f} s, one core")
    return Manifest(records, tree.tiles())


def _ours(
    path: Path, fingerprint: Fingerprint, proven: list[int], right: dict[int, list[bytes]], tell: Tell
) -> tuple[float, float]:
    """Milliseconds of a proof and microseconds of verifying its path, as pymerkle does from a leaf's hash; medians."""
    proving, verifying, whole, proofs = [], [], [], []
    for number in proven:
        cells = tuple(cell.encode() for cell in _row(number))
        _forget(path)
        begun = time.perf_counter()
        with TileFile(path, fingerprint) as tree:
            siblings = tree.path(number, right[number // TILE])
        proving.append(time.perf_counter() - begun)
        proofs.append(RecordProof(number, cells, KEYS.salt(number), siblings))
    for proof in proofs:
        leaf = proof.leaf
        begun = time.perf_counter()
        included = leads_to(leaf, proof.index, fingerprint.records, proof.path, fingerprint.root)
        verifying.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        verdict = verify_record(fingerprint, proof)
        whole.append(time.perf_counter() - begun)
        other = RecordProof(proof.index + 1, proof.cells, proof.salt, proof.path)
        if not included or not verdict or verify_record(fingerprint, other):
            raise RuntimeError(f"record {proof.index} is not proven, or another is")
    proof_ms, path_us, record_us = 1e3 * _middle(proving), 1e6 * _middle(verifying), 1e6 * _middle(whole)
    tell(f"proof from disk: {proof_ms:.2f} ms; path verified in {path_us:.1f} µs, record in {record_us:.1f} µs")
    return proof_ms, path_us


def _middle(taken: list[float]) -> float:
    return statistics.median(taken)


def _forget(path: Path) -> None:
    """Have the system drop the file from its cache, where it can be told to."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _pymerkle(count: int) -> dict[str, Any]:
    if not PYMERKLE.exists():
        raise RuntimeError(f"there is no {PYMERKLE}: ./scripts/bench fingerprint brings it")
    leaves = np.random.default_rng(4).bytes(count * LEAF_BYTES)
    run = subprocess.run([PYMERKLE, RIVAL, str(count), str(PROOFS)], input=leaves, capture_output=True, check=False)
    if run.returncode:
        raise RuntimeError(f"pymerkle failed: {run.stderr.decode(errors='replace')[-500:]}")
    told: dict[str, Any] = json.loads(run.stdout)
    content = np.frombuffer(leaves + bytes(128), np.uint8)
    starts = np.arange(count, dtype=np.int64) * LEAF_BYTES
    tree = TileBuilder()
    tree.extend(engine().leaves(0, content, starts, starts + LEAF_BYTES, None))
    if tree.root().hex() != told["root"]:
        raise RuntimeError("pymerkle has another root")
    return told
