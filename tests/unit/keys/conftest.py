from pathlib import Path

import pytest

from keys.keystore import Keystore
from keys.passphrases import Passphrase

LIGHT = 16  # scrypt's n: the tests are not about its cost


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "keystore", cost=LIGHT)


@pytest.fixture
def passphrase() -> Passphrase:
    return Passphrase("六安市 correct horse")
