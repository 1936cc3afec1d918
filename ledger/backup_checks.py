"""What must hold of a backup's file, each check reported, none stopping the next that can still be made.

1 whole     it begins, goes on and ends as a backup does
2 digests   every member has the bytes that the last member says, and none is missing or extra
3 ledger    the manifest is of the ledger that the backup is of
4 keys      every key file is one (they are not opened)
5 rows      every row can be read, there are as many as there were, and each document has its digest
6 payloads  every payload that a row with a key names is there, under its own digest, or was missing before
7 chain     the local chain's journal, if it is there, has no gap and ends at the block that was followed

The digests find damage. Whoever can change a backup on purpose can change them too: keep the digest of the whole file
somewhere else and give it to the check; and a restore replays the chain whatever the rows say.
"""

import hashlib
import hmac
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keys.envelope import MAX_FILE, parse
from keys.errors import InvalidKeyFile
from ledger.chain.local.copying import NAME as JOURNAL_NAME
from ledger.chain.local.copying import check_journal
from ledger.domain.manifest import Manifest
from ledger.errors import Corrupt, InvalidInput, ShareLedgerError
from ledger.services.checks import Check
from ledger.store.archive import LAST, PIECE, ArchiveReader
from ledger.store.dump import DumpedTable

Progress = Callable[[int, int], None]
CODES: Final = ("whole", "digests", "ledger", "keys", "rows", "payloads", "chain")
OBJECT_TABLES: Final = ("payloads", "table_parts")  # whose rows name objects of the payload store, in `object`
LARGEST_MANIFEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BackupReport:
    """`digest`: SHA-256 of the whole file. `contents`: what is in it, by name; empty if that cannot be told."""

    checks: tuple[Check, ...]
    digest: str
    contents: dict[str, Any]

    @property
    def ok(self) -> bool:
        return all(check.ok is not False for check in self.checks) and self.checks[0].ok is True

    @property
    def failures(self) -> str:
        return "; ".join(f"{check.number} {check.code}: {check.detail}" for check in self.checks if check.ok is False)

    def to_json(self) -> dict[str, Any]:
        checks = [check.to_json() for check in self.checks]
        return {"ok": self.ok, "digest": self.digest, "checks": checks, **self.contents}


def check_backup(
    path: Path, *, digest: str | None = None, scratch: Path | None = None, on_progress: Progress | None = None
) -> BackupReport:
    """Read the whole file and check it. `digest`: what the whole file's must be. Blocks. Raises OSError, Corrupt never.

    `scratch`: a folder for a copy of the chain's journal; else the system's. `on_progress` is told thousandths.
    """
    found = _digest_of(path, part(on_progress, 0, 400))
    with ArchiveReader(path) as archive:
        try:
            told = archive.told()
            number = len(archive.members())
        except Corrupt as error:
            unmade = [
                Check(at, code, None, "not checked: the file is not whole") for at, code in enumerate(CODES[1:], 2)
            ]
            return BackupReport((Check(1, "whole", False, error.detail), *unmade), found, {})
        whole = Check(1, "whole", True, f"{number} members, {archive.size} bytes")
        if digest is not None and not hmac.compare_digest(digest.lower(), found):
            whole = Check(1, "whole", False, f"the file's digest is {found}, not the one given")
        examined = _Examined(archive, told, scratch, part(on_progress, 400, 1000))
        makers: tuple[Callable[[], str], ...] = (
            examined.digests, examined.ledger, examined.keys, examined.rows, examined.payloads, examined.chain,
        )  # fmt: skip
        checks = [
            _made(number, code, maker) for number, (code, maker) in enumerate(zip(CODES[1:], makers, strict=True), 2)
        ]
        return BackupReport((whole, *checks), found, examined.contents())


def _made(number: int, code: str, check: Callable[[], str]) -> Check:
    try:
        return Check(number, code, True, check())
    except ShareLedgerError as error:
        return Check(number, code, False, error.detail)
    except InvalidKeyFile as error:
        return Check(number, code, False, error.detail)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Check(number, code, False, f"what {LAST} says cannot be read: {type(error).__name__} {error}")


