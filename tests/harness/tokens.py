"""PKCS#11 tokens of SoftHSM2 in a folder of their own, for the tests of the group hsm."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keys.passphrases import Passphrase
from keys.pkcs11 import Token
from tests.harness.system_parts import softhsm

CONFIG = "SOFTHSM2_CONF"


@dataclass(frozen=True)
class SoftToken:
    """A token that was made for a test. Its PIN guards nothing."""

    module: Path
    label: str
    pin: str
    folder: Path

    def source(self) -> Passphrase:
        return Passphrase(self.pin)

    def open(self, pin: str | None = None) -> Token:
        return Token(self.module, self.label, lambda: Passphrase(pin or self.pin))

    def settings(self) -> dict[str, Any]:
        return {"pkcs11_module": self.module, "pkcs11_token": self.label}

    def environment(self) -> dict[str, str]:
        """What a child process needs to find it."""
        names = {"SHARELEDGER_PKCS11_MODULE": str(self.module), "SHARELEDGER_PKCS11_TOKEN": self.label}
        return names | {CONFIG: str(self.folder / "softhsm2.conf")}

    def pin_file(self, folder: Path) -> Path:
        path = folder / f"{self.label}.pin"
        path.touch(0o600)
        path.write_text(self.pin + "\n")
        return path

    @contextmanager
    def pulled_out(self) -> Iterator[None]:
        """All tokens of the folder are gone meanwhile, as this process sees it."""
        import pkcs11

        library, tokens = pkcs11.lib(str(self.module)), self.folder / "tokens"
        away = tokens.rename(self.folder / "away")
        tokens.mkdir()
        library.reinitialize()
        try:
            yield
        finally:
            tokens.rmdir()
            away.rename(tokens)
            library.reinitialize()

    def remove(self) -> None:
        softhsm2_util("--delete-token", "--token", self.label)


def softhsm2_util(*arguments: str) -> None:
    subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True)


def make_token(folder: Path, label: str) -> SoftToken:
    """One more token in the folder, seen by this process from the library's next start on."""
    import pkcs11

    module = softhsm()
    assert module is not None
    pin = secrets.token_hex(6)
    softhsm2_util("--init-token", "--free", "--label", label, "--so-pin", secrets.token_hex(6), "--pin", pin)
    pkcs11.lib(str(module)).reinitialize()
    return SoftToken(module, label, pin, folder)


@pytest.fixture(scope="session")
def token_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SoftHSM2 set up in a folder of this run."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir(mode=0o700)
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    before = os.environ.get(CONFIG)
    os.environ[CONFIG] = str(config)
    yield folder
    if before is None:
        del os.environ[CONFIG]
    else:
        os.environ[CONFIG] = before


@pytest.fixture(scope="session")
def office_token(token_folder: Path) -> SoftToken:
    """A token many tests share; each makes keys of its own in it."""
    return make_token(token_folder, "office")
