import pytest
from eth_account import Account
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.curve import ORDER
from keys.errors import InvalidTransaction
from keys.signer import LocalSigner
from keys.transaction import Transaction, sign_transaction

KEY = bytes(range(1, 33))
TO = "0x" + "ab" * 20


@settings(max_examples=80, deadline=None)
@given(
    private_key=st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big")),
    chain_id=st.integers(1, 2**63),
    nonce=st.integers(0, 2**64 - 2),
    gas=st.integers(0, 2**63),
    fees=st.tuples(st.integers(0, 2**64), st.integers(0, 2**64)).map(sorted),
    value=st.integers(0, 2**256 - 1),
    payload=st.binary(max_size=300),
    to=st.none() | st.binary(min_size=20, max_size=20),
)
def test_byte_equal_with_eth_account(
    private_key: bytes,
    chain_id: int,
    nonce: int,
    gas: int,
    fees: list[int],
    value: int,
    payload: bytes,
    to: bytes | None,
) -> None:
    transaction = Transaction(
        chain_id=chain_id,
        nonce=nonce,
        gas=gas,
        to=None if to is None else "0x" + to.hex(),
        max_priority_fee=fees[0],
        max_fee=fees[1],
        value=value,
        payload=payload,
    )
    raw, hash_ = sign_transaction(LocalSigner(private_key), transaction)
    fields = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "maxPriorityFeePerGas": fees[0],
        "maxFeePerGas": fees[1],
        "value": value,
        "data": payload,
    }
    if to is not None:
        fields["to"] = to_checksum_address(to)
    oracle = Account.sign_transaction(fields, private_key)
    assert raw == bytes(oracle.raw_transaction)
    assert hash_ == bytes(oracle.hash)
    assert Account.recover_transaction(raw).lower() == LocalSigner(private_key).address


def test_the_same_transaction_signs_to_the_same_bytes_with_free_gas() -> None:
    transaction = Transaction(chain_id=1337, nonce=0, gas=21000, to=TO)
    assert sign_transaction(LocalSigner(KEY), transaction) == sign_transaction(LocalSigner(KEY), transaction)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nonce", -1),
        ("nonce", 2**64 - 1),
        ("gas", 2**64),
        ("value", 2**256),
        ("chain_id", True),
        ("max_priority_fee", 1),
        ("to", "0x12"),
        ("to", "ab" * 20),
    ],
)
def test_names_the_field_out_of_range(field: str, value: object) -> None:
    fields: dict[str, object] = {"chain_id": 1, "nonce": 0, "gas": 1, "to": TO, field: value}
    with pytest.raises(InvalidTransaction) as caught:
        sign_transaction(LocalSigner(KEY), Transaction(**fields))  # type: ignore[arg-type]
    assert caught.value.facts["field"] == field
