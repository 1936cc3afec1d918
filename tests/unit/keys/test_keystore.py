import json
import os
import stat
from pathlib import Path
from typing import Any

import eth_keyfile
import pytest

import keys.private_files
from keys.envelope import GENERATED_COST, MAX_FILE, STANDARD_COST, cost_for
from keys.errors import (
    InvalidKeyFile,
    KeyExists,
    NoSuchKey,
    UnsafePermissions,
    WeakPassphrase,
    WrongPassphrase,
)
from keys.keystore import Keystore, open_key_file
from keys.passphrases import Passphrase, generate
from keys.private_files import create_private
from keys.signer import LocalSigner

KEY = bytes(range(1, 33))
DIGEST = b"\x07" * 32
# Web3 Secret Storage definition, version 3, test vectors
VECTOR_KEY = bytes.fromhex("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
VECTORS: dict[str, dict[str, Any]] = {
    "pbkdf2": {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    },
    "scrypt": {
        "Crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32,
                "n": 262144,
                "p": 8,
                "r": 1,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    },
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_creates_keys_that_sign_and_lists_them_without_a_passphrase(keystore: Keystore, passphrase: Passphrase) -> None:
    addresses = [keystore.create(passphrase) for _ in range(3)]
    assert keystore.addresses() == sorted(addresses)
    for address in addresses:
        assert keystore.holds(address) and keystore.holds(address.upper().replace("0X", "0x"))
        signer = keystore.unlock(address, passphrase)
        assert signer.address == address
        assert len(signer.sign(DIGEST)) == 65


def test_files_are_private_whatever_the_umask(tmp_path: Path, passphrase: Passphrase) -> None:
    before = os.umask(0)
    try:
        keystore = Keystore(tmp_path / "a" / "keystore", cost=16)
        keystore.create_secret("vault", passphrase)
        keystore.create(passphrase)
    finally:
        os.umask(before)
    assert mode(keystore.folder) == 0o700
    assert [mode(path) for path in keystore.folder.iterdir()] == [0o600, 0o600]


def test_a_wallet_can_read_the_file(keystore: Keystore, passphrase: Passphrase) -> None:
    address = keystore.add(KEY, passphrase)
    document = json.loads((keystore.folder / f"{address}.json").read_bytes())
    assert eth_keyfile.decode_keyfile_json(document, passphrase.reveal()) == KEY
    assert document["address"] == address[2:]
    assert document["crypto"]["kdf"] == "scrypt"


@pytest.mark.parametrize("kdf", VECTORS)
def test_reads_the_formats_own_vectors(kdf: str, tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    create_private(path, json.dumps(VECTORS[kdf]).encode())
    assert open_key_file(path, Passphrase("testpassword")).address == LocalSigner(VECTOR_KEY).address


def test_wrong_passphrase(keystore: Keystore, passphrase: Passphrase) -> None:
    address = keystore.create(passphrase)
    keystore.create_secret("vault", passphrase)
    with pytest.raises(WrongPassphrase):
        keystore.unlock(address, Passphrase("not the passphrase"))
    with pytest.raises(WrongPassphrase):
        keystore.secret("vault", Passphrase("not the passphrase"))


def test_unknown_keys(keystore: Keystore, passphrase: Passphrase) -> None:
    with pytest.raises(NoSuchKey):
        keystore.unlock("0x" + "00" * 20, passphrase)
    with pytest.raises(NoSuchKey):
        keystore.secret("vault", passphrase)
    for name in ("../../etc/passwd", "0x12", "", "Vault", "a/b"):
        assert not keystore.holds(name)
        with pytest.raises(NoSuchKey):
            keystore.unlock(name, passphrase)
        with pytest.raises(NoSuchKey):
            keystore.create_secret(name, passphrase)


def test_never_overwrites(keystore: Keystore, passphrase: Passphrase) -> None:
    address = keystore.add(KEY, passphrase)
    secret = keystore.create_secret("vault", passphrase)
    before = {path.name: path.read_bytes() for path in keystore.folder.iterdir()}
    with pytest.raises(KeyExists):
        keystore.add(KEY, Passphrase("another passphrase"))
    with pytest.raises(KeyExists):
        keystore.create_secret("vault", passphrase)
    assert {path.name: path.read_bytes() for path in keystore.folder.iterdir()} == before
    assert keystore.unlock(address, passphrase).address == address
    assert keystore.secret("vault", passphrase) == secret


def test_weak_passphrases_protect_no_new_key(keystore: Keystore) -> None:
    with pytest.raises(WeakPassphrase):
        keystore.create(Passphrase("short"))
    assert keystore.addresses() == []
    assert list(keystore.folder.iterdir()) == []


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o610, 0o666])
def test_refuses_files_others_could_read(keystore: Keystore, passphrase: Passphrase, bits: int) -> None:
    address = keystore.create(passphrase)
    (keystore.folder / f"{address}.json").chmod(bits)
    with pytest.raises(UnsafePermissions) as caught:
        keystore.unlock(address, passphrase)
    assert "chmod 600" in caught.value.next_step


def test_refuses_folders_others_could_enter(keystore: Keystore, passphrase: Passphrase) -> None:
    address = keystore.create(passphrase)
    keystore.folder.chmod(0o750)
    for attempt in (
        keystore.addresses,
        lambda: keystore.unlock(address, passphrase),
        lambda: keystore.create(passphrase),
        lambda: Keystore(keystore.folder),
    ):
        with pytest.raises(UnsafePermissions):
            attempt()


def test_refuses_files_of_another_user(
    keystore: Keystore, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = keystore.create(passphrase)
    true_fstat = os.fstat

    def foreign(descriptor: int) -> os.stat_result:
        status = list(true_fstat(descriptor))
        status[4] = os.geteuid() + 12345
        return os.stat_result(status)

    monkeypatch.setattr(keys.private_files.os, "fstat", foreign)
    with pytest.raises(UnsafePermissions, match="another user"):
        keystore.unlock(address, passphrase)


def test_refuses_links_and_other_than_regular_files(keystore: Keystore, passphrase: Passphrase, tmp_path: Path) -> None:
    address = keystore.create(passphrase)
    path = keystore.folder / f"{address}.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InvalidKeyFile):
        keystore.unlock(address, passphrase)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(UnsafePermissions, match="regular"):
        keystore.unlock(address, passphrase)


def test_notices_a_changed_counter_which_the_format_does_not_cover(keystore: Keystore, passphrase: Passphrase) -> None:
    address = keystore.create(passphrase)
    keystore.create_secret("vault", passphrase)
    for name in (address, "vault"):
        path = keystore.folder / f"{name}.json"
        document = json.loads(path.read_bytes())
        document["crypto"]["cipherparams"]["iv"] = "00" * 16
        path.write_text(json.dumps(document))
    with pytest.raises(InvalidKeyFile, match="another address"):
        keystore.unlock(address, passphrase)
    with pytest.raises(InvalidKeyFile, match="damaged"):
        keystore.secret("vault", passphrase)


def test_notices_exchanged_files(keystore: Keystore, passphrase: Passphrase) -> None:
    one, other = keystore.create(passphrase), keystore.create(passphrase)
    keystore.create_secret("vault", passphrase)
    (keystore.folder / f"{one}.json").replace(keystore.folder / f"{other}.json")
    (keystore.folder / "vault.json").replace(keystore.folder / "other.json")
    with pytest.raises(InvalidKeyFile):
        keystore.unlock(other, passphrase)
    with pytest.raises(InvalidKeyFile):
        keystore.secret("other", passphrase)


def change(document: dict[str, Any], member: str, value: object) -> dict[str, Any]:
    parts = member.split(".")
    inner = document
    for part in parts[:-1]:
        inner = inner[part]
    inner[parts[-1]] = value
    return document


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("version", 4),
        ("version", True),
        ("crypto", []),
        ("crypto.cipher", "aes-256-ctr"),
        ("crypto.ciphertext", "zz"),
        ("crypto.ciphertext", "00" * 31),
        ("crypto.mac", None),
        ("crypto.kdf", "argon2"),
        ("crypto.kdfparams.n", 2**22),
        ("crypto.kdfparams.n", 3),
        ("crypto.kdfparams.n", 1),
        ("crypto.kdfparams.n", True),
        ("crypto.kdfparams.n", "16"),
        ("crypto.kdfparams.r", 1024 * 1024),
        ("crypto.kdfparams.p", 0),
        ("crypto.kdfparams.dklen", 2**31),
        ("crypto.kdfparams.salt", ""),
        ("crypto.cipherparams.iv", "00"),
        ("Version", 3),
    ],
)
def test_refuses_files_that_are_wrong_or_ask_for_too_much(
    keystore: Keystore, passphrase: Passphrase, member: str, value: object
) -> None:
    address = keystore.create(passphrase)
    path = keystore.folder / f"{address}.json"
    path.write_text(json.dumps(change(json.loads(path.read_bytes()), member, value)))
    with pytest.raises(InvalidKeyFile) as caught:
        keystore.unlock(address, passphrase)
    assert caught.value.facts["file"] == path.name


