"""A running ledger on a real local chain in a folder of its own, acts by anyone, and a way to re-check all of it."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keys.passphrases import Passphrase, PassphraseSource, generate
from keys.private_files import create_private
from ledger.domain.acts import Duty, Level, Role
from ledger.domain.callers import Caller
from ledger.domain.submissions import Submission, SubmissionState
from ledger.founding import found
from ledger.runtime import Runtime, open_runtime
from ledger.services.acting import act_for
from ledger.settings import Settings
from tests.harness.recheck import Rechecked, recheck
from tests.harness.waiting import SECONDS

ROOT = "341500"
DIRECTOR = Caller("test", ROOT, Duty.DIRECTOR, Role.AUTHORITY | Role.PROVIDER | Role.CONSUMER)
BESIDE = "passphrase"


@dataclass
class World:
    """An open ledger whose loops run."""

    runtime: Runtime
    acknowledged: list[str] = field(default_factory=list)

    async def act(
        self, name: str, document: dict[str, Any] | None = None, *, by: Caller = DIRECTOR, **fields: Any
    ) -> str:
        """Submit an act signed with a key held here; its digest. It is on its way, not final."""
        submission = await act_for(self.runtime.ports, by, name, fields, document)
        self.acknowledged.append(submission.digest)
        self.runtime.wake()
        return submission.digest

    async def register(self, code: str, parent: str = ROOT, roles: Role = Role.PROVIDER | Role.CONSUMER) -> str:
        return await self.act("RegisterDepartment", department=code, parent=parent, level=Level.COUNTY, roles=roles)

    async def submission(self, digest: str) -> Submission:
        async with self.runtime.store.read() as work:
            found = await work.submission(digest)
        assert found is not None, f"no submission {digest}"
        return found

    async def settle(self, digests: Iterable[str] | None = None, seconds: float = SECONDS) -> list[Submission]:
        """Wait until none of these acts (all, without any given) is under way and no transaction is open."""
        deadline = time.monotonic() + seconds
        wanted = None if digests is None else set(digests)
        while True:
            turn = self.runtime.ports.final.turn
            async with self.runtime.store.read() as work:
                stored = [one for _, one in await work.submissions(limit=100_000)]
                assert self.runtime.loops.submitter is not None
                open_ones = await work.carried(self.runtime.loops.submitter.packer.courier)
            mine = [one for one in stored if wanted is None or one.digest in wanted]
            if not open_ones and all(_at_rest(one) for one in mine):
                return mine
            assert time.monotonic() < deadline, (
                f"not settled in time: {[(one.state.value, one.reason) for one in mine if not _at_rest(one)][:5]}, "
                f"{len(open_ones)} transactions, {self.runtime.status()['reasons']}"
            )
            await self.runtime.ports.final.wait(0.05, turn)

    async def recheck(self, acknowledged: Sequence[str] = ()) -> Rechecked:
        """The whole ledger; also that nothing acknowledged here, or named, was lost."""
        await self.runtime.catch_up()
        return await recheck(self.runtime, [*self.acknowledged, *acknowledged])


def _at_rest(one: Submission) -> bool:
    return one.state in (SubmissionState.FINAL, SubmissionState.FAILED, SubmissionState.RETURNED)


def source_of(home: Path) -> PassphraseSource:
    secret = Passphrase((home / BESIDE).read_bytes())
    return lambda: secret


async def make_home(home: Path, *, pin: PassphraseSource | None = None, **settings: Any) -> Path:
    """Found a ledger. Its passphrase, of 256 random bits and cheap to open, lies beside it: it guards nothing."""
    secret = generate()
    await asyncio.to_thread(home.mkdir, mode=0o700, parents=True)
    await asyncio.to_thread(create_private, home / BESIDE, secret.reveal())
    made = Settings.load(home=home, **settings)
    await found(made, lambda: secret, pin=pin, code=ROOT, level=Level.CITY, roles=Role(31))
    return home


def copy_home(home: Path, to: Path) -> Path:
    """A founded ledger to use up, in a tenth of the time."""
    return Path(shutil.copytree(home, to))


@asynccontextmanager
async def opened(
    home: Path,
    *,
    lease_seconds: float = 0.5,
    running: bool = True,
    pin: PassphraseSource | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """Open the ledger of a home, caught up, and let its loops run."""
    async with open_runtime(Settings.load(home=home, **settings), source_of(home), pin=pin) as runtime:
        assert runtime.loops.submitter is not None
        runtime.loops.submitter.lease_seconds = lease_seconds
        await runtime.catch_up()
        if not running:
            yield World(runtime)
            return
        loops = asyncio.create_task(runtime.loops.run())
        try:
            yield World(runtime)
        finally:
            loops.cancel()
            await asyncio.wait([loops])
