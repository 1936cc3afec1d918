"""The main job with its payloads on a real S3 server: anchor, share, download with resume, verify, sweep, audit."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import obstore
import pytest

from ledger.cli.client import read_api_key, segment
from ledger.cli.main import run
from tests.harness.console_ledger import CONSUMER, Ledger, share_a_table
from tests.harness.s3 import Bucket
from tests.harness.world import BESIDE, make_home

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def ledger(tmp_path: Path, bucket: Bucket) -> Ledger:
    made = Ledger(tmp_path, "", "", bucket.settings(tmp_path))
    home = asyncio.run(make_home(tmp_path / "home"))
    made.passphrase.touch(mode=0o600)
    made.passphrase.write_bytes((home / BESIDE).read_bytes())
    return made


def test_payloads_on_s3(
    ledger: Ledger, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str, code: int) -> Any:
        """By a console in this process, which is there at once."""
        assert run([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    with ledger.serving():
        share = share_a_table(ledger)
        resume(ledger, share)
    assert not (ledger.folder / "home" / "payloads").exists(), "no payload lies in the home"
    names = {found["path"] for found in obstore.list(bucket.store(prefix="ledger")).collect()}
    objects = {name for name in names if name.startswith("objects/")}
    assert len(objects) == 2 and "ledger.json" in names, "the file, and its table"
    assert names == {*objects, "ledger.json"}, "nothing half written, and every object is claimed"

    for name, value in ledger.environment("").items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    swept = told("store", "sweep", code=0)
    assert swept == {"older_than_hours": 24, "unfinished": 0, "orphans": 0, "claimed": 0, "waiting": 0}
    assert told("store", "sweep", "--older-than-hours", "0", code=2)["error"]["code"] == "invalid-input"
    damaged = sorted(objects)[0]
    raw = bytearray(obstore.get(bucket.store(prefix="ledger"), damaged).bytes())
    raw[-1] ^= 1
    obstore.put(bucket.store(prefix="ledger"), damaged, bytes(raw))
    (finding,) = told("audit", "replay", code=1)["findings"]
    assert (finding["code"], finding["subject"]) == ("payload-changed", damaged.removeprefix("objects/"))

    monkeypatch.setenv("SHARELEDGER_PAYLOADS_URL", "s3://no-such-bucket/ledger")
    refused = told("serve", "--passphrase-file", str(ledger.passphrase), code=2)["error"]
    assert refused["code"] == "not-ready" and "SHARELEDGER_PAYLOADS_URL" in refused["next_step"]


def resume(ledger: Ledger, share: str) -> None:
    """A download that broke off after 1000 bytes goes on where it was."""
    whole = (ledger.folder / "areas.csv").read_bytes()
    at = f"{ledger.settings['SHARELEDGER_SERVER']}/v1/authorisations/{segment(share)}/payload"
    key = read_api_key(ledger.folder / f"{CONSUMER}.key")
    headers = {"Authorization": f"Bearer {key}", "Range": "bytes=1000-"}
    part = httpx.get(at, headers=headers, trust_env=False)
    assert part.status_code == 206 and part.content == whole[1000:]
    begun = ledger.folder / f".again.csv.{part.headers['ETag'][1:-1]}.part"
    begun.touch(0o600)
    begun.write_bytes(whole[:1000])
    ledger.cli("share", "download", share, "-o", ledger.folder / "again.csv", by=CONSUMER)
    assert (ledger.folder / "again.csv").read_bytes() == whole and not begun.exists()
