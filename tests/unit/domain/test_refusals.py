import re
from pathlib import Path

import eth_abi
import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import refusals
from ledger.domain.refusals import BY_SELECTOR, REFUSALS, Panicked, Refusal, Reverted, Sort, UnknownRefusal, decode
from ledger.errors import Refused

ROOT = Path(__file__).parents[3]
DECLARATION = re.compile(r"^\s*error (\w+)\(([^)]*)\);", re.MULTILINE)
MESSAGE = bytes.fromhex("08c379a0")


def declared() -> dict[str, list[tuple[str, str]]]:
    """Every custom error of the Solidity sources: name → [(type, name)]."""
    found = {}
    for source in (ROOT / "contracts/src").rglob("*.sol"):
        for name, arguments in DECLARATION.findall(source.read_text("utf-8")):
            found[name] = [tuple(item.split()) for item in arguments.split(",") if item.strip()]
    return found


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_every_solidity_error_has_its_class_and_no_other_exists() -> None:
    solidity = {
        name: [(type_, snake(argument)) for type_, argument in arguments] for name, arguments in declared().items()
    }
    python = {
        name: [(sort.solidity, argument) for argument, sort in refusal.parameters] for name, refusal in REFUSALS.items()
    }
    assert python == solidity


def test_classes_are_real_and_distinct() -> None:
    assert len({refusal.code for refusal in REFUSALS.values()}) == len(REFUSALS) == len(BY_SELECTOR)
    for name, refusal in REFUSALS.items():
        assert issubclass(refusal, Refused) and getattr(refusals, name) is refusal
        assert refusal.selector == keccak(text=refusal.signature())[:4]
        assert refusal.title and re.search(r"[一-鿿]", refusal.title_zh) and refusal.remedy.endswith(".")
    assert refusals.DatasetsNotPublished.code == "datasets-not-published"
    with pytest.raises(AttributeError):
        _ = refusals.NoSuchError


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=list(REFUSALS))
def test_revert_bytes_come_back(refusal: type[Refusal]) -> None:
    samples: dict[Sort, object] = {Sort.ADDRESS: "0x" + "ab" * 20, Sort.CODE: "city/1", Sort.DIGEST: "cd" * 32}
    arguments = [samples.get(sort, 3) for _, sort in refusal.parameters]
    raised = refusal(*arguments)
    raw = [
        bytes.fromhex(value) if sort is Sort.DIGEST else value.encode() if sort is Sort.CODE else value
        for (_, sort), value in zip(refusal.parameters, arguments, strict=True)
    ]
    encoded = refusal.selector + eth_abi.encode([sort.solidity for _, sort in refusal.parameters], raw)
    assert raised.encode() == encoded
    again = decode(encoded)
    assert type(again) is refusal and again.arguments == tuple(arguments) and again.detail == raised.detail


def test_details_are_readable() -> None:
    key = "0x" + "ab" * 20
    assert refusals.DepartmentsDuty(key, 1, 3).detail.endswith(f"key {key}, held officer, needed director")
    assert refusals.DepartmentsRole("341500", 5).detail.endswith("needed authority+consumer")
    assert refusals.DepartmentsRole("341500", 64).detail.endswith("needed 64")
    assert "stage supplement asked" in refusals.AuthorisationsStage("11" * 32, 2).detail
    assert "stage 77" in refusals.AuthorisationsStage("11" * 32, 77).detail
    assert "until 2026-09-25T08:00:00+08:00" in refusals.DepartmentsKeyExpired(key, 1_790_294_400).detail
    assert str(2**48 - 1) in refusals.AuthorisationsUntil(2**48 - 1).detail
    expired = refusals.SignedExpired(5, 2**200)
    assert expired.facts == {"valid_until": 5, "now_time": str(2**200)}
    with pytest.raises(TypeError):
        refusals.SignedExpired(5)


def test_a_malformed_code_is_shown_as_its_word() -> None:
    word = b"\xff" * 32
    assert decode(REFUSALS["CodesInvalid"].selector + word).facts == {"code": "0x" + word.hex()}


def test_foreign_reverts() -> None:
    said = decode(MESSAGE + eth_abi.encode(["string"], ["余额不足"]))
    assert type(said) is Reverted and said.facts["message"] == "余额不足"
    cut = decode((MESSAGE + eth_abi.encode(["string"], ["x" * 500]))[:260])
    assert type(cut) is Reverted and cut.facts["message"] == "x" * 192
    panicked = decode(bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"))
    assert type(panicked) is Panicked and "0x11" in panicked.detail
    overlong = refusals.JournalClosed.selector + b"1"
    for reason in (b"", b"\x01", b"\x01\x02\x03\x04", MESSAGE, MESSAGE + bytes(64), overlong):
        assert type(decode(reason)) is UnknownRefusal


@given(st.binary(max_size=300))
def test_decoding_never_fails(reason: bytes) -> None:
    assert isinstance(decode(reason), Refused)
    assert isinstance(decode(MESSAGE + reason), Refused)
    for refusal in REFUSALS.values():
        assert isinstance(decode(refusal.selector + reason), Refused)