@pytest.mark.parametrize("parameters", [{"n": 2**22, "r": 8, "p": 1}, {"n": 2**18, "r": 8, "p": 64}])
def test_a_foreign_file_cannot_take_all_memory_or_time(
    keystore: Keystore, passphrase: Passphrase, parameters: dict[str, int]
) -> None:
    address = keystore.create(passphrase)
    path = keystore.folder / f"{address}.json"
    document = json.loads(path.read_bytes())
    document["crypto"]["kdfparams"] |= parameters
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidKeyFile, match="too much"):
        keystore.unlock(address, passphrase)


@pytest.mark.parametrize("content", [b"", b"null", b"{", b"\xff\xfe", b"[" * 9000, b" " * (MAX_FILE + 1)])
def test_refuses_what_is_no_key_file(keystore: Keystore, passphrase: Passphrase, content: bytes) -> None:
    address = "0x" + "ab" * 20
    create_private(keystore.folder / f"{address}.json", content)
    with pytest.raises(InvalidKeyFile):
        keystore.unlock(address, passphrase)


def test_secrets_name_no_address(keystore: Keystore, passphrase: Passphrase) -> None:
    secret = keystore.create_secret("vault", passphrase, public={"made": "2025-01-01"})
    text = (keystore.folder / "vault.json").read_text()
    assert "address" not in text and secret.hex() not in text
    assert keystore.public_of("vault") == {"made": "2025-01-01"}
    assert keystore.secrets() == ["vault"] and keystore.addresses() == []


def test_the_cost_follows_the_passphrase(tmp_path: Path) -> None:
    human, machine = Passphrase("slp1-" + "a" * 64 + "-" + "0" * 8), generate()
    assert cost_for(human) == STANDARD_COST
    assert cost_for(machine) == GENERATED_COST
    keystore = Keystore(tmp_path / "keystore")
    for passphrase in (human, machine):
        address = keystore.create(passphrase)
        document = json.loads((keystore.folder / f"{address}.json").read_bytes())
        assert document["crypto"]["kdfparams"]["n"] == cost_for(passphrase)


def test_a_failed_write_leaves_nothing(
    keystore: Keystore, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keys.private_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keystore.create(passphrase)
    assert list(keystore.folder.iterdir()) == []
