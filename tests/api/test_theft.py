"""A thief has a copy of the whole home, taken while the product ran and again when it had stopped: database, payloads,
keystore, chain, scratch. Only the passphrase is missing. The thief tries, with the product's own code as well.

The logs of the same session are read here too, and what the machine shows of its processes: no secret is in them, and
they lead from a request to the transaction that carried its act.
"""

import asyncio
import base64
import codecs
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from keys.errors import KeysError, WrongPassphrase
from keys.keyring import Keyring
from keys.keystore import Keystore, open_key_file
from keys.passphrases import Passphrase, generate
from ledger.domain.acts import Duty, Role
from ledger.domain.callers import Caller
from ledger.errors import Corrupt, NotAuthenticated, NotPermitted, NotReady, Refused, ShareLedgerError
from ledger.host import SystemClock
from ledger.runtime import VAULT, open_runtime
from ledger.services import api_keys, delivering, verifying
from ledger.services.acting import act_for
from ledger.settings import Settings
from ledger.store.vault import Vault
from tests.api import home as story
from tests.api.home import CONSUMER, DATASET, PEOPLE, PROVIDER, PURPOSE, ROOT, ROWS, Home
from tests.harness.waiting import SECONDS

pytestmark = pytest.mark.timeout(4 * SECONDS)


@dataclass(frozen=True)
class Stolen:
    victim: Home
    hot: Path  # copied while the program ran
    cold: Path  # and after it had stopped

    def files(self) -> Iterator[tuple[Path, bytes]]:
        for copy in (self.hot, self.cold):
            for path in sorted(copy.rglob("*")):
                if path.is_file():
                    yield path, path.read_bytes()


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> Stolen:
    folder = tmp_path_factory.mktemp("theft")
    victim = story.founded(folder)
    with story.serving(victim) as address:
        story.play(victim, address)
        hot = Path(shutil.copytree(victim.path, folder / "hot", ignore=shutil.ignore_patterns("*.sock", "*.ipc")))
    cold = Path(shutil.copytree(victim.path, folder / "cold"))
    asyncio.run(story.learn_secrets(victim))
    return Stolen(victim, hot, cold)


# ---- looking for it in the files ------------------------------------------------------------------------------------


def looks(secret: bytes) -> set[bytes]:
    """The ways in which a secret may lie in a file. Base64 is cut so that it is found wherever it begins."""
    found = {secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode(), secret[::-1].hex().encode()}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(bytes(shift) + secret)
            found.add(text[4 if shift else 0 : len(text) - 4])
    found.add(base64.b32encode(secret).rstrip(b"=")[:-1])
    found.add(",".join(map(str, secret)).encode())
    found.add(", ".join(map(str, secret)).encode())
    if len(secret) == 32:
        found.add(str(int.from_bytes(secret, "big")).encode())
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return found
    found |= {text.encode(name) for name in ("utf-16-le", "utf-16-be", "gb18030")}
    found |= {json.dumps(text)[1:-1].encode(), codecs.encode(text, "unicode_escape")}
    return found


def where(secrets: dict[str, bytes], files: list[tuple[Path, bytes]]) -> list[str]:
    return [
        f"{name} in {path.name}"
        for name, secret in secrets.items()
        for look in looks(secret)
        for path, content in files
        if look in content
    ]


def test_the_search_finds_what_is_there(stolen: Stolen, tmp_path: Path) -> None:
    """Else finding nothing would show nothing."""
    secrets = stolen.victim.secrets
    names = " ".join(secrets)
    for kind in (
        "private key",
        "vault",
        "key of payload",
        "segment key",
        "salt",
        "passphrase",
        "API key",
        "id of record",
    ):
        assert kind in names
    assert sum(name.startswith("private key") for name in secrets) >= 5  # two directors, the courier, two departments
    for name, secret in secrets.items():
        for look in looks(secret):
            planted = tmp_path / "planted"
            planted.write_bytes(b"\x00" * 7 + look + b"\xff" * 7)
            assert where({name: secret}, [(planted, planted.read_bytes())]), (name, look)
    for copy in (stolen.hot, stolen.cold):
        assert {path.name for path in copy.iterdir()} >= {"keystore", "store", "payloads", "chain", "manifest.json"}
    payload, part = (stolen.cold / "payloads" / "objects").iterdir()
    assert min(payload.stat().st_size, part.stat().st_size) > 2000


