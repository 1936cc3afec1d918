from collections.abc import Iterator
from pathlib import Path

import pytest

from keys.keystore import Keystore
from keys.pkcs11 import Token
from tests.harness.tokens import SoftToken


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "keystore", cost=16)


@pytest.fixture
def token(office_token: SoftToken) -> Iterator[Token]:
    opened = office_token.open()
    yield opened
    opened.close()
