"""Known bugs, to be caught. Each sits between the product and a port of its, so it survives changes inside."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from ledger.domain.entries import Entry
from ledger.domain.submissions import Submission, SubmissionState
from ledger.errors import Unavailable
from ledger.ports import Block, Carried, Ports, UnitOfWork
from ledger.services import carrying
from ledger.services.acting import submit
from ledger.services.carrying import Submitter
from ledger.services.following import Follower
from ledger.services.settling import judge
from tests.simulation.world import Makers


class Between:
    """Hands on whatever it does not say itself."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


# the submitter


class _SendsFirst(Between):
    node: Any

    async def pack(self, submissions: Sequence[Submission], nonce: int) -> Carried:
        made: Carried = await self._inner.pack(submissions, nonce)
        await self.node.send(made.raw)
        return made


def nonce_not_stored(*given: Any, **named: Any) -> Submitter:
    """Sends a transaction before its nonce and bytes are stored."""
    submitter = Submitter(*given, **named)
    submitter.packer = packer = _SendsFirst(submitter.packer)
    packer.node = submitter.node
    return submitter


class _SignsAgain(Between):
    packer: Any

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._sent: set[int] = set()

    async def send(self, raw: bytes) -> None:
        nonce, acts = self.packer.made[raw]
        if raw in self._inner.chain.handed.get(nonce, ()) and nonce not in self._sent:
            raw = (await self.packer.pack(acts, nonce)).raw
        self._sent.add(nonce)
        await self._inner.send(raw)


def new_bytes_after_a_crash(*given: Any, **named: Any) -> Submitter:
    """What another process stored and sent is signed anew under the same nonce."""
    submitter = Submitter(*given, **named)
    submitter.node = node = _SignsAgain(submitter.node)
    node.packer = submitter.packer
    return submitter


class _AlwaysLeads(Between):
    @asynccontextmanager
    async def write(self, **named: Any) -> AsyncIterator[UnitOfWork]:
        async def leads(*_: Any) -> int:
            return 1

        async with self._inner.write(**named) as work:
            work.lease = work.holds_lease = leads
            yield work


def no_lease(*given: Any, **named: Any) -> Submitter:
    """Every process believes that it alone sends."""
    submitter = Submitter(*given, **named)
    submitter.store = _AlwaysLeads(submitter.store)
    return submitter


async def _always_failed(*given: Any, **named: Any) -> Any:
    return replace(await judge(*given, **named), state=SubmissionState.FAILED)


# the follower


class _OwnWord(Between):
    """The head is what the last entry says, not what the ledger's state says."""

    follower: Follower

    async def entries_and_head(self, first: int, block: Block) -> tuple[list[Entry], tuple[int, str] | None]:
        found, head = await self._inner.entries_and_head(first, block)
        if found:
            return found, (found[-1].index + 1, found[-1].head)
        reached = self.follower.reached
        return found, (reached.size, reached.head) if reached and reached.size else head


def short_answer_trusted(*given: Any, **named: Any) -> Follower:
    follower = Follower(*given, **named)
    follower.node = node = _OwnWord(follower.node)
    node.follower = follower
    return follower


class _AllIsWell(Between):
    follower: Follower

    async def look(self, number: int) -> tuple[Block, Block | None]:
        latest, there = await self._inner.look(number)
        async with self.follower.store.read() as work:
            cursor = await work.cursor()
        return latest, cursor.block if cursor and cursor.block.number == number else there


def rewind_below_final_ignored(*given: Any, **named: Any) -> Follower:
    follower = Follower(*given, **named)
    follower.node = node = _AllIsWell(follower.node)
    node.follower = follower
    return follower


def follows_what_is_not_final(store: Any, node: Any, manifest: Any, _confirmations: int, **named: Any) -> Follower:
    return Follower(store, node, manifest, 0, **named)


# taking acts


async def acknowledged_too_early(ports: Ports, *given: Any, **named: Any) -> Sequence[Submission]:
    """Says yes although the database said no."""
    try:
        return await submit(ports, *given, **named)
    except Unavailable:
        return []


@dataclass(frozen=True)
class Bug:
    makers: Makers
    kinds: tuple[str, ...]  # what the checks call it
    judges: Any = None

    @contextmanager
    def planted(self) -> Iterator[Makers]:
        with mock.patch.object(carrying, "judge", self.judges or judge):
            yield self.makers


BUGS = {
    "nonce not stored": Bug(Makers(submitter=nonce_not_stored), ("gaps", "doubled")),
    "returned taken as final": Bug(Makers(), ("lost",), _always_failed),
    "short answer trusted": Bug(Makers(follower=short_answer_trusted), ("mismatches",)),
    "new bytes after a crash": Bug(Makers(submitter=new_bytes_after_a_crash), ("doubled",)),
    "no lease": Bug(Makers(submitter=no_lease), ("mismatches", "doubled")),
    "rewind below final ignored": Bug(Makers(follower=rewind_below_final_ignored), ("mismatches",)),
    "what is not final is followed": Bug(Makers(follower=follows_what_is_not_final), ("mismatches",)),
    "acknowledged too early": Bug(Makers(submit=acknowledged_too_early), ("lost",)),
}
