import base64
import hashlib
import json

import pytest
import rfc8785

from ledger.domain.state import Share, State
from ledger.errors import InvalidInput, InvalidProof
from ledger.proofs.log import CheckpointBody, log_origin, log_root, state_key, state_leaf, state_root
from tests.unit.domain.world import peopled, story


def tree(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def test_the_log_is_the_tree_over_entry_bytes() -> None:
    entries = peopled().entries
    for size in (0, 1, 2, 3, len(entries)):
        assert log_root(entries[:size]) == tree([entry.entry_bytes() for entry in entries[:size]]).hex()


def test_the_state_tree() -> None:
    told = story()
    state = told.world.state
    leaves = [state_leaf(item) for item in sorted(state, key=state_key)]
    for leaf in leaves:
        assert rfc8785.dumps(json.loads(leaf)) == leaf
    assert state_root(state) == tree(leaves).hex()
    assert state_root(State(reversed(list(state)))) == state_root(state)
    assert state_root(State()) == hashlib.sha256(b"").hexdigest()
    before = state_root(state)
    told.agree()
    told.move("SuspendShare", "stats-lead")
    assert state_root(state) != before
    share = state.get(Share, told.share)
    assert share is not None
    read = json.loads(state_leaf(share))
    assert read["type"] == "share" and read["key"] == [told.share] and read["row"]["suspended"] is True


def test_numbers_in_state_leaves() -> None:
    told = story()
    rows = {json.loads(state_leaf(item))["type"]: json.loads(state_leaf(item)) for item in told.world.state}
    assert rows["versionnumber"]["key"] == ["stats/area-codes", "0" * 19 + "1"]
    assert rows["version"]["row"]["records"] == "620573" and rows["version"]["row"]["number"] == 1
    assert rows["ledger"]["row"]["size"] == str(len(told.world.entries))


def test_checkpoints() -> None:
    origin = log_origin(31337, "0x" + "ab" * 20)
    body = CheckpointBody(origin, 7, "cd" * 32)
    encoded = base64.b64encode(b"\xcd" * 32).decode()
    assert body.to_bytes() == f"shareledger/31337/0x{'ab' * 20}\n7\n{encoded}\n".encode()
    assert CheckpointBody.parse(body.to_bytes()) == body
    with pytest.raises(InvalidInput):
        log_origin(31337, "0xAB")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n7\n{root}",
        "o\n7\n{root}\n\n",
        "o\n7\n{root}\nextension\n",
        "o\n07\n{root}\n",
        "o\n-7\n{root}\n",
        "o\n７\n{root}\n",
        "\n7\n{root}\n",
        "a b\n7\n{root}\n",
        "a+b\n7\n{root}\n",
        "o\n7\nAAAA\n",
        "o\n7\n!{root}\n",
        "o\n7\n {root}\n",
        "o\r\n7\r\n{root}\r\n",
        "o\n7\n{loose}\n",
    ],
)
def test_no_checkpoints(text: str) -> None:
    root = base64.b64encode(bytes(32)).decode()
    loose = root[:-2] + "B="  # the same bytes with unused bits set
    with pytest.raises(InvalidProof):
        CheckpointBody.parse(text.format(root=root, loose=loose).encode())
