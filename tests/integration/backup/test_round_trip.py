"""What was backed up comes back: in either database, with its chain or beside a living one; none lost, none doubled."""

import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ledger.backing_up import SUFFIX, back_up
from ledger.backup_checks import check_backup
from ledger.courier_change import change_courier
from ledger.domain.submissions import SubmissionState
from ledger.errors import Conflict, NotReady
from ledger.restoring import restore
from ledger.services import api_keys
from ledger.settings import Settings
from tests.harness.databases import POSTGRESQL
from tests.harness.world import DIRECTOR, ROOT, World, opened, source_of

from .conftest import TABLE, Told, names_in, payload_of


@pytest.fixture
def fresh(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of an empty home with an empty database of either kind."""
    found: dict[str, Any] = {"home": tmp_path / "restored"}
    if kind == POSTGRESQL:
        found["database_url"] = request.getfixturevalue("empty_database")
    return found


SHRED = {"dataset": f"{ROOT}/villages", "number": 1, "whole": True}


def lend_passphrase(told: Told, home: Path) -> None:
    """The passphrase is in no backup; whoever restores brings it."""
    (home / "passphrase").write_bytes((told.home / "passphrase").read_bytes())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def settled(world: World, told: Told) -> None:
    """Everything that was acknowledged before the backup is on the ledger once, and the ledger is whole."""
    checked = await world.recheck([*told.final, *told.queued])
    digests = [entry.digest for entry in checked.entries]
    assert set(told.final) | set(told.queued) <= set(digests) and len(digests) == len(set(digests))


async def test_it_comes_back_with_its_chain(told: Told, fresh: dict[str, Any]) -> None:
    done = await restore(told.archive, Settings.load(**fresh), digest=told.backup.file.digest)
    assert done.submissions == {"final": len(told.final), "queued": len(told.queued)}
    assert (done.entries, done.backup_entries) == (len(told.final) + 1, len(told.final) + 1)
    assert (done.payloads, done.findings, done.keys_elsewhere, done.shred_again) == (2, [], [], [])
    home = Path(done.home)
    assert mode_of(home) == 0o700 and names_in(home.parent) == ["restored"]
    lend_passphrase(told, home)
    async with opened(**fresh) as world:
        assert {one.state for one in await world.settle()} == {SubmissionState.FINAL}, "what waited is carried now"
        await settled(world, told)
        assert await payload_of(world) == TABLE
        caller = await api_keys.authenticate(world.runtime.store, world.runtime.ports.clock, told.token)
        assert caller.department == ROOT
        histories = [await world.submission(digest) for digest in told.final]
        for one in histories:
            assert [step.state for step in one.history].count(SubmissionState.FINAL) == 1
        await world.settle([await world.register("341599")])  # new rows get new numbers
        again = await back_up(Settings.load(**fresh), home.parent)
    assert again.report.ok and again.file.path.suffix == SUFFIX
    assert check_backup(again.file.path).contents["entries"] == done.entries + len(told.queued) + 1


async def test_from_postgresql_to_sqlite(told: Told, empty_postgresql: str, tmp_path: Path) -> None:
    first = {"home": tmp_path / "first", "database_url": empty_postgresql}
    await restore(told.archive, Settings.load(**first))
    backup = await back_up(Settings.load(**first), tmp_path / "second.slbackup")
    second = tmp_path / "second"
    done = await restore(backup.file.path, Settings.load(home=second))
    assert done.rows == told.backup.report.contents["rows"]
    lend_passphrase(told, second)
    async with opened(second) as world:
        await world.settle()
        await settled(world, told)
        assert await payload_of(world) == TABLE


async def test_acts_that_went_on_without_the_backup_are_not_doubled(told: Told, tmp_path: Path) -> None:
    """The chain lives on elsewhere: what waited in the backup became final, and a payload was shredded, meanwhile."""
    original, restored = told.copy(tmp_path / "original"), tmp_path / "restored"
    async with opened(original) as world:
        await world.settle()
        assert await payload_of(world) == TABLE
        later = await world.act("ShredVersion", {"reasons": "期限届满"}, **SHRED)
        await world.settle([later])
        assert await payload_of(world) is None
        entries = len((await world.recheck()).entries)
        assert world.runtime.local_chain is not None
        beside = {"home": restored, "rpc_urls": world.runtime.local_chain.url}
        done = await restore(told.archive, Settings.load(**beside))
        assert done.entries == entries and done.backup_entries == len(told.final) + 1
        assert done.submissions == {"final": len(told.final) + len(told.queued)}
        lend_passphrase(told, restored)
        async with opened(**beside) as second:
            await second.settle()
            assert await payload_of(second) is None, "shredded since, so shredded again"
            await second.settle([await second.register("341577")])
            checked = await second.recheck(told.final)
            assert max(Counter(entry.digest for entry in checked.entries).values()) == 1
            assert len(checked.entries) == entries + 1


async def test_a_backup_under_way_is_of_one_moment(told: Told, tmp_path: Path) -> None:
    home = told.copy(tmp_path / "home")
    async with opened(home) as world:
        registered = [await world.register(f"a.{number}") for number in range(12)]
        backup = await back_up(Settings.load(home=home), tmp_path)
        registered += [await world.register(f"b.{number}") for number in range(4)]
        await world.settle()
    restored = tmp_path / "restored"
    done = await restore(backup.file.path, Settings.load(home=restored))
    assert sum(done.submissions.values()) >= len(told.final) + len(told.queued) + 12
    lend_passphrase(told, restored)
    async with opened(restored) as world:
        assert {one.state for one in await world.settle()} == {SubmissionState.FINAL}
        await world.recheck([*told.final, *told.queued, *registered[:12]])


async def test_what_was_shredded_in_part_since_is_named(told: Told, tmp_path: Path) -> None:
    """Which segments, only the act's document says, and the backup does not have it."""
    original, restored = told.copy(tmp_path / "original"), tmp_path / "restored"
    async with opened(original) as world:
        reasons = {"reasons": "更正", "segments": [0]}
        await world.settle([await world.act("ShredVersion", reasons, **SHRED | {"whole": False})])
        assert world.runtime.local_chain is not None
        done = await restore(told.archive, Settings.load(home=restored, rpc_urls=world.runtime.local_chain.url))
    assert done.shred_again == [f"{ROOT}/villages 1"]


async def test_nothing_is_replaced(told: Told, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="not empty"):
        await restore(told.archive, Settings.load(home=told.home))
    before = told.archive.read_bytes()
    with pytest.raises(Conflict, match="exists already"):
        await back_up(Settings.load(home=told.home), told.archive)
    assert told.archive.read_bytes() == before
    with pytest.raises(NotReady):
        await back_up(Settings.load(home=tmp_path / "none"), tmp_path / "none.slbackup")
    database = f"sqlite+aiosqlite:///{told.home / 'store' / 'ledger.sqlite3'}"
    with pytest.raises(Conflict, match="tables already"):
        await restore(told.archive, Settings.load(home=tmp_path / "new", database_url=database))
    assert names_in(tmp_path) == [], "what failed leaves nothing"


async def test_a_courier_in_a_token_is_named(told: Told, tmp_path: Path) -> None:
    home = told.copy(tmp_path / "home")
    change = await change_courier(Settings.load(home=home), source_of(home))
    (home / "keystore" / f"{change.after}.json").unlink()  # as if a token kept it
    backup = await back_up(Settings.load(home=home), tmp_path / "b.slbackup")
    assert backup.keys_elsewhere == (change.after,)
    done = await restore(backup.file.path, Settings.load(home=tmp_path / "restored"))
    assert done.keys_elsewhere == [change.after]


def test_no_secret_is_in_it(told: Told) -> None:
    content = told.archive.read_bytes()
    assert mode_of(told.archive) == 0o600
    secrets = [(told.home / "passphrase").read_bytes(), "村庄699".encode(), told.token.rsplit("_", 1)[1].encode()]
    assert not [secret for secret in secrets if secret in content]
    assert DIRECTOR.department.encode() in content, "what is readable at rest is readable here"
