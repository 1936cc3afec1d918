"""Where the settings say payloads lie: it has to answer, to be this ledger's, and to refuse overwriting."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore
import pytest

from keys.errors import UnsafePermissions
from ledger.domain.manifest import Manifest
from ledger.errors import Conflict, InvalidSettings, NotReady, Unavailable
from ledger.payload_place import bucket_of, open_payloads, read_credentials, require_empty_place
from ledger.settings import Settings
from ledger.store.payload_owner import clear_place
from tests.fakes.chain import FakeChain
from tests.fakes.small import FakeClock, FakeSignatures
from tests.harness.s3 import CREDENTIALS, Bucket, Fault, Proxy

KEY = bytes(32)


@pytest.fixture
def manifest() -> Manifest:
    return FakeChain(FakeClock(0), FakeSignatures()).manifest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHARELEDGER_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def settings_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def settings(bucket: Bucket, **more: str) -> Settings:
        for name, value in (bucket.settings(home) | {f"SHARELEDGER_{n.upper()}": v for n, v in more.items()}).items():
            monkeypatch.setenv(name, value)
        return Settings.load()

    return settings


async def test_the_homes_folder_unless_told_otherwise(home: Path, manifest: Manifest, pieces: Any) -> None:
    settings = Settings.load()
    assert bucket_of(settings) is None and settings.places()["payloads"] == home / "home" / "payloads"
    payloads = await open_payloads(settings, manifest, writing=True)
    stored = await payloads.put(pieces(b"x"), KEY)
    assert (home / "home" / "payloads" / "objects" / stored.digest).is_file()
    await require_empty_place(settings)


async def test_a_bucket_becomes_the_ledgers_own(
    bucket: Bucket, settings_of: Any, manifest: Manifest, read: Any, pieces: Any
) -> None:
    settings = settings_of(bucket)
    assert "payloads" not in settings.places(), "no disk to watch"
    payloads = await open_payloads(settings, manifest, writing=True)
    stored = await payloads.put(pieces(b"x" * 99), KEY)
    told = json.loads(bytes(obstore.get(bucket.store(prefix="ledger"), "ledger.json").bytes()))
    assert told == {"chain_id": manifest.chain_id, "journal": manifest.journal.lower()}
    for writing in (True, False):
        again = await open_payloads(settings, manifest, writing=writing)
        assert await read(again, stored.digest, KEY) == b"x" * 99
    other = replace(manifest, chain_id=manifest.chain_id + 1)
    for writing in (True, False):
        with pytest.raises(NotReady, match="another ledger's") as caught:
            await open_payloads(settings, other, writing=writing)
        assert caught.value.facts["reason"] == "another-ledger"
    await open_payloads(settings_of(bucket, payloads_url=f"s3://{bucket.name}/other"), other, writing=True)
    await open_payloads(settings_of(bucket, payloads_url=f"s3://{bucket.name}"), manifest, writing=False)


async def test_looking_makes_nothing(bucket: Bucket, settings_of: Any, manifest: Manifest) -> None:
    payloads = await open_payloads(settings_of(bucket), manifest, writing=False)
    assert [found async for found in payloads.stored()] == []
    assert obstore.list(bucket.store(prefix="")).collect() == []


async def test_a_prefix_with_something_in_it_is_not_taken(bucket: Bucket, settings_of: Any, manifest: Manifest) -> None:
    obstore.put(bucket.store(prefix="ledger"), "objects/ab", b"somebody's")
    with pytest.raises(NotReady, match="not empty"):
        await open_payloads(settings_of(bucket), manifest, writing=True)
    with pytest.raises(Conflict, match="restore replaces nothing"):
        await require_empty_place(settings_of(bucket))
    await clear_place(bucket.store(prefix="ledger"))
    await require_empty_place(settings_of(bucket))
    await open_payloads(settings_of(bucket), manifest, writing=True)


@pytest.mark.parametrize(("method", "how"), [("PUT", "put over"), ("POST", "copied over")])
async def test_a_server_that_overwrites_in_silence_is_not_written_to(
    bucket: Bucket, s3_proxy: Proxy, settings_of: Any, manifest: Manifest, method: str, how: str
) -> None:
    s3_proxy.rule = lambda asked: Fault(without="if-none-match") if asked.method == method else None
    settings = settings_of(s3_proxy.of(bucket))
    with pytest.raises(NotReady, match=how) as caught:
        await open_payloads(settings, manifest, writing=True)
    assert "If-None-Match" in caught.value.next_step
    assert obstore.list(bucket.store(prefix="")).collect() == [], "and it is nobody's"
    await open_payloads(settings, manifest, writing=False)


async def test_no_bucket_refused_credentials_and_nobody_there(
    bucket: Bucket, s3_proxy: Proxy, settings_of: Any, manifest: Manifest
) -> None:
    with pytest.raises(NotReady, match="bucket does not exist"):
        await open_payloads(settings_of(Bucket(bucket.url, "no-such-bucket")), manifest, writing=True)
    s3_proxy.rule = lambda asked: Fault(status=403, code="InvalidAccessKeyId")
    with pytest.raises(NotReady, match=r"refuses these credentials \(InvalidAccessKeyId\)"):
        await open_payloads(settings_of(s3_proxy.of(bucket)), manifest, writing=True)
    monkey = settings_of(Bucket("http://127.0.0.1:9", bucket.name))
    store = bucket_of(monkey, retries=0)
    assert store is not None
    from ledger.store.payload_owner import check_owner

    with pytest.raises(Unavailable, match="payload store failed"):
        await check_owner(store, manifest)


async def test_the_environment_does_not_redirect_what_the_settings_say(
    bucket: Bucket, settings_of: Any, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "elsewhere")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "elsewhere")
    await open_payloads(settings_of(bucket), manifest, writing=True)


async def test_without_a_file_the_environments_credentials_are_used(
    bucket: Bucket, s3_proxy: Proxy, settings_of: Any, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(s3_proxy.of(bucket)).model_copy(update={"s3_credentials_file": None})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-environment")
    await open_payloads(settings, manifest, writing=True)
    assert all("Credential=AKIDENV/" in asked.headers["authorization"] for asked in s3_proxy.seen)


async def test_credentials_are_sent_as_signatures_only(
    bucket: Bucket, s3_proxy: Proxy, settings_of: Any, manifest: Manifest
) -> None:
    await open_payloads(settings_of(s3_proxy.of(bucket)), manifest, writing=True)
    assert all("Credential=AKIDTEST/" in asked.headers["authorization"] for asked in s3_proxy.seen)
    assert all("not-a-secret" not in str(asked) for asked in s3_proxy.seen)


# ---- the file of credentials -----------------------------------------------------------------------------------------


def credentials_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "credentials"
    file.touch(mode)
    file.chmod(mode)
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (CREDENTIALS, None),
        (CREDENTIALS.replace("default", "the-only-one") + "aws_session_token = t%k\n", "t%k"),
        ("[other]\naws_access_key_id = x\n" + CREDENTIALS, None),
    ],
)
def test_a_file_as_amazons_tools_write_it(tmp_path: Path, text: str, token: str | None) -> None:
    found = read_credentials(credentials_file(tmp_path, text))
    assert (found["access_key_id"], found["secret_access_key"]) == ("AKIDTEST", "not-a-secret")
    assert found.get("token") == token and found["expires_at"] is not None, "read again before long"


@pytest.mark.parametrize("text", ["", "not-a-secret", CREDENTIALS[9:], "[a]\n[b]\n", CREDENTIALS[:40], "\udcff"])
def test_a_file_that_is_none_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    file = credentials_file(tmp_path, "")
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidSettings, match="not a file of credentials") as caught:
        read_credentials(file)
    assert "not-a-secret" not in caught.value.detail + caught.value.next_step
    assert caught.value.__cause__ is None


def test_a_file_that_others_may_read_or_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnsafePermissions):
        read_credentials(credentials_file(tmp_path, CREDENTIALS, 0o640))
    with pytest.raises(InvalidSettings, match="cannot be read"):
        read_credentials(tmp_path / "missing")
