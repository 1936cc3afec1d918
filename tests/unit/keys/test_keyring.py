import asyncio
import threading

import pytest

from keys.errors import NoSuchKey, TokenUnavailable, WrongPassphrase
from keys.keyring import Keyring
from keys.keystore import Keystore
from keys.note_keys import create_note_key, note_keys, open_note_key
from keys.passphrases import Passphrase


class Asked:
    """A passphrase source that counts how often it is asked."""

    def __init__(self, passphrase: Passphrase) -> None:
        self.passphrase = passphrase
        self.times = 0

    def __call__(self) -> Passphrase:
        self.times += 1
        return self.passphrase


@pytest.fixture
def asked(passphrase: Passphrase) -> Asked:
    return Asked(passphrase)


@pytest.fixture
def keyring(keystore: Keystore, asked: Asked) -> Keyring:
    return Keyring(keystore, asked)


def test_asks_only_when_a_key_is_needed_and_only_once(
    keystore: Keystore, keyring: Keyring, asked: Asked, passphrase: Passphrase
) -> None:
    one, other = keystore.create(passphrase), keystore.create(passphrase)
    assert keyring.holds(one) and keyring.addresses() == sorted((one, other))
    with pytest.raises(NoSuchKey):
        keyring.signer("0x" + "00" * 20)
    assert asked.times == 0
    assert keyring.signer(one).address == one
    assert keyring.signer(other).address == other
    assert asked.times == 1


def test_decrypts_each_key_once(keystore: Keystore, keyring: Keyring, passphrase: Passphrase) -> None:
    address = keystore.create(passphrase)
    signer = keyring.signer(address)
    (keystore.folder / f"{address}.json").unlink()
    assert keyring.signer(address) is signer
    assert keyring.holds(address)
    keyring.forget()
    assert not keyring.holds(address)


async def test_many_tasks_share_one_opening(keystore: Keystore, keyring: Keyring, passphrase: Passphrase) -> None:
    address = keystore.create(passphrase)
    signers = await asyncio.gather(*(keyring.unlock(address) for _ in range(8)))
    assert len({id(signer) for signer in signers}) == 1


async def test_creates_keys_for_departments_hosted_here(keystore: Keystore, keyring: Keyring) -> None:
    signer = await keyring.create_key()
    assert keystore.addresses() == [signer.address]
    assert keyring.signer(signer.address) is signer


def test_a_wrong_passphrase_is_named(keystore: Keystore, passphrase: Passphrase) -> None:
    address = keystore.create(passphrase)
    keyring = Keyring(keystore, lambda: Passphrase("not the passphrase"))
    with pytest.raises(WrongPassphrase):
        keyring.signer(address)


def test_secrets_and_note_keys(keystore: Keystore, keyring: Keyring, passphrase: Passphrase) -> None:
    secret = keystore.create_secret("vault", passphrase)
    verifier = create_note_key(keystore, "shareledger.example/31337/0xabc", passphrase)
    assert keyring.secret("vault") == secret
    assert keyring.note_signer(verifier.name).verifier() == verifier
    assert note_keys(keystore) == [verifier]
    with pytest.raises(NoSuchKey):
        open_note_key(keystore, "another.example", passphrase)


class Device:
    """A signer in a token that does not answer until it is told to."""

    address, waits = "0x" + "11" * 20, True

    def __init__(self) -> None:
        self.answers = threading.Event()

    def sign(self, digest: bytes) -> bytes:
        self.answers.wait(30)
        return digest


async def test_a_token_that_does_not_answer_is_given_up(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keys.keyring.TOKEN_SECONDS", 0.02)
    device = Device()
    for _ in range(2):  # the second waits behind the first, and no longer than it
        with pytest.raises(TokenUnavailable, match="did not answer"):
            await keyring.beside(device, lambda: device.sign(bytes(32)))
    device.answers.set()
    monkeypatch.setattr("keys.keyring.TOKEN_SECONDS", 30)
    assert await keyring.beside(device, lambda: device.sign(bytes(32))) == bytes(32)


def test_shows_no_secret(keystore: Keystore, keyring: Keyring, passphrase: Passphrase) -> None:
    keyring.signer(keystore.create(passphrase))
    assert "correct" not in repr(keyring) + repr(vars(keyring))
