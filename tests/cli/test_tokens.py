"""A department's own key in its own PKCS#11 token: made, found, enrolled and signed with from the command line."""

from collections.abc import Callable
from pathlib import Path

import pkcs11
import pytest

from keys.signer import recover
from ledger.domain.values import Act
from ledger.proofs.typed_data import act_digest
from tests.harness.tokens import SoftToken

from .conftest import CHAIN_ID, MODULES, SHARE, Console, FakeServer, KeyFile

pytestmark = pytest.mark.needs("hsm")
SUSPEND = ("share", "suspend", SHARE, "--reasons", "用于目的之外", "--yes")


@pytest.fixture
def token(office_token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    for name, value in office_token.environment().items():
        monkeypatch.setenv(name, value)
    return office_token


@pytest.fixture
def pin(token: SoftToken, tmp_path: Path) -> tuple[str, ...]:
    return ("--pin-file", str(token.pin_file(tmp_path)))


def made(console: Console, *options: str) -> str:
    done = console("key", "create", "--pkcs11", *options, "--json")
    assert done.code == 0, done.err
    return str(done.value["address"])


def signers_of(server: FakeServer, name: str) -> list[str | None]:
    (signed,) = server.bodies()[-1]["acts"]
    act = Act.from_json(name, {field: value for field, value in signed["act"].items() if field != "type"})
    digest = bytes.fromhex(act_digest(act, CHAIN_ID, MODULES[act.type.module]))
    return [each and recover(digest, bytes.fromhex(each[2:])) for each in signed["signatures"]]


def test_a_key_is_made_found_and_signs(console: Console, server: FakeServer, pin: tuple[str, ...]) -> None:
    address = made(console, "--label", "局长", *pin)
    found = console("key", "find", "--json")
    assert [row["label"] for row in found.value["items"] if row["address"] == address] == ["局长"]
    for name in (address, "局长"):
        done = console(*SUSPEND, "--pkcs11-key", name, *pin, "--json")
        assert (done.code, done.value["state"]) == (0, "final"), done.err
        assert signers_of(server, "SuspendShare") == [address]
    assert server.bodies()[-2]["signer"] == address
    again = console("key", "create", "--pkcs11", "--label", "局长", *pin, "--json")
    assert (again.code, again.value["error"]["code"]) == (2, "key-exists")


def test_a_key_in_the_token_is_enrolled_beside_either_kind_of_directors_key(
    console: Console, server: FakeServer, pin: tuple[str, ...], make_key: Callable[[str], KeyFile]
) -> None:
    key_file = make_key("own")
    director, new = made(console, *pin), made(console, *pin)
    enrol = ("key", "enrol", "341500.gjj", "--duty", "officer", "--holder", "管理科", "--purpose", "共享", "--yes")
    for options, first in (
        (("--pkcs11-key", director), director),
        (key_file.options, key_file.address),
        ((), None),  # the server holds the director's key
    ):
        done = console(*enrol, *options, "--new-pkcs11-key", new, *pin)
        assert done.code == 0, done.err
        assert signers_of(server, "EnrolKey") == [first, new]
        assert server.bodies()[-1]["acts"][0]["act"]["custody"] == 1
    assert console(*enrol, "--new-pkcs11-key", new, "--custody", "host", *pin).code == 2
    both = console(*enrol, "--pkcs11-key", director, *key_file.options, "--new-pkcs11-key", new, *pin, "--json")
    assert both.value["error"]["code"] == "invalid-option"


def test_what_goes_wrong_is_told_without_the_pin(
    console: Console, server: FakeServer, token: SoftToken, pin: tuple[str, ...], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    address = made(console, *pin)
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text("987654321\n")
    pkcs11.lib(str(token.module)).reinitialize()
    done = console(*SUSPEND, "--pkcs11-key", address, "--pin-file", str(wrong), "--lang", "zh")
    assert done.code == 2 and "PIN 码错误 [wrong-pin]" in done.err and "987654321" not in done.out + done.err
    assert console(*SUSPEND, "--pkcs11-key", address, "--json").value["error"]["code"] == "no-passphrase"
    assert console(*SUSPEND, "--pkcs11-key", "nobody", *pin, "--json").value["error"]["code"] == "no-such-key"
    wrong.chmod(0o644)
    loose = console(*SUSPEND, "--pkcs11-key", address, "--pin-file", str(wrong), "--json")
    assert loose.value["error"]["code"] == "unsafe-permissions"
    monkeypatch.setenv("SHARELEDGER_PKCS11_TOKEN", "elsewhere")
    assert console("key", "find", "--json").value["error"]["code"] == "token-unavailable"
    monkeypatch.delenv("SHARELEDGER_PKCS11_TOKEN")
    assert console("key", "find", "--json").value["error"]["code"] == "invalid-option"
    assert "/v1/acts" not in {request.url.path for request in server.requests}


def test_create_makes_either_a_file_or_a_key_in_the_token(console: Console, pin: tuple[str, ...]) -> None:
    assert console("key", "create", *pin, "--json").value["error"]["code"] == "invalid-option"
    both = console("key", "create", "--pkcs11", "--keystore", "somewhere", *pin, "--json")
    assert both.value["error"]["code"] == "invalid-option"
