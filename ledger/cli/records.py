"""Reading a share's records: every page is checked here before any of it is shown or kept; pages kept, checked again.

The page's own word is taken for nothing: the entry comes from the ledger that is pinned or served, the scope's bounds
from its document, and what was asked for is held against what came.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from ledger.cli.client import segment
from ledger.cli.download import appearing
from ledger.cli.failures import InvalidOption, Mismatch, UnreadableFile
from ledger.cli.material import anchoring_of, without
from ledger.cli.output import Answer
from ledger.cli.progress import progress
from ledger.cli.run import Run
from ledger.cli.texts import say
from ledger.cli.verification import recovers
from ledger.cli.wheres import asked_text, read_where
from ledger.domain.entries import Entry
from ledger.domain.scopes import Filter
from ledger.errors import InvalidProof
from ledger.fingerprint import RECORD
from ledger.fingerprint.answer_proof import MAX_TEXT, read_proof_text, shown_cells
from ledger.fingerprint.record_proof import cell_json
from ledger.services.checks import VerifyReport
from ledger.services.material import Material, VersionDocument, fingerprint_of
from ledger.services.page_checking import check_page
from ledger.services.pages import FORMAT, RecordsPage

MOST: Final = 1000  # on a page
NESTED: Final = 8  # levels a page has
_CHECKS: Final = ("number", "code", "ok", "detail")
_RANKS: Final = {False: 0, None: 1, True: 2}


@dataclass(frozen=True, slots=True)
class _Asked:
    share: str
    columns: tuple[str, ...] | None
    filters: tuple[Filter, ...]

    def query(self, after: str | None, limit: int) -> dict[str, Any]:
        columns = None if self.columns is None else list(self.columns)
        return {"column": columns, "filter": [asked_text(one) for one in self.filters], "after": after, "limit": limit}

    def check(self, page: RecordsPage, before: RecordsPage | None) -> None:
        """The page answers this question, and goes on where the one before ended. Raises Mismatch."""
        if page.share != self.share or page.filters != self.filters:
            raise Mismatch("the server answered another question than the one that was asked")
        if self.columns is not None and set(page.columns) != set(self.columns):
            raise Mismatch("the server shows other columns than those asked for")
        if before is not None and (page.version != before.version or page.first != before.stop):
            raise Mismatch("the server's pages do not follow each other")


@dataclass
class _Shown:
    """What was proven: rows for people and programs, and where it goes on."""

    pages: int = 0
    records: int = 0
    shredded: int = 0
    last: RecordsPage | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, page: RecordsPage, *, keep: bool) -> None:
        self.pages, self.last = self.pages + 1, page
        self.shredded += sum(other - one for one, other in page.shredded)
        for record in () if page.answer is None else page.answer.records:
            self.records += 1
            if keep:
                cells = shown_cells(record)
                self.rows.append({"index": record.index, "cells": [cell_json(cells[at]) for at in sorted(cells)]})


def read_records(run: Run, share: str, columns: str | None, where: list[str], output: Path | None) -> Answer:
    """Pages of a share's records. Raises Answered, NoAnswer, Mismatch, InvalidProof, InvalidOption, OSError.

    A page that fails a check ends the reading: nothing is shown but the check, and no file appears.
    """
    try:
        return _proven(run, share, columns, where, output)
    except _Failed as failed:
        return failed.answer


def _proven(run: Run, share: str, columns: str | None, where: list[str], output: Path | None) -> Answer:
    names = None if columns is None else tuple(columns.split(","))
    if names is not None and not all(names):
        raise InvalidOption("--columns names columns, separated by commas")
    asked = _Asked(share, names, tuple(map(read_where, where)))
    version = run.client.get(f"/authorisations/{segment(share)}").get("version")
    if not isinstance(version, str):
        raise InvalidOption("nothing was delivered under this share yet")
    ledger, entry, document = anchoring_of(run, version, None)
    _require_provable(names, entry, document)
    material, shown = Material(entry, document, None, None), _Shown()
    with ExitStack() as opened:
        step = opened.enter_context(
            progress(say(run.out.lang, "reading-records"), fingerprint_of(entry).records, unit="records")
        )
        file = None if output is None else opened.enter_context(appearing(output))
        for page in _pages(run, asked):
            report = check_page(material, page, chain_id=ledger.chain_id, recovers=recovers)
            if not _good(page, report):
                raise _Failed(_report(run, [report], {"share": share, "version": version, "first": page.first}))
            shown.add(page, keep=file is None)
            if file is not None:
                file.write(json.dumps(page.to_json(), ensure_ascii=False).encode() + b"\n")
            step(page.stop)
    return _answer(run, asked, version, shown, output)


def _require_provable(names: tuple[str, ...] | None, entry: Entry, document: bytes | None) -> None:
    """Raises InvalidOption for fewer columns than the table has, of a version whose proofs show whole records."""
    if names is None or document is None or fingerprint_of(entry).format != RECORD:
        return
    schema = VersionDocument.parse(document).schema
    if schema is not None and set(names) < set(schema.names):
        raise InvalidOption(
            f"a version of {RECORD} proves whole records only",
            remedy="Leave --columns out; to show fewer, the provider anchors the table as share-record-sd/1.",
        )


class _Failed(Exception):
    """A page failed its checks; the answer says which."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _pages(run: Run, asked: _Asked) -> Iterator[RecordsPage]:
    """As many pages as the options ask for."""
    wanted = None if run.options["all"] else int(run.options["limit"])
    before, after, found = None, run.options["after"], 0
    while True:
        size = MOST if wanted is None else min(MOST, wanted - found)
        told = run.client.get(f"/authorisations/{segment(asked.share)}/records", **asked.query(after, size))
        page = RecordsPage.from_json(without(told, "as_of"))
        asked.check(page, before)
        yield page
        found += 0 if page.answer is None else len(page.answer.records)
        if page.next is None or (wanted is not None and found >= wanted):
            return
        if page.stop <= page.first:
            raise Mismatch("the server's page ends where it began, and says that there are more")
        before, after = page, page.next


