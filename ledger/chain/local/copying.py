"""A consistent copy of the local chain's journal while the chain runs, cut after a given block."""

import contextlib
import sqlite3
from pathlib import Path

from ledger.chain.local.journal import Block, Journal
from ledger.errors import Corrupt, Unavailable

NAME = "chain.sqlite3"


def copy_journal(directory: Path, target: Path, last: int | None) -> None:
    """Copy the journal of the chain in `directory` into the new file `target`, without the blocks after `last`.

    SQLite's backup interface copies what is committed, whoever writes meanwhile. The copy needs no file beside it.
    Raises Corrupt if it cannot be read, Unavailable if the disk is full.
    """
    try:
        with (
            contextlib.closing(sqlite3.connect(directory / NAME, timeout=10)) as source,
            contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            source.backup(copy)  # in one go: between steps a busy chain would make it begin again
            copy.execute("PRAGMA journal_mode = DELETE")
            if last is not None:
                copy.execute("BEGIN IMMEDIATE")
                for table in ("block_transaction", "block"):
                    copy.execute(f"DELETE FROM {table} WHERE number > ?", (last,))  # noqa: S608 (names of ours)
                copy.execute("COMMIT")
            copy.execute("VACUUM")
    except sqlite3.DatabaseError as error:
        if "disk is full" in str(error):
            raise Unavailable(f"{target.parent} is full", remedy="Free some disk there, then try again.") from error
        raise Corrupt(f"{directory / NAME} cannot be read as the local chain's journal: {error}") from error


def check_journal(path: Path) -> Block | None:
    """Read a journal from its first block to its last, which is answered; None if it is empty.

    Raises Corrupt for a file that is damaged or has gaps. Changes nothing but SQLite's own bookkeeping.
    """
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            ((verdict,),) = database.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        raise Corrupt(f"the local chain's journal cannot be read: {error}") from error
    if verdict != "ok":
        raise Corrupt(f"the local chain's journal is damaged: {verdict}")
    with contextlib.closing(Journal(path)) as journal:
        first, last = 1, None
        while blocks := journal.blocks(first):
            last = blocks[-1]
            first = last.number + 1
        if first - 1 != journal.height():
            raise Corrupt(f"block {first} is missing from the local chain's journal", block=first)
    return last
