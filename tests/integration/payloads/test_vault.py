import copy
import pickle
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Corrupt, InvalidSettings, NotReady
from ledger.store.vault import WRAPPED, Vault

CONTEXT = "dataset/3415-ZHDM/version/1/payload"


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.text(max_size=60))
def test_wraps_and_unwraps(vault_key: bytes, key: bytes, context: str) -> None:
    vault = Vault(vault_key)
    wrapped = vault.wrap(key, context)
    assert len(wrapped) == WRAPPED
    assert key not in wrapped and wrapped != vault.wrap(key, context)
    assert Vault(vault_key).unwrap(wrapped, context) == key


def test_every_single_flipped_bit_is_noticed() -> None:
    vault = Vault(secrets.token_bytes(32))
    wrapped = vault.wrap(vault.new_key(), CONTEXT)
    for at in range(8 * len(wrapped)):
        changed = bytearray(wrapped)
        changed[at // 8] ^= 1 << (at % 8)
        with pytest.raises((Corrupt, NotReady)):
            vault.unwrap(bytes(changed), CONTEXT)
    for cut in (b"", wrapped[:-1], wrapped + b"\x00"):
        with pytest.raises(Corrupt):
            vault.unwrap(cut, CONTEXT)


def test_a_wrapped_key_moved_to_another_row_does_not_open() -> None:
    vault = Vault(secrets.token_bytes(32))
    with pytest.raises(Corrupt, match="version/2"):
        vault.unwrap(vault.wrap(vault.new_key(), CONTEXT), CONTEXT.replace("/1/", "/2/"))


def test_another_vault_is_told_from_damage() -> None:
    wrapped = Vault(secrets.token_bytes(32)).wrap(secrets.token_bytes(32), CONTEXT)
    with pytest.raises(NotReady, match="another vault"):
        Vault(secrets.token_bytes(32)).unwrap(wrapped, CONTEXT)


def test_takes_only_32_bytes() -> None:
    for size in (0, 16, 24, 31, 33):
        with pytest.raises(InvalidSettings):
            Vault(bytes(size))
        with pytest.raises(ValueError, match="32 bytes"):
            Vault(bytes(32)).wrap(bytes(size), CONTEXT)


def test_never_shows_its_key() -> None:
    key = secrets.token_bytes(32)
    vault = Vault(key)
    assert key.hex() not in repr(vault) and not hasattr(vault, "__dict__")
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(vault)
