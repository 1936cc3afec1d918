"""The hashing engines: each gives hashlib's bytes; which one is taken, and what happens where there is no compiler."""

import hashlib
import hmac
import os
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fingerprint import kernel
from ledger.fingerprint.kernel import constants
from ledger.fingerprint.kernel.intrinsics import has_sha_extensions

ENGINES = ["hashlib", "vectors", *(["sha-ni"] if has_sha_extensions() else [])]
KEY = bytes(range(32))


@pytest.fixture(params=ENGINES)
def engine(request):
    with kernel.forced(request.param) as chosen:
        assert kernel.engine_name() == request.param
        yield chosen


def messages(sizes):
    bounds = np.cumsum([0, *sizes], dtype=np.int64)
    content = np.random.default_rng(3).integers(0, 256, bounds[-1] + 128, dtype=np.uint8)
    return content, bounds[:-1], bounds[1:], [content[a:b].tobytes() for a, b in pairwise(bounds)]


def test_the_constants_are_those_of_the_standard():
    assert (constants.START[0], constants.START[7]) == (0x6A09E667, 0x5BE0CD19)
    assert (constants.ROUND[0], constants.ROUND[63]) == (0x428A2F98, 0xC67178F2)


@pytest.mark.parametrize("salted", [True, False])
@pytest.mark.parametrize("prefix", [0, 2])
def test_leaves(engine, salted, prefix):
    sizes = [*range(300), 16_300, 16_366, 16_367, 16_384, 70_000, 70_000, 70_000, 70_000, 70_000, 70_001, 0]
    content, starts, stops, parts = messages(sizes)
    salts = np.random.default_rng(5).integers(0, 256, (len(sizes), 16), dtype=np.uint8) if salted else None
    found = engine.leaves(prefix, content, starts, stops, salts)
    heads = [
        bytes([prefix]) + (b"" if salts is None else bytes(salt))
        for salt in (range(len(sizes)) if salts is None else salts)
    ]
    expected = [hashlib.sha256(head + part).digest() for head, part in zip(heads, parts, strict=True)]
    assert [bytes(leaf) for leaf in found] == expected


@given(st.lists(st.integers(0, 200), max_size=40))
@settings(deadline=None, max_examples=30)
def test_leaves_of_any_lengths(sizes):
    content, starts, stops, parts = messages(sizes)
    for name in ENGINES:
        with kernel.forced(name) as engine:
            found = engine.leaves(0, content, starts, stops, None)
            assert [bytes(leaf) for leaf in found] == [hashlib.sha256(b"\x00" + part).digest() for part in parts]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 255, 256, 257])
def test_parents(engine, count):
    nodes = np.random.default_rng(count).integers(0, 256, (count, 32), dtype=np.uint8)
    found = engine.parents(nodes)
    expected = [hashlib.sha256(b"\x01" + nodes[at : at + 2].tobytes()).digest() for at in range(0, count - 1, 2)]
    expected += [bytes(nodes[-1])] if count % 2 else []
    assert [bytes(node) for node in found] == expected
    assert found.shape == ((count + 1) // 2, 32)


@pytest.mark.parametrize("first", [0, 255, 2**32 - 2, 2**40])
@pytest.mark.parametrize("pairs", [0, 1, 5])
def test_macs(engine, first, pairs):
    found = engine.macs(KEY, first, 9, pairs)
    whole = [i.to_bytes(8, "big") for i in range(first, first + 9)]
    if pairs:
        whole = [each + pair.to_bytes(4, "big") for each in whole for pair in range(pairs)]
    assert [bytes(mac) for mac in found] == [hmac.digest(KEY, each, "sha256") for each in whole]
    assert len(engine.macs(KEY, first, 0, pairs)) == 0


def test_the_fastest_that_works_is_taken():
    assert kernel.engine_name() == ENGINES[-1]
    assert kernel.engine_note() == kernel.engine_name()


def test_wrong_digests_are_noticed(monkeypatch):
    made = kernel._make

    def broken(name):
        found = made("hashlib")
        monkeypatch.setattr(found, "parents", lambda nodes: nodes[::2])
        kernel._check(found)

    monkeypatch.setattr(kernel, "_make", broken)
    monkeypatch.setattr(kernel, "_note", "")
    assert kernel._choose().name == "hashlib"
    assert "wrong" in kernel._note


TABLE = """
import sys
{before}
from ledger.fingerprint import RowsSource, Schema, Segment, SegmentKeys, fingerprint_table
from ledger.fingerprint.kernel import engine_note
rows = [(str(at), None if at % 7 else "村") for at in range(1000)]
found, _ = fingerprint_table(RowsSource(rows), Schema.text(["a", "b"]), SegmentKeys([Segment(0, bytes(32))]))
print(found.root.hex(), engine_note())
"""


def told(before="", **environment):
    """(root, note) of a small table in a process of its own."""
    given = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", TABLE.format(before=before)],
        env={**given, **environment, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    root, _, note = run.stdout.strip().partition(" ")
    return root, note


def test_a_process_without_compiled_code_makes_it_and_the_next_one_finds_it(tmp_path):
    first = told(XDG_CACHE_HOME=str(tmp_path))
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb*")}
    assert made
    assert (tmp_path / "shareledger").stat().st_mode & 0o077 == 0
    assert told(XDG_CACHE_HOME=str(tmp_path)) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb*")} == made


def test_compiled_code_that_no_version_used_for_a_month_goes(tmp_path):
    left = [tmp_path / "shareledger" / name for name in ("kernel-old", "kernel-new", "other")]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "code.nbc").touch()
        month = time.time() - 31 * 86_400
        if folder.name != "kernel-new":
            os.utime(folder, (month, month))
    told(XDG_CACHE_HOME=str(tmp_path))
    assert [folder.exists() for folder in left] == [False, True, True]


def test_without_a_folder_for_compiled_code_or_without_a_compiler_there_is_hashlib():
    right, note = told()
    assert note == ENGINES[-1]
    for before, environment in (
        ("", {"NUMBA_CACHE_DIR": "/dev/null/none"}),
        ("sys.modules['numba'] = None", {}),
        ("sys.modules['llvmlite'] = None", {}),
    ):
        root, note = told(before, **environment)
        assert root == right
        assert note.startswith("hashlib (no sha-ni: ")