def test_no_file_holds_a_secret(stolen: Stolen) -> None:
    assert where(stolen.victim.secrets, list(stolen.files())) == []


def test_what_a_thief_does_see(stolen: Stolen) -> None:
    """As SECURITY.md says: documents and the ledger's state are not encrypted; payloads' names and sizes are seen."""
    database = b"".join(content for path, content in stolen.files() if "ledger.sqlite3" in path.name)
    for readable in (PURPOSE, "persons.csv", DATASET, PROVIDER, "数据科"):
        assert readable.encode() in database
    text = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    assert "stolen" in text.lower() and "documents" in text


# ---- the keystore ---------------------------------------------------------------------------------------------------


def guesses(stolen: Stolen) -> list[bytes]:
    """Nothing, habits, and everything in the home that looks as if it could be one."""
    manifest = json.loads((stolen.cold / "manifest.json").read_text())
    texts = ["password", "口令口令口令", "shareledger", "123456789012", "admin", ROOT, DATASET, "theft"]
    texts += [str(value) for value in manifest.values() if isinstance(value, str)]
    texts += [(stolen.cold / "courier").read_text().strip(), *stolen.victim.tokens]
    texts += [token.rpartition("_")[2] for token in stolen.victim.tokens]
    right = stolen.victim.passphrase.reveal()
    near = [right[:-1], right + b"x", right.swapcase(), right[::-1], right.replace(b"-", b"")]
    return [text.encode() for text in texts] + near + [bytes(32), b"0" * 64]


def test_no_guess_opens_the_keystore(stolen: Stolen) -> None:
    keystore = Keystore(stolen.cold / "keystore")
    address = keystore.addresses()[0]
    for guess in guesses(stolen):
        with pytest.raises(WrongPassphrase):
            keystore.unlock(address, Passphrase(guess))
    for name in keystore.addresses():
        with pytest.raises(WrongPassphrase):
            open_key_file(stolen.cold / "keystore" / f"{name}.json", Passphrase("nothing of the kind"))
    for name in keystore.secrets():
        with pytest.raises(WrongPassphrase):
            keystore.secret(name, Passphrase("nothing of the kind"))
    with pytest.raises(KeysError):
        Passphrase("")
    keystore.unlock(address, stolen.victim.passphrase)  # the right one does


def test_one_key_file_does_not_open_another(stolen: Stolen, tmp_path: Path) -> None:
    """A thief whose own key lies in the same store cannot have its file taken for another's, or for the vault's."""
    own = generate()
    keystore = Keystore(tmp_path / "own")
    mine = keystore.create(own)
    theirs = Keystore(stolen.cold / "keystore").addresses()[0]
    forged = tmp_path / "forged"
    shutil.copytree(stolen.cold / "keystore", forged)
    document = json.loads((tmp_path / "own" / f"{mine}.json").read_text())
    for name in (theirs, VAULT):
        document["address"] = theirs.removeprefix("0x")
        (forged / f"{name}.json").write_text(json.dumps(document))
        with pytest.raises(KeysError):
            Keystore(forged).unlock(name, own) if name == theirs else Keystore(forged).secret(name, own)


# ---- the product's own code -----------------------------------------------------------------------------------------


@pytest.fixture
def loot(stolen: Stolen, tmp_path: Path) -> Path:
    """A copy to run the product on."""
    return Path(shutil.copytree(stolen.cold, tmp_path / "loot"))


def director(department: str) -> Caller:
    return Caller("thief", department, Duty.DIRECTOR, Role(31))


