import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import identifiers as ids
from ledger.errors import InvalidCode, InvalidDigest, InvalidInput, TooLarge

CODES = st.from_regex(ids.CODE_PATTERN, fullmatch=True)


@given(CODES)
def test_a_code_survives_its_word(code: str) -> None:
    word = ids.code_to_bytes(code)
    assert len(word) == 32 and ids.code_from_bytes(word) == code


@given(st.binary(min_size=32, max_size=32))
def test_a_word_is_a_code_or_refused(word: bytes) -> None:
    try:
        code = ids.code_from_bytes(word)
    except InvalidCode:
        return
    assert ids.code_to_bytes(code) == word


@pytest.mark.parametrize("text", ["", "a b", "a" * 33, "代码", "a\n", "a\0b", None, 5, "é"])
def test_no_codes(text: object) -> None:
    with pytest.raises(InvalidCode):
        ids.parse_code(text)


def test_zero_word_is_the_empty_code() -> None:
    assert ids.code_from_bytes(bytes(32)) == "" and ids.code_to_bytes("") == bytes(32)
    for word in (b"a\0b".ljust(32, b"\0"), b"a", b"\xffa".ljust(32, b"\0")):
        with pytest.raises(InvalidCode):
            ids.code_from_bytes(word)


@pytest.mark.parametrize("text", ["", "0x" + "1" * 64, "A" * 64, "1" * 63, "1" * 64 + "\n", 1, None, "１" * 64])
def test_no_digests(text: object) -> None:
    with pytest.raises(InvalidDigest):
        ids.parse_digest(text)


def test_digests_and_addresses() -> None:
    assert ids.digest_from_bytes(ids.digest_to_bytes("ab" * 32)) == "ab" * 32
    assert ids.address_from_bytes(ids.address_to_bytes("0x" + "ab" * 20)) == "0x" + "ab" * 20
    assert ids.any_address("0x" + "aB" * 20) == "0x" + "ab" * 20
    with pytest.raises(InvalidDigest):
        ids.digest_from_bytes(b"")
    with pytest.raises(InvalidInput):
        ids.address_from_bytes(bytes(32))
    for text in ("0x" + "AB" * 20, "ab" * 20, "0x" + "ab" * 19, None):
        with pytest.raises(InvalidInput):
            ids.parse_address(text)
    with pytest.raises(InvalidInput):
        ids.any_address("0X" + "ab" * 20)


def test_signatures() -> None:
    assert ids.parse_signature(ids.format_signature(b"\x01\xff")) == b"\x01\xff"
    assert ids.parse_signature("0x") == b""
    for text in ("0x1", "ab", "0xAB", None):
        with pytest.raises(InvalidInput):
            ids.parse_signature(text)
    with pytest.raises(TooLarge):
        ids.parse_signature("0x" + "00" * 4097)
