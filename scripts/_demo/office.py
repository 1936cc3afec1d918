"""A department at work: its calls to the product over HTTP, with its own API key."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ledger.cli.client import Client, segment
from ledger.cli.failures import Answered
from scripts._demo.cast import Part

PIECE = 1 << 20  # bytes
Submission = dict[str, Any]


class Unexpected(Exception):
    """The product did something other than the story says."""


class Office:
    """One department's desk. Acts are signed by the keys the host holds for it, and waited for."""

    def __init__(self, part: Part, client: Client) -> None:
        self.part, self.client = part, client

    def act(self, path: str, body: dict[str, Any]) -> Submission:
        """The act's submission, final. Raises Answered if it is refused, Unexpected if it does not become final."""
        return final(self.client.post(path, body, wait=30))

    def queue(self, path: str, body: dict[str, Any]) -> Submission:
        """The act's submission as soon as it is durable."""
        submission: Submission = self.client.post(path, body)
        return submission

    def upload(self, path: str, file: Path, **query: Any) -> Any:
        def pieces() -> Iterator[bytes]:
            with file.open("rb") as source:
                while piece := source.read(PIECE):
                    yield piece

        return self.client.upload(path, pieces, file.stat().st_size, "text/csv", **query)

    def download(self, path: str, file: Path, progress: Callable[[int], None] = lambda done: None) -> Path:
        with self.client.stream(path, {}) as answer, file.open("wb") as target:
            for piece in answer.iter_bytes(PIECE):
                target.write(piece)
                progress(target.tell())
        return file


def at(noun: str, name: str, what: str = "") -> str:
    """The path of something that belongs to an object: at("datasets", code, "versions")."""
    return f"/{noun}/{segment(name)}" + (f"/{what}" if what else "")


def final(submission: Submission) -> Submission:
    """The same, if it is final. Raises Unexpected."""
    if submission.get("state") != "final":
        act, state, reason = submission["act"]["type"], submission.get("state"), submission.get("reason")
        raise Unexpected(f"{act} is {state}, not final: {reason}")
    return submission


def refusal(attempt: Callable[[], object]) -> Answered:
    """How the product refuses what must be refused. Raises Unexpected if it does not."""
    try:
        attempt()
    except Answered as refused:
        return refused
    raise Unexpected("the product allowed what it had to refuse")