async def test_without_a_passphrase_nothing_is_signed_and_nothing_read(loot: Path, stolen: Stolen) -> None:
    async with open_runtime(Settings.load(home=loot)) as runtime:
        ports = runtime.ports
        with pytest.raises(NotPermitted):
            await act_for(ports, director(PROVIDER), "EndShare", {"share": stolen.victim.share, "cause": 5})
        with pytest.raises(NotPermitted):
            await act_for(ports, director(ROOT), "CloseLedger", {"successor": "0x" + "ab" * 20})
        with pytest.raises(NotReady):
            await runtime.create_key()
        for address in Keystore(loot / "keystore").addresses():
            with pytest.raises(NotPermitted):
                await ports.signatures.sign(address, [bytes(32)])
        for opening in (
            delivering.open_own_payload(ports, director(PROVIDER), stolen.victim.version),
            delivering.open_payload(ports, director(CONSUMER), stolen.victim.share),
            delivering.own_keys(ports, director(PROVIDER), stolen.victim.version),
            delivering.verification_keys(ports, director(CONSUMER), stolen.victim.share),
            verifying.prove_record(ports, director(PROVIDER), stolen.victim.version, 42),
            verifying.leaf_hashes(ports, director(PROVIDER), stolen.victim.version, 0),
        ):
            with pytest.raises(NotReady, match="another vault"):
                await opening
        # the fingerprint that stands on the ledger tells nothing about a guessed record: it is salted
        with pytest.raises(ShareLedgerError):
            await verifying.verify_table(ports, director(PROVIDER), stolen.victim.version, loot / "manifest.json")


async def test_a_wrong_passphrase_opens_no_product(loot: Path) -> None:
    wrong = Passphrase("nothing of the kind")
    with pytest.raises(WrongPassphrase):
        async with open_runtime(Settings.load(home=loot), lambda: wrong):
            raise AssertionError("it opened")


async def test_a_vault_of_ones_own_opens_no_payload(loot: Path, stolen: Stolen) -> None:
    """With another keystore in the old one's place the product starts; its keys sign for nobody and open nothing."""
    own = generate()
    shutil.rmtree(loot / "keystore")
    keystore = Keystore(loot / "keystore")
    keystore.create_secret(VAULT, own)
    courier = keystore.create(own)
    (loot / "courier").write_text(courier)
    async with open_runtime(Settings.load(home=loot), lambda: own) as runtime:
        made = await runtime.create_key()
        with pytest.raises((NotPermitted, Refused)):
            await act_for(runtime.ports, director(PROVIDER), "EndShare", {"share": stolen.victim.share, "cause": 5})
        with pytest.raises((NotPermitted, Refused)):
            fields = {"share": stolen.victim.share, "cause": 5, "signer": made}
            await act_for(runtime.ports, director(PROVIDER), "EndShare", fields)
        with pytest.raises(NotReady, match="another vault"):
            await delivering.open_own_payload(runtime.ports, director(PROVIDER), stolen.victim.version)


async def test_a_stored_api_key_opens_no_door(loot: Path, stolen: Stolen) -> None:
    async with open_runtime(Settings.load(home=loot)) as runtime:
        async with runtime.store.read() as work:
            rows = await work.api_keys()
        assert len(rows) == 3
        app = create_app(runtime)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shareledger.test") as client:
            for row in rows:
                for token in (f"slk_{row.id}_{row.hash}", row.hash, f"slk_{row.hash[:16]}_{row.hash}", row.id):
                    answer = await client.get("/v1/ledger", headers={"Authorization": f"Bearer {token}"})
                    assert answer.status_code == 401, token
                    with pytest.raises(NotAuthenticated):
                        await api_keys.authenticate(runtime.store, SystemClock(), token)
            # whoever owns the copy may write a key into it: documents open, payloads and signatures do not
            forged = await api_keys.issue(
                runtime.store, SystemClock(), PROVIDER, Duty.DIRECTOR, Role.PROVIDER | Role.CONSUMER, "thief", 1
            )
            client.headers["Authorization"] = f"Bearer {forged.token}"
            assert (await client.get("/v1/submissions")).status_code == 200
            version = f"/v1/versions/{stolen.victim.version}"
            for path in (f"{version}/payload", f"{version}/keys", f"{version}/records/42/proof", f"{version}/tiles/0"):
                answer = await client.get(path)
                assert answer.status_code >= 400
                assert not any(name in answer.text or id in answer.text for id, name in PEOPLE)
            answer = await client.post(f"/v1/authorisations/{stolen.victim.share}/suspension", json=REASONS)
            assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted"), answer.text


