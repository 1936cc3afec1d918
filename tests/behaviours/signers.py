"""What every signer of acts and transactions does, whatever keeps its key. Run by tests/integration/pkcs11."""

import coincurve
import pytest
from eth_account import Account
from eth_hash.auto import keccak

from keys.errors import InvalidSigning
from keys.signer import HALF_ORDER, Signer, recover
from keys.transaction import Transaction, sign_transaction


class SignerBehaviour:
    """Mixed into a test class with a fixture `signer`."""

    @pytest.mark.parametrize("number", range(24))
    def test_its_signatures_are_its_own_by_every_library(self, signer: Signer, number: int) -> None:
        digest = keccak(number.to_bytes(4, "big"))
        signature = signer.sign(digest)
        assert len(signature) == 65 and signature[64] in (27, 28)
        assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER
        assert recover(digest, signature) == signer.address
        assert Account._recover_hash(digest, signature=signature).lower() == signer.address
        raw = signature[:64] + bytes((signature[64] - 27,))
        key = coincurve.PublicKey.from_signature_and_message(raw, digest, hasher=None)
        assert "0x" + keccak(key.format(compressed=False)[1:])[12:].hex() == signer.address

    def test_it_signs_digests_only(self, signer: Signer) -> None:
        for digest in (b"", bytes(31), bytes(33)):
            with pytest.raises(InvalidSigning, match="32 bytes"):
                signer.sign(digest)

    def test_extreme_digests_are_signed_too(self, signer: Signer) -> None:
        for digest in (bytes(32), b"\xff" * 32):
            assert recover(digest, signer.sign(digest)) == signer.address

    def test_its_transactions_are_its_own(self, signer: Signer) -> None:
        raw, digest = sign_transaction(signer, Transaction(chain_id=7, nonce=1, gas=21_000, to="0x" + "11" * 20))
        assert Account.recover_transaction(raw).lower() == signer.address
        assert keccak(raw) == digest

    def test_its_address_is_lower_case_and_it_shows_no_more(self, signer: Signer) -> None:
        assert signer.address == signer.address.lower() and len(signer.address) == 42
        assert signer.address in repr(signer)
