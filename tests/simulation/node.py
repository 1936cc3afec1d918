"""One process's view of the chain: it answers late, from behind, from a fork that is gone, or not what happened."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ledger.domain.acts import Mark
from ledger.domain.entries import Entry
from ledger.domain.refusals import refusal_from_name
from ledger.errors import Unavailable
from ledger.ports import Block, Receipt
from tests.simulation.chain import Chain, Mined
from tests.simulation.faults import Faults


class SimulatedNode:
    """`ledger.ports.Node`. `alive` raises once the process that asks is dead."""

    def __init__(self, chain: Chain, faults: Faults, alive: Callable[[], None], told: Callable[[str], None]) -> None:
        self.chain, self.faults, self._alive, self._told = chain, faults, alive, told
        self.down = False

    async def _reach(self, call: str) -> list[Mined]:
        """The blocks this answer is taken from."""
        self._alive()
        rng = self.faults.rng
        await asyncio.sleep(rng.uniform(0.0005, 0.004))
        self._alive()
        if self.down or self.faults.strikes("no answer"):
            raise Unavailable(f"the node does not answer {call}")
        return self._seen()

    def _seen(self) -> list[Mined]:
        blocks = self.chain.blocks
        if self.chain.former and self.faults.strikes("answers from a fork that is gone"):
            return self.chain.former
        if self.faults.strikes("answers from behind"):
            return blocks[: max(3, len(blocks) - self.faults.rng.randint(1, 5))]
        return blocks

    async def _answered(self) -> None:
        """Between the node's looking and our hearing of it."""
        if self.faults.strikes("slow answer"):
            await asyncio.sleep(self.faults.rng.choice([0.05, 0.3, 2.0]))
        self._alive()

    # ledger.ports.Node

    async def latest(self) -> Block:
        found = (await self._reach("latest"))[-1].block
        await self._answered()
        return found

    async def block(self, number: int) -> Block | None:
        found = _at(await self._reach("block"), number)
        await self._answered()
        return found

    async def look(self, number: int) -> tuple[Block, Block | None]:
        seen = await self._reach("look")
        await self._answered()
        return seen[-1].block, _at(seen, number)

    async def entries(self, first: int, last: int, modules: Sequence[str] = ()) -> list[Entry]:
        seen = await self._reach("entries")
        found = self._bent(_between(seen, first, last))
        await self._answered()
        return found

    async def head(self, block: Block) -> tuple[int, str] | None:
        seen = await self._reach("head")
        found = self._head(seen, block)
        await self._answered()
        return found

    async def entries_and_head(self, first: int, block: Block) -> tuple[list[Entry], tuple[int, str] | None]:
        seen = await self._reach("entries_and_head")
        found = self._bent(_between(seen, first, block.number))
        head = self._head(self._seen(), block)  # perhaps another machine's answer
        await self._answered()
        return found, head

    async def send(self, raw: bytes) -> None:
        await self._reach("send")
        chain, faults = self.chain, self.faults
        nonce = chain.packer.made[raw][0]
        chain.handed.setdefault(nonce, set()).add(raw)
        self._told(f"sent: nonce {nonce}")
        if not faults.strikes("transaction dropped"):
            later = asyncio.get_running_loop().call_later
            late = faults.strikes("transaction delayed")
            if late:
                later(faults.rng.uniform(0.2, 4.0), chain.take, raw)
            else:
                chain.take(raw)
            if faults.strikes("transaction doubled"):
                later(faults.rng.uniform(0.0, 6.0), chain.take, raw)
        if faults.strikes("answer to sending lost"):
            raise Unavailable("the connection broke while sending")
        await self._answered()

    async def receipt(self, transaction: str) -> Receipt | None:
        found = self._receipt(await self._reach("receipt"), transaction)
        await self._answered()
        return found

    async def landed(self, transactions: Sequence[str]) -> tuple[Block, list[Receipt | None]]:
        latest = (await self._reach("landed"))[-1].block
        found = [self._receipt(self._seen(), each) for each in transactions]
        await self._answered()
        return latest, found

    async def next_nonce(self, account: str, block: Block | None = None) -> int:
        seen = await self._reach("next_nonce")
        found = seen[-1] if block is None else _mined(seen, block)
        await self._answered()
        if found is None:
            raise Unavailable("the node does not know that block")
        return found.nonce if account == self.chain.packer.courier else 0

    # lies

    def _head(self, seen: list[Mined], block: Block) -> tuple[int, str] | None:
        mined = _mined(seen, block)
        if mined is None or self.faults.strikes("state is gone"):
            return None
        return mined.size, mined.head

    def _bent(self, entries: list[Entry]) -> list[Entry]:
        strikes, rng = self.faults.strikes, self.faults.rng
        if entries and strikes("logs empty"):
            return []
        if entries and strikes("logs short"):
            at = rng.randrange(len(entries))
            entries = entries[:at] + (entries[at + 1 :] if rng.random() < 0.5 else [])
        if len(entries) > 1 and strikes("logs reordered"):
            entries = rng.sample(entries, len(entries))
        if entries and strikes("logs doubled"):
            entries = [*entries, rng.choice(entries)]
        if entries and strikes("logs altered"):
            at = rng.randrange(len(entries))
            entries = [*entries[:at], self._altered(entries[at]), *entries[at + 1 :]]
        return entries

    def _altered(self, entry: Entry) -> Entry:
        rng, newest = self.faults.rng, self.chain.tip.entries or [entry]
        changes: list[dict[str, Any]] = [
            {"time": entry.time + 1},
            {"head": "ab" * 32},
            {"index": entry.index + rng.choice([-1, 1])},
            {"signatures": (bytes(65),)},
            {"department": "west" if entry.department != "west" else "north"},
            {"marks": entry.marks ^ Mark.RECOVERY},
            {"act": newest[0].act},
            {"digest": "cd" * 32},
        ]
        return replace(entry, **rng.choice(changes))

    def _receipt(self, seen: list[Mined], transaction: str) -> Receipt | None:
        found = next((one.receipts[transaction] for one in reversed(seen) if transaction in one.receipts), None)
        if found is None or not found.returned:
            return found
        if self.faults.strikes("returned hidden"):
            return replace(found, returned={})
        if self.faults.strikes("returned altered"):
            name = self.faults.rng.choice(["SignedExpired", "DepartmentsKeyRetired", "JournalClosed", "SignedPrior"])
            arguments = {"SignedExpired": (1, 2), "DepartmentsKeyRetired": ("0x" + "11" * 20,), "JournalClosed": ()}
            other = refusal_from_name(name, *arguments.get(name, ("12" * 32, "34" * 32)))
            return replace(found, returned=dict.fromkeys(found.returned, other))
        return found


def _at(seen: list[Mined], number: int) -> Block | None:
    return seen[number].block if 0 <= number < len(seen) else None


def _mined(seen: list[Mined], block: Block) -> Mined | None:
    at = block.number
    return seen[at] if 0 <= at < len(seen) and seen[at].block == block else None


def _between(seen: list[Mined], first: int, last: int) -> list[Entry]:
    return [entry for mined in seen[max(first, 0) : last + 1] for entry in mined.entries]
