"""The journal of the local chain: every block's number, time and ordered raw transactions, in one SQLite file.

A block is committed here, with the disk told to keep it, before it is mined. Its hash follows afterwards. Only the last
block can be without a hash: whoever replays it arrives at the same block, since nothing but these rows decides it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import Corrupt, WrongChain

FORMAT = "local-chain/1"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS block (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    timestamp INTEGER NOT NULL,
    hash BLOB CHECK (length(hash) = 32)
);
CREATE TABLE IF NOT EXISTS block_transaction (
    number INTEGER NOT NULL REFERENCES block (number),
    position INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    raw BLOB NOT NULL,
    PRIMARY KEY (number, position)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A block as journalled. `timestamp` in Unix seconds, `transactions` as (hash, raw bytes), `hash` once mined."""

    number: int
    timestamp: int
    transactions: tuple[tuple[bytes, bytes], ...]
    hash: bytes | None = None

    @property
    def size(self) -> int:
        return sum(len(raw) for _, raw in self.transactions)


class Journal:
    """One writer at a time, from any thread. Raises `Corrupt` if the file cannot be read as a journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _reading(path):
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.executescript(_SCHEMA)
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    def pin(self, **facts: str) -> None:
        """Write down what a chain is made of when it is new; afterwards raise `WrongChain` if any of it differs."""
        wanted = {"format": FORMAT, **facts}
        with _reading(self.path):
            present: dict[str, str] = dict(self._db.execute("SELECT name, value FROM meta"))
            for name, value in wanted.items():
                if present.get(name, value) != value:
                    raise WrongChain(
                        f"the chain in {self.path} has {name} {present[name]}, not {value}",
                        remedy="Start it as it was made (see `chain status`), or use another folder for a new chain.",
                        name=name,
                        expected=present[name],
                        found=value,
                    )
            with self._transaction():
                self._db.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", wanted.items())

    def fact(self, name: str) -> str | None:
        """A pinned fact, or None if the chain is that new."""
        with _reading(self.path):
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def height(self) -> int:
        """The number of the last journalled block; 0 if there is none."""
        with _reading(self.path):
            return int(self._db.execute("SELECT coalesce(max(number), 0) FROM block").fetchone()[0])

    def append(self, block: Block) -> None:
        """Commit the next block, without its hash, and wait until the disk has it."""
        with self._transaction():
            self._db.execute("INSERT INTO block (number, timestamp) VALUES (?, ?)", (block.number, block.timestamp))
            self._db.executemany(
                "INSERT INTO block_transaction VALUES (?, ?, ?, ?)",
                [(block.number, position, *pair) for position, pair in enumerate(block.transactions)],
            )

    def record(self, number: int, block_hash: bytes, dropped: tuple[bytes, ...] = ()) -> None:
        """Write a mined block's hash, and take out transactions the chain did not accept into it.

        This commit does not wait for the disk: the next `append` does. If the machine stops before that, the hash is
        missing, the block is replayed from its transactions, and the same hash and the same refusals come back.
        """
        self._db.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._transaction():
                self._db.execute("UPDATE block SET hash = ? WHERE number = ?", (block_hash, number))
                self._db.executemany(
                    "DELETE FROM block_transaction WHERE number = ? AND hash = ?", [(number, tx) for tx in dropped]
                )
        finally:
            self._db.execute("PRAGMA synchronous = FULL")

    def blocks(self, first: int, *, count: int = 128, size: int = 4_000_000) -> list[Block]:
        """Blocks from `first` on: at most `count`, and no more than needed to reach `size` bytes of transactions."""
        with _reading(self.path):
            blocks: list[Block] = []
            total = 0
            rows = self._db.execute(
                "SELECT number, timestamp, hash FROM block WHERE number >= ? ORDER BY number LIMIT ?", (first, count)
            ).fetchall()
            for expected, (number, timestamp, block_hash) in enumerate(rows, start=first):
                if number != expected:
                    raise Corrupt(f"block {expected} is missing from {self.path}", block=expected)
                pairs = self._db.execute(
                    "SELECT hash, raw FROM block_transaction WHERE number = ? ORDER BY position", (number,)
                )
                blocks.append(Block(number, timestamp, tuple(pairs), block_hash))
                total += blocks[-1].size
                if total >= size:
                    break
            return blocks

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise Corrupt(f"{path} cannot be read as the local chain's journal: {error}", path=str(path)) from error
