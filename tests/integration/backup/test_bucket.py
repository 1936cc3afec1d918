"""Payloads in an S3 bucket: anchored, audited, backed up, restored into another bucket; a failed restore empties it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest

from ledger.backing_up import back_up
from ledger.errors import Conflict, Corrupt, NotReady
from ledger.restoring import restore
from ledger.services.replaying import replay
from ledger.services.sweeping import sweep
from ledger.settings import Settings
from tests.harness.s3 import Bucket, S3Server
from tests.harness.world import World, copy_home, opened

from .conftest import TABLE, names_in, payload_of, provide


def keys(bucket: Bucket, folder: str = "") -> set[str]:
    return {found["path"] for found in obstore.list(bucket.store(prefix="ledger"), prefix=folder or None).collect()}


async def audited(world: World) -> list[str]:
    ports = world.runtime.ports
    found = await replay(
        ports.node, ports.manifest, ports.signatures.recovers, store=ports.store, payloads=ports.payloads
    )
    return [one.code for one in found.findings]


def settings_in(bucket: Bucket, folder: Path) -> dict[str, Any]:
    names = bucket.settings(folder)
    return {name.removeprefix("SHARELEDGER_").lower(): value for name, value in names.items()}


async def test_there_and_back(founded: Path, tmp_path: Path, s3_server: S3Server) -> None:
    first, second = s3_server.bucket(), s3_server.bucket()
    home, restored = copy_home(founded, tmp_path / "home"), tmp_path / "restored"
    there = {"home": home, **settings_in(first, tmp_path)}
    async with opened(**there) as world:
        await provide(world, tmp_path)
        assert await payload_of(world) == TABLE
        objects = keys(first, "objects")
        assert objects and not (home / "payloads").exists(), "nothing of it lies in the home"
        ports = world.runtime.ports
        swept = await sweep(ports.store, ports.payloads, ports.clock, older_than=timedelta(0))
        assert (swept.orphans, swept.claimed) == (0, 0), "they were claimed as soon as their rows were there"
        assert keys(first, "unclaimed") == set()
        assert await audited(world) == []
        await world.settle()
    backup = await back_up(Settings.load(**there), tmp_path / "b.slbackup")
    assert backup.missing == () and backup.report.contents["payloads"] == len(objects)

    with pytest.raises(Conflict, match=r"s3://.* is not empty"):
        await restore(backup.file.path, Settings.load(**there | {"home": restored}))
    back = {"home": restored, **settings_in(second, tmp_path)}
    done = await restore(backup.file.path, Settings.load(**back))
    assert done.payloads == len(objects) and done.findings == [] and keys(second, "objects") == objects
    await asyncio.to_thread((restored / "passphrase").write_bytes, (home / "passphrase").read_bytes())
    async with opened(**back, running=False) as world:
        assert await payload_of(world) == TABLE
        assert await audited(world) == []
        one = sorted(objects)[0]
        raw = bytearray(obstore.get(second.store(prefix="ledger"), one).bytes())
        raw[50] ^= 1
        obstore.put(second.store(prefix="ledger"), one, bytes(raw))
        assert await audited(world) == ["payload-changed"]
        obstore.delete(second.store(prefix="ledger"), one)
        assert await audited(world) == ["payload-missing"]


async def test_a_restore_that_fails_leaves_the_bucket_empty(
    founded: Path, tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_home(founded, tmp_path / "home")
    async with opened(home) as world:
        await provide(world, tmp_path)
        await world.settle()
    backup = await back_up(Settings.load(home=home), tmp_path / "b.slbackup")
    bucket = s3_server.bucket()
    back = Settings.load(home=tmp_path / "restored", **settings_in(bucket, tmp_path))

    async def broken(*arguments: Any) -> None:
        assert keys(bucket, "objects") != set()
        raise Corrupt("its head is another")

    monkeypatch.setattr("ledger.restoring._examine", broken)
    with pytest.raises(Corrupt, match="another"):
        await restore(backup.file.path, back)
    assert keys(bucket) == set() and names_in(tmp_path) == ["b.slbackup", "home", "s3-credentials", "villages.csv"]
    monkeypatch.undo()
    done = await restore(backup.file.path, back)
    assert done.payloads == len(keys(bucket, "objects"))


async def test_a_failed_restore_touches_nothing_of_another_ledger(
    founded: Path, tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which came there after the place was found empty."""
    home = copy_home(founded, tmp_path / "home")
    backup = await back_up(Settings.load(home=home), tmp_path / "b.slbackup")

    async def found_empty(settings: Settings) -> None:
        obstore.put(bucket.store(prefix="ledger"), "ledger.json", b"another's")
        obstore.put(bucket.store(prefix="ledger"), "objects/00", b"another's")

    monkeypatch.setattr("ledger.restoring.require_empty_place", found_empty)
    with pytest.raises(NotReady, match="another ledger's"):
        await restore(backup.file.path, Settings.load(home=tmp_path / "restored", **settings_in(bucket, tmp_path)))
    assert keys(bucket) == {"ledger.json", "objects/00"}


async def test_a_start_says_what_is_wrong_with_the_bucket(founded: Path, tmp_path: Path, bucket: Bucket) -> None:
    home = copy_home(founded, tmp_path / "home")
    missing = settings_in(Bucket(bucket.url, "no-such-bucket"), tmp_path)
    with pytest.raises(NotReady, match="bucket does not exist"):
        async with opened(home, **missing):
            pass