REASONS = {"document": {"reasons": "核查"}}


async def test_wrapped_keys_open_under_no_key_that_lies_about(stolen: Stolen, loot: Path) -> None:
    """Every run of 32 bytes beside a wrapped key's own row, and what the manifest says, is no vault's key."""
    async with open_runtime(Settings.load(home=loot)) as runtime, runtime.store.read() as work:
        (document,) = {document for document, _ in await work.payload_objects()}
        row = await work.payload(document)
    assert row is not None and row.wrapped_key is not None
    manifest = (loot / "manifest.json").read_bytes()
    tried = [
        bytes(32),
        bytes.fromhex(document),
        *(row.wrapped_key[at : at + 32] for at in range(len(row.wrapped_key) - 31)),
    ]
    tried += [manifest[at : at + 32] for at in range(0, len(manifest) - 31, 16)]
    for key in tried:
        with pytest.raises(Corrupt):
            impostor(key, row.wrapped_key).unwrap(row.wrapped_key, f"payload/{document}")


def impostor(key: bytes, wrapped: bytes) -> Vault:
    """A vault that claims to be the one that wrapped: what follows the claim must not open either."""
    made = Vault(key)
    made.id = wrapped[1 : 1 + len(made.id)]
    return made


def test_a_keyring_that_forgot_signs_no_more(stolen: Stolen) -> None:
    """Closing the product takes its keys out of reach, though nobody can promise what memory keeps."""
    keyring = Keyring(Keystore(stolen.cold / "keystore"), lambda: stolen.victim.passphrase)
    address = keyring.addresses()[0]
    keyring.signer(address)
    keyring.forget()
    assert stolen.victim.passphrase.reveal().decode() not in repr(keyring) + str(vars(keyring))


# ---- logs and processes ---------------------------------------------------------------------------------------------


def events(stolen: Stolen) -> list[dict[str, object]]:
    return [json.loads(line) for line in stolen.victim.logs.read_text().splitlines()]


def test_logs_are_events_and_nothing_else(stolen: Stolen) -> None:
    """Every line is one, at DEBUG, uvicorn's own included."""
    names = {str(one["event"]) for one in events(stolen)}
    assert names >= {"request_answered", "acts_queued", "acts_carried", "entries_final"}
    assert all(name == name.lower() and " " not in name for name in names)


def test_neither_logs_nor_processes_tell_a_secret(stolen: Stolen) -> None:
    victim = stolen.victim
    told = [(Path("log"), victim.logs.read_bytes()), (Path("argv"), "\n".join(victim.argv).encode())]
    assert any("anvil" in part for part in victim.argv) and "serve" in victim.argv
    assert where(victim.secrets, told) == []
    log = told[0][1].decode()
    for id, name in PEOPLE:
        assert id not in log and name not in log
    for private in (PURPOSE, "数据科", "persons.csv", "核验", "surprise", *(token for token in victim.tokens)):
        assert private not in log and private not in "\n".join(victim.argv)
    assert len(PEOPLE) == ROWS


def test_a_request_leads_to_its_transaction_by_the_log_alone(stolen: Stolen) -> None:
    told = events(stolen)
    queued = [one for one in told if one["event"] == "acts_queued"]
    carried = [one for one in told if one["event"] == "acts_carried"]
    final = [one for one in told if one["event"] == "entries_final"]
    assert len(stolen.victim.request_ids) >= 10
    for id, digest in stolen.victim.request_ids.items():
        (asked,) = [one for one in queued if one["request_id"] == id]
        assert asked["digests"] == [digest]
        (took,) = [one for one in carried if digest in one["digests"]]  # type: ignore[operator]
        (ended,) = [one for one in final if took["transaction"] in one["transactions"]]  # type: ignore[operator]
        assert "request_id" not in took and isinstance(ended["block"], int)
        (answered,) = [one for one in told if one["event"] == "request_answered" and one["request_id"] == id]
        assert answered["status"] == 201
        assert str(asked["timestamp"]) < str(took["timestamp"]) < str(ended["timestamp"]) < str(answered["timestamp"])
