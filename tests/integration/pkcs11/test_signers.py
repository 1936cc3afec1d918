"""A key in memory and a key in a token behave alike."""

import secrets
from collections.abc import Iterator

import pytest

from keys.keyring import Keyring
from keys.keystore import Keystore
from keys.signer import LocalSigner, Signer
from tests.behaviours.signers import SignerBehaviour
from tests.harness.tokens import SoftToken


@pytest.fixture(scope="module")
def token_signer(office_token: SoftToken) -> Iterator[Signer]:
    token = office_token.open()
    yield token.signer(token.create().address)
    token.close()


class TestLocalSigner(SignerBehaviour):
    @pytest.fixture
    def signer(self) -> Signer:
        return LocalSigner(secrets.token_bytes(32))


@pytest.mark.needs("hsm")
class TestTokenSigner(SignerBehaviour):
    @pytest.fixture
    def signer(self, token_signer: Signer) -> Signer:
        return token_signer


@pytest.mark.needs("hsm")
async def test_a_keyring_holds_both_kinds_alike(office_token: SoftToken, keystore: Keystore) -> None:
    secret = office_token.source()  # any passphrase does
    filed = keystore.create(secret)
    keyring = Keyring(keystore, lambda: secret, office_token.open())
    made = await keyring.create_key()
    assert keystore.addresses() == [filed], "with a token, new keys are made in it"
    assert {filed, made.address} <= set(keyring.addresses()) and keyring.holds(made.address.upper().replace("X", "x"))
    for address in (filed, made.address):
        signatures = await keyring.sign(address, [bytes([number]) * 32 for number in range(3)])
        assert len({bytes(one) for one in signatures}) == 3
    keyring.forget()
