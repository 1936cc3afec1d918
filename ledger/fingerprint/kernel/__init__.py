"""Which hashing engine this process uses: chosen once, by what the processor has and what can be compiled.

`sha-ni` (x86 SHA extensions, four messages at once), else `vectors` (as many messages as a vector register has
words), else `hashlib`. An engine is taken only after it has given the right answers.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ledger.fingerprint.kernel.engine import Engine, HashlibEngine, Name

__all__ = ["Engine", "Name", "chosen", "engine", "engine_name", "engine_note", "forced"]

_lock = threading.Lock()
_made: dict[Name, Engine] = {}
_chosen: Engine | None = None
_note = ""


def engine() -> Engine:
    """The engine of this process."""
    global _chosen
    if _chosen is None:
        with _lock:
            if _chosen is None:
                _chosen = _choose()
    return _chosen


def chosen() -> Engine | None:
    """The engine of this process, if it was asked for by now: a single message is not worth loading one."""
    return _chosen


def engine_name() -> Name:
    """`sha-ni`, `vectors` or `hashlib`."""
    return engine().name


def engine_note() -> str:
    """One line for a log: the engine and, where it is not the fastest, why."""
    name = engine_name()
    return f"{name} ({_note})" if _note else name


@contextmanager
def forced(name: Name) -> Iterator[Engine]:
    """Use another engine for a while, in all threads: to compare them. Raises ValueError, ImportError, OSError."""
    global _chosen
    before = engine()
    _chosen = _make(name)
    try:
        yield _chosen
    finally:
        _chosen = before


def _choose() -> Engine:
    global _note
    reasons = []
    names: tuple[Name, Name] = ("sha-ni", "vectors")
    for name in names:
        try:
            found = _make(name)
        except Exception as error:  # whatever ails the compiler, there is hashlib
            reasons.append(f"no {name}: {error or type(error).__name__}")
        else:
            _note = "; ".join(reasons)
            return found
    _note = "; ".join(reasons)
    return HashlibEngine()


def _make(name: Name) -> Engine:
    if name not in _made:
        if name == "hashlib":
            _made[name] = HashlibEngine()
        else:
            from ledger.fingerprint.kernel.compiled import CompiledEngine

            found = CompiledEngine(name)
            _check(found)
            _made[name] = found
    return _made[name]


def _check(found: Engine) -> None:
    """Known answers, from hashlib. Raises ValueError."""
    plain = HashlibEngine()
    content = np.arange(512, dtype=np.uint8)
    starts, stops = np.array([0, 3, 7, 9, 100], np.int64), np.array([0, 58, 71, 199, 384], np.int64)
    salts = content[:80].reshape(5, 16)
    key = bytes(range(32))
    agree = (
        np.array_equal(found.leaves(0, content, starts, stops, each), plain.leaves(0, content, starts, stops, each))
        for each in (salts, None)
    )
    nodes = content[:352].reshape(11, 32)
    if not (
        all(agree)
        and np.array_equal(found.parents(nodes), plain.parents(nodes))
        and np.array_equal(found.macs(key, 2**33, 5), plain.macs(key, 2**33, 5))
        and np.array_equal(found.macs(key, 1, 2, 3), plain.macs(key, 1, 2, 3))
    ):
        raise ValueError("its digests are wrong on this machine")
