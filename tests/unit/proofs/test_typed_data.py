import json

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.values import Act
from ledger.errors import InvalidInput
from ledger.proofs.typed_data import act_digest, domain_separator, typed_message
from tests.unit.domain.examples import acts

MODULE = "0x" + "5a" * 20


@given(acts(), st.integers(1, 2**53 - 1))
@settings(max_examples=100)
def test_the_digest_is_what_wallets_sign(act: Act, chain_id: int) -> None:
    message = json.loads(json.dumps(typed_message(act, chain_id, MODULE)))
    assert _hash_eip191_message(encode_typed_data(full_message=message)).hex() == act_digest(act, chain_id, MODULE)


@given(acts())
def test_chain_and_module_are_in_the_digest(act: Act) -> None:
    digests = {act_digest(act, chain, module) for chain in (1, 2) for module in (MODULE, "0x" + "5b" * 20)}
    assert len(digests) == 4


def test_malformed_module() -> None:
    with pytest.raises(InvalidInput):
        domain_separator(1, "0x5a")