def _good(page: RecordsPage, report: VerifyReport) -> bool:
    """No check failed; and what it shows, if anything, is included."""
    return not report.failed and (page.answer is None or report.ok)


def _answer(run: Run, asked: _Asked, version: str, shown: _Shown, output: Path | None) -> Answer:
    last = shown.last
    told = {
        "share": asked.share,
        "version": version,
        "columns": [] if last is None else list(last.columns),
        "ok": True,
        "count": shown.records,
        "pages": shown.pages,
        "shredded": shown.shredded,
        "next": None if last is None else last.next,
        "not_checked": [] if last is None else list(last.not_checked),
    }
    note = say(run.out.lang, "pages-proven", records=shown.records, pages=shown.pages)
    if shown.shredded:
        note += " " + say(run.out.lang, "pages-shredded", count=shown.shredded)
    if output is not None:
        return Answer({**told, "file": str(output)}, note=note)
    return Answer(
        {**told, "records": shown.rows},
        columns=("index",),
        rows="records",
        note=note,
        hide=frozenset({"columns"}) if shown.rows else frozenset(),
        headings=() if last is None else last.columns,
    )


# ---- pages that were kept --------------------------------------------------------------------------------------------


def is_pages(path: Path) -> bool:
    """A folder, or a file whose first line is a page. Raises UnreadableFile."""
    if path.is_dir():
        return True
    try:
        first = next(_lines(path), b"")
        told = read_proof_text(first, nested=NESTED)
    except InvalidProof:
        return False
    return isinstance(told, dict) and told.get("format") == FORMAT


def verify_pages(run: Run, path: Path, version: str, saved: Path | None) -> Answer:
    """Every check of every page in a file, one a line, or in the files of a folder. Raises InvalidProof for none.

    It ends at the first page that fails. Pages without records prove nothing, and count only if there are no others.
    """
    ledger, entry, document = anchoring_of(run, version, saved)
    material = Material(entry, document, None, None)
    found, shown, empty = list[RecordsPage](), list[VerifyReport](), list[VerifyReport]()
    for page in _kept(path):
        report = check_page(material, page, chain_id=ledger.chain_id, recovers=recovers)
        found.append(replace(page, answer=None))  # checked: memory does not grow with the records
        (shown if page.answer is not None or report.failed else empty).append(report)
        if report.failed:
            break
    if not found:
        raise InvalidProof(f"{path} holds no page of records")
    return _report(run, shown or empty, {"version": version, "file": str(path), **_spanned(found, entry)})


def _kept(path: Path) -> Iterator[RecordsPage]:
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    for each in files:
        for line in _lines(each):
            if line.strip():
                yield RecordsPage.from_json(read_proof_text(line, nested=NESTED))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_TEXT + 1):
                yield line
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error


def _spanned(pages: list[RecordsPage], entry: Any) -> dict[str, Any]:
    """Which records the pages say they looked at: one question, and each page going on where the one before ended?"""
    one = all(
        (page.share, page.columns, page.scope_filters, page.filters)
        == (pages[0].share, pages[0].columns, pages[0].scope_filters, pages[0].filters)
        for page in pages
    )
    follow = all(page.stop == after.first for page, after in pairwise(pages))
    to_the_end = pages[0].first == 0 and pages[-1].stop == fingerprint_of(entry).records and pages[-1].next is None
    return {
        "share": pages[0].share,
        "pages": len(pages),
        "first": pages[0].first,
        "stop": pages[-1].stop,
        "one_question": one,
        "following": follow,
        "whole_table": one and follow and to_the_end,
    }


def _report(run: Run, reports: list[VerifyReport], about: dict[str, Any]) -> Answer:
    """Of all pages: a check is as good as on the worst of them."""
    checks = [
        min(those, key=lambda check: _RANKS[check.ok]) for those in zip(*(one.checks for one in reports), strict=True)
    ]
    whole = VerifyReport(tuple(checks), tuple(number for report in reports for number in report.differences))
    note = say(run.out.lang, "passed" if whole.ok else "failed" if whole.failed else "not-all-checked")
    return Answer({**whole.to_json(), **about}, columns=_CHECKS, rows="checks", passed=whole.ok, note=note)
