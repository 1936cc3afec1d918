"""Files that appear only when they are whole, and downloads that go on where they broke off."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from ledger.cli.client import segment
from ledger.cli.failures import InvalidOption, NoAnswer, NotOurServer
from ledger.cli.output import Answer
from ledger.cli.progress import progress
from ledger.cli.run import Run
from ledger.cli.texts import say
from ledger.errors import Corrupt

if TYPE_CHECKING:
    import httpx

_RANGE: Final = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)", re.ASCII)
_TAG: Final = re.compile(r'"([0-9A-Za-z._-]{1,128})"', re.ASCII)


def write_whole(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write a file for this user alone: all of it, durably, or none. Raises InvalidOption if it is there, OSError."""
    with _appearing(path, force=force) as file:
        file.write(content)


@contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """A file to be written piece by piece, which appears when all went well, and not at all else.

    Raises InvalidOption if it is there, before anything is written and again at the end; OSError.
    """
    if path.exists():
        raise InvalidOption(f"{path} is there already", remedy="Name another file.")
    with _appearing(path, force=False) as file:
        yield file


@contextmanager
def _appearing(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _private(part, fresh=True) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(part, path, force=force)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def fetch_payload(run: Run, share: str, path: Path, *, force: bool) -> Answer:
    """Download what was delivered under a share. A broken connection is taken up again, now or by the next run.

    Raises Answered (no share, expired, suspended, ended), NoAnswer, InvalidOption, OSError.
    """
    if path.exists() and not force:
        raise InvalidOption(f"{path} is there already", remedy="Name another file, or give --force.")
    tried = 0
    while True:
        tried += 1
        try:
            part, size = _fetch(run, f"/authorisations/{segment(share)}/payload", path)
            break
        except NoAnswer as broken:
            if not run.client.pause(tried):
                raise
            run.out.say("retrying", reason=broken.detail)
    _put_in_place(part, path, force=force)
    return Answer({"share": share, "file": str(path), "size": size})


def _fetch(run: Run, at: str, path: Path) -> tuple[Path, int]:
    """One try: the finished part file and its size."""
    part, tag = _begun(path)
    start = part.stat().st_size if part is not None else 0
    headers = {"Range": f"bytes={start}-", "If-Range": f'"{tag}"'} if part is not None and start else {}
    with run.client.stream(at, headers) as response:
        start, total = _extent(response, start)
        part = _part_for(path, response, part, resumed=start > 0)
        if start:
            run.out.say("resumed", start=start)
        with (
            _private(part, fresh=start == 0) as file,
            progress(say(run.out.lang, "downloading"), total, start=start) as step,
        ):
            done = start
            for chunk in response.iter_raw():  # as it comes: what has arrived is kept when the connection breaks
                file.write(chunk)
                done += len(chunk)
                step(done)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done != total:
        if done > total:
            part.unlink()
            raise Corrupt(f"the server sent {done} bytes of a payload of {total}", remedy="Download it again.")
        raise NoAnswer(f"{run.client.host}: the connection broke after {done} of {total} bytes")
    return part, done


def _begun(path: Path) -> tuple[Path | None, str]:
    """A download of this file that broke off: the part and the tag of what it is a part of, kept in its name."""
    for part in sorted(path.parent.glob(f".{path.name}.*.part")):
        tag = part.name[len(path.name) + 2 : -len(".part")]
        if _TAG.fullmatch(f'"{tag}"'):
            return part, tag
    return None, ""


def _extent(response: "httpx.Response", asked: int) -> tuple[int, int | None]:
    """(first byte that comes, size of the whole). Raises NotOurServer for an answer that fits no question of ours."""
    if response.status_code == 206:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not match or int(match[1]) != asked:
            raise NotOurServer(f"{response.request.url.host} sent another range than asked for")
        return asked, int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _part_for(path: Path, response: "httpx.Response", begun: Path | None, *, resumed: bool) -> Path:
    """The part file of what is being sent; one of anything else is thrown away."""
    if resumed and begun is not None:
        return begun
    if begun is not None:
        begun.unlink()
    match = _TAG.fullmatch(response.headers.get("ETag", ""))
    return path.with_name(f".{path.name}.{match[1] if match else 'untagged~'}.part")  # ~ is in no tag: never resumed


def _private(path: Path, *, fresh: bool) -> BinaryIO:
    """The file for writing, mode 0600: emptied, or at its end."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if fresh else os.O_APPEND)
    return os.fdopen(os.open(path, flags, 0o600), "wb" if fresh else "ab")


def _put_in_place(part: Path, path: Path, *, force: bool) -> None:
    if force:
        part.replace(path)
        return
    try:
        os.link(part, path)  # unlike a rename, a link never replaces what came there meanwhile
    except FileExistsError as error:
        raise InvalidOption(f"{path} is there already", remedy="Name another file, or give --force.") from error
    part.unlink()
