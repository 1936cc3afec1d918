import copy
import pickle

import pytest
from eth_account import Account
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.curve import ORDER, CoincurveCurve, Curve, NativeCurve, choose_curve
from keys.errors import InvalidKey, InvalidSigning
from keys.signer import HALF_ORDER, LocalSigner, address_of, recover

KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
DIGEST = keccak(b"an act")
CURVES = [CoincurveCurve(), NativeCurve()]

private_keys = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
digests = st.binary(min_size=32, max_size=32)


@pytest.fixture(params=CURVES, ids=["coincurve", "native"])
def curve(request: pytest.FixtureRequest) -> Curve:
    return request.param


@settings(max_examples=60, deadline=None)
@given(private_keys, digests)
def test_signs_the_same_bytes_as_eth_account(private_key: bytes, digest: bytes) -> None:
    signer = LocalSigner(private_key)
    signature = signer.sign(digest)
    assert signature == bytes(Account.unsafe_sign_hash(digest, private_key).signature)
    assert signer.address == Account.from_key(private_key).address.lower()
    assert recover(digest, signature) == signer.address
    assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER
    assert signature[64] in (27, 28)


@settings(max_examples=5, deadline=None)
@given(private_keys, digests)
def test_both_libraries_agree(private_key: bytes, digest: bytes) -> None:
    fast, native = (LocalSigner(private_key, curve=curve) for curve in CURVES)
    assert fast.address == native.address
    assert fast.sign(digest) == native.sign(digest)
    assert {recover(digest, fast.sign(digest), curve=curve) for curve in CURVES} == {fast.address}


def test_falls_back_without_coincurve(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_curve(), CoincurveCurve)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert isinstance(choose_curve(), NativeCurve)


def test_another_digest_or_signer_is_another_address() -> None:
    signature = LocalSigner(KEY).sign(DIGEST)
    assert recover(keccak(b"another act"), signature) != address_of(KEY)


def test_refuses_the_second_signature_over_the_same_digest(curve: Curve) -> None:
    signature = LocalSigner(KEY).sign(DIGEST)
    high = (ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    malleated = signature[:32] + high + bytes((55 - signature[64],))
    with pytest.raises(InvalidSigning, match="upper half"):
        recover(DIGEST, malleated, curve=curve)


@pytest.mark.parametrize("v", [0, 1, 26, 29, 30, 255])
def test_refuses_other_recovery_values(v: int) -> None:
    with pytest.raises(InvalidSigning, match="27 or 28"):
        recover(DIGEST, LocalSigner(KEY).sign(DIGEST)[:64] + bytes((v,)))


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (1, 0), (ORDER, 1), (2**256 - 1, 1), (1, ORDER), (5, 1)], ids=lambda number: hex(number)[:6]
)
def test_refuses_values_out_of_range(r: int, s: int, curve: Curve) -> None:
    with pytest.raises(InvalidSigning):  # r = 5 is in range, but no point of the curve has it
        recover(DIGEST, r.to_bytes(32, "big") + s.to_bytes(32, "big") + b"\x1b", curve=curve)


@pytest.mark.parametrize("length", [0, 64, 66])
def test_refuses_signatures_of_another_length(length: int) -> None:
    with pytest.raises(InvalidSigning, match="65 bytes"):
        recover(DIGEST, bytes(length))


@pytest.mark.parametrize("digest", [b"", b"\x00" * 31, b"\x00" * 33])
def test_signs_only_32_bytes(digest: bytes) -> None:
    with pytest.raises(InvalidSigning, match="32 bytes"):
        LocalSigner(KEY).sign(digest)
    with pytest.raises(InvalidSigning, match="32 bytes"):
        recover(digest, LocalSigner(KEY).sign(DIGEST))


@pytest.mark.parametrize(
    "private_key", [b"", b"\x01", bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, b"\x01" * 33]
)
def test_refuses_what_is_no_private_key_and_never_repeats_it(private_key: bytes) -> None:
    with pytest.raises(InvalidKey) as caught:
        LocalSigner(private_key)
    assert private_key.hex() not in str(caught.value) or not private_key


def test_never_shows_its_key() -> None:
    signer = LocalSigner(KEY)
    shown = repr(signer) + str(signer) + f"{signer}" + repr([signer])
    assert KEY.hex() not in shown
    assert signer.address in shown
    assert not hasattr(signer, "__dict__")
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="private key"):
            attempt(signer)
