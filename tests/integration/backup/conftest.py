"""A ledger with an anchored payload, acts under way, and a backup of it: made once, copied by each test."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ledger.backing_up import Backup, back_up
from ledger.domain.acts import Duty
from ledger.errors import Shredded
from ledger.fingerprint import Column, ReadOptions, Schema
from ledger.services import api_keys
from ledger.services.anchoring import prepare_version
from ledger.services.fingerprinting import PrepareOptions
from ledger.services.versions import held, open_plain
from ledger.settings import Settings
from tests.harness.postgres import Server
from tests.harness.world import DIRECTOR, ROOT, World, copy_home, opened

DATASET = f"{ROOT}/villages"
RECORDS = 700
ITEM = {
    "name": "统计用区划代码",
    "abstract": "全市统计用区划代码",
    "provider": "市统计局",
    "items": [{"name": "code", "type": "text"}],
    "data_format": 1,
    "update_cycle": "yearly",
    "share_method": "file",
    "library": {"class": "base"},
    "assessments": {"secrecy": "ab" * 32, "personal": "ab" * 32},
}
OPTIONS = PrepareOptions(
    schema=Schema((Column("code"), Column("name"))), read=ReadOptions(), name="villages.csv", media_type="text/csv"
)
ROWS = "".join(f"{341502000000 + index},村庄{index}\n" for index in range(RECORDS))
TABLE = f"code,name\n{ROWS}".encode()


@dataclass
class Told:
    """What is known of the ledger when the backup was made."""

    home: Path
    archive: Path
    backup: Backup
    final: list[str] = field(default_factory=list)  # acts that were final
    queued: list[str] = field(default_factory=list)  # acts that were waiting
    token: str = ""  # an API key

    def copy(self, folder: Path) -> Path:
        """The home as it was, to go on with."""
        return copy_home(self.home, folder)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def provide(world: World, folder: Path) -> None:
    """A published dataset and its first version, its payload kept here."""
    fields = {"dataset": DATASET, "department": ROOT, "share_type": 1, "grade": 1}
    await world.settle([await world.act("SubmitDataset", ITEM, **fields)])
    await world.settle([await world.act("PublishDataset", dataset=DATASET)])
    table = folder / "villages.csv"
    await asyncio.to_thread(table.write_bytes, TABLE)
    provenance = {"source": "统计局", "captured": 1_790_000_000, "method": "export"}
    made = await prepare_version(world.runtime.ports, DIRECTOR, DATASET, table, options=OPTIONS, provenance=provenance)
    await world.settle([await world.act("AnchorVersion", **made.fields)])


async def version_of(world: World) -> str:
    from ledger.domain.state import Version

    async with world.runtime.store.read() as work:
        (version,) = await work.objects(Version, dataset=DATASET)
    return str(version.id)


async def payload_of(world: World) -> bytes | None:
    """The payload's plain bytes; None once it is shredded."""
    async with world.runtime.store.read() as work:
        found = await held(work, await version_of(world))
    try:
        return b"".join([piece async for piece in await open_plain(world.runtime.ports, found)])
    except Shredded:
        return None


@pytest.fixture(scope="session")
def told(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("backed-up")
    home = copy_home(founded, folder / "home")

    async def make() -> Told:
        async with opened(home) as world:
            await provide(world, folder)
            final = [one.digest for one in await world.settle()]
            issued = await api_keys.issue(
                world.runtime.store, world.runtime.ports.clock, ROOT, Duty.OFFICER, DIRECTOR.roles, "console", 30
            )
        async with opened(home, running=False) as world:
            queued = [await world.register(f"3415{number:02d}") for number in range(21, 26)]
            target = folder / "ledger.slbackup"
            made = await back_up(Settings.load(home=home), target)  # while the ledger is open
        return Told(home, target, made, final, queued, issued.token)

    made = asyncio.run(make())
    shutil.rmtree(folder / "villages.csv", ignore_errors=True)
    return made


@pytest.fixture
def empty_postgresql(postgres: Server) -> Iterator[str]:
    with postgres.database() as url:
        yield url