class _Examined:
    """An archive whose last member was read."""

    def __init__(
        self, archive: ArchiveReader, told: dict[str, Any], scratch: Path | None, on_progress: Progress
    ) -> None:
        self._archive, self._told, self._scratch, self._on_progress = archive, told, scratch, on_progress
        self._names = [member.name for member in archive.members()[:-1]]
        self._objects: set[str] = set()

    def contents(self) -> dict[str, Any]:
        told = self._told
        followed = told.get("followed") or {}
        tables = told.get("tables") or {}
        return {
            "created": told.get("created"),
            "journal": told.get("journal"),
            "entries": followed.get("entries", 0),
            "head": followed.get("head"),
            "rows": {name: table.get("rows") for name, table in tables.items() if isinstance(table, dict)},
            "keys": sum(name.startswith("keystore/") for name in self._names),
            "payloads": sum(name.startswith("payloads/") for name in self._names),
            "local_chain": JOURNAL_NAME in self._names,
            "missing_payloads": told.get("missing_payloads"),
        }

    def digests(self) -> str:
        listed = {one["name"]: (one["size"], one["sha256"]) for one in self._told["members"]}
        if gone := sorted(listed.keys() - set(self._names)):
            raise Corrupt(f"missing: {', '.join(gone[:5])}")
        if extra := sorted(set(self._names) - listed.keys()):
            raise Corrupt(f"not of this backup: {', '.join(extra[:5])}")
        wrong = []
        for member in self._archive.members()[:-1]:
            hash_ = hashlib.sha256()
            for piece in self._archive.pieces(member):
                hash_.update(piece)
            self._on_progress(member.offset + member.size, self._archive.size)
            if (member.size, hash_.hexdigest()) != listed[member.name]:
                wrong.append(member.name)
        if wrong:
            raise Corrupt(f"damaged: {', '.join(wrong[:5])}{' …' if len(wrong) > 5 else ''}")
        return f"{len(listed)} members are what was written"

    def ledger(self) -> str:
        content = self._archive.content("manifest.json", LARGEST_MANIFEST)
        try:
            manifest = Manifest.from_json(json.loads(content))
        except (InvalidInput, RecursionError) as error:
            raise Corrupt(f"manifest.json: {error}") from None
        if (manifest.chain_id, manifest.journal) != (self._told["chain_id"], self._told["journal"]):
            raise Corrupt("manifest.json is of another ledger than the backup says")
        couriers = self._archive.content("courier", LARGEST_MANIFEST).split()
        if not couriers:
            raise Corrupt("the backup does not say who carries")
        return f"the ledger {manifest.journal} on chain {manifest.chain_id}"

    def keys(self) -> str:
        files = [name for name in self._names if name.startswith("keystore/")]
        for name in files:
            parse(self._archive.content(name, MAX_FILE), name=name)
        return f"{len(files)} key files, all encrypted"

    def rows(self) -> str:
        total = 0
        for name, about in self._told["tables"].items():
            table = DumpedTable.from_json(name, about["columns"])
            number = 0
            for line in self._archive.lines(self._archive.member(f"rows/{name}.jsonl")):
                number += 1
                self._look_at(name, table.row(line))
            if number != about["rows"]:
                raise Corrupt(f"{name} has {number} rows, it had {about['rows']}")
            total += number
        return f"{total} rows in {len(self._told['tables'])} tables"

    def _look_at(self, table: str, row: dict[str, Any]) -> None:
        if table == "documents" and hashlib.sha256(row["body"]).hexdigest() != row["digest"]:
            raise Corrupt(f"document {row['digest']} has another digest")
        if table in OBJECT_TABLES and row["object"] is not None and row["wrapped_key"] is not None:
            self._objects.add(row["object"])

    def payloads(self) -> str:
        there = {name.removeprefix("payloads/") for name in self._names if name.startswith("payloads/")}
        before = set(self._told["missing_payloads"])
        if gone := sorted(self._objects - there - before):
            raise Corrupt(f"missing: {', '.join(gone[:5])}")
        sums = {one["name"]: one["sha256"] for one in self._told["members"]}
        if wrong := sorted(digest for digest in there if sums.get(f"payloads/{digest}") != digest):
            raise Corrupt(f"not what their names say: {', '.join(wrong[:5])}")
        noted = f"; {len(before)} were missing already" if before else ""
        return f"{len(there)} payloads{noted}"

    def chain(self) -> str:
        if JOURNAL_NAME not in self._names:
            return "the chain is kept elsewhere"
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            copy = Path(folder) / JOURNAL_NAME
            with copy.open("wb") as file:
                for piece in self._archive.pieces(self._archive.member(JOURNAL_NAME)):
                    file.write(piece)
            last = check_journal(copy)
        followed = self._told["followed"]
        if followed and (
            last is None
            or last.number != followed["block"]
            or (last.hash and f"0x{last.hash.hex()}" != followed["block_hash"])
        ):
            raise Corrupt("the local chain's journal does not end at the block that was followed")
        return f"{last.number if last else 0} blocks without a gap"


def part(on_progress: Progress | None, first: int, last: int) -> Progress:
    """Tells (done, all) of one part of a longer work as thousandths of the whole, from `first` to `last`."""

    def step(done: int, total: int) -> None:
        if on_progress is not None and total:
            on_progress(first + (last - first) * done // total, 1000)

    return step


def _digest_of(path: Path, on_progress: Progress) -> str:
    hash_, size, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            hash_.update(piece)
            done += len(piece)
            on_progress(done, size)
    return hash_.hexdigest()
