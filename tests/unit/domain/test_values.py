import eth_abi
import pytest
from hypothesis import given, settings

from ledger.domain.acts import ACTS, Duty, Kind
from ledger.domain.values import Act
from ledger.errors import InvalidAct
from tests.unit.domain.examples import acts

ZERO = "0" * 64
SIGNER = "0x" + "ab" * 20


def shred(**changes: object) -> dict[str, object]:
    fields = {"signer": SIGNER, "dataset": "a/b", "number": 1, "whole": True, "document": ZERO, "prior": ZERO}
    return {**fields, "valid_until": 5, **changes}


@given(acts())
@settings(max_examples=200)
def test_words_are_the_abi_encoding(act: Act) -> None:
    types, arguments = [], []
    for field in act.type.fields:
        value = act[field.name]
        types.append(field.kind.solidity)
        if field.kind is Kind.DIGEST:
            value = bytes.fromhex(value)
        elif field.kind is Kind.CODE:
            value = value.encode().ljust(32, b"\0")
        arguments.append(value)
    assert act.words() == eth_abi.encode(types, arguments)


@given(acts())
def test_every_form_comes_back(act: Act) -> None:
    assert Act.from_words(act.name, act.words()) == act
    assert Act.from_json(act.name, act.to_json()) == act
    assert hash(Act.make(act.name, **act.values)) == hash(act)
    assert list(act.values) == [field.name for field in act.type.fields]
    assert list(act.typed_json()) == [field.typed_name for field in act.type.fields]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": True}, "number is not an integer"),
        ({"number": "1"}, "number is not an integer"),
        ({"number": 1.0}, "number is not an integer"),
        ({"number": 2**32}, "number is not within 0 and 2^32 - 1"),
        ({"number": -1}, "number is not within"),
        ({"whole": 1}, "whole is not true or false"),
        ({"dataset": "a b"}, "dataset is not a code"),
        ({"document": "AB" * 32}, "document is not a digest"),
        ({"signer": SIGNER.upper()}, "signer is not an address"),
        ({"extra": 1}, "unknown: extra"),
    ],
)
def test_wrong_fields_are_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidAct, match=said.replace("^", r"\^")):
        Act.make("ShredVersion", **shred(**changes))
    with pytest.raises(InvalidAct, match=said.replace("^", r"\^")):
        Act.from_json("ShredVersion", shred(**changes))


def test_all_faults_at_once() -> None:
    with pytest.raises(InvalidAct) as caught:
        Act.from_json("ShredVersion", {"number": "x", "other": 1})
    assert caught.value.facts["missing"] == ["signer", "dataset", "whole", "document", "prior", "valid_until"]
    assert caught.value.facts["unknown"] == ["other"]
    assert caught.value.facts["wrong"] == {"number": "is not an integer"}
    for nothing in (None, [], "act"):
        with pytest.raises(InvalidAct, match="not an object"):
            Act.from_json("ShredVersion", nothing)
    for name in ("Nothing", ""):
        with pytest.raises(InvalidAct, match="there is no act"):
            Act.make(name)


@pytest.mark.parametrize("size", [5, "05", "+5", "", "-1", "1e3", str(2**64), "５"])
def test_wide_numbers_are_decimal_strings(size: object) -> None:
    fields = {"signer": SIGNER, "log": "a", "root": ZERO, "state": ZERO, "prior": ZERO, "valid_until": 5}
    assert Act.from_json("PublishCheckpoint", {**fields, "size": str(2**64 - 1)})["size"] == 2**64 - 1
    with pytest.raises(InvalidAct, match="size"):
        Act.from_json("PublishCheckpoint", {**fields, "size": size})


def test_an_enumeration_becomes_its_number() -> None:
    act = Act.make("ShredVersion", **shred(number=Duty.LEAD))
    assert type(act["number"]) is int


@pytest.mark.parametrize("place", [0, 2, 3])
def test_dirty_words(place: int) -> None:
    words = bytearray(Act.make("ShredVersion", **shred()).words())
    words[32 * place] = 0xFF
    with pytest.raises(InvalidAct, match="dirty bits"):
        Act.from_words("ShredVersion", bytes(words))


def test_wrong_words() -> None:
    words = bytearray(Act.make("ShredVersion", **shred()).words())
    with pytest.raises(InvalidAct, match="7 words"):
        Act.from_words("ShredVersion", bytes(words[:-1]))
    words[63] = 1  # after the code's zero padding
    with pytest.raises(InvalidAct, match=r"ShredVersion\.dataset"):
        Act.from_words("ShredVersion", bytes(words))


def test_replacing() -> None:
    act = Act.make("ShredVersion", **shred())
    assert act.replace(number=9)["number"] == 9 and act["number"] == 1
    with pytest.raises(InvalidAct):
        act.replace(number=-1)
    assert act.signer == SIGNER and act.name == "ShredVersion"
    assert len(ACTS) == 32
