"""The quick ways of telling canonical documents and deep JSON give the answers of the thorough ones."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import documents
from ledger.domain.keccak import keccak256
from ledger.domain.nesting import nests_deeper
from ledger.errors import InvalidDocument

LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8) | st.floats(allow_nan=False)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@given(TREES)
def test_what_is_plainly_canonical_is_canonical(value: Any) -> None:
    for body in (_canonical(value), json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")):
        known = documents._plainly_canonical(body)
        if known is not None:
            assert rfc8785.dumps(known) == body


def _canonical(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return b"{}"


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":1}', b'{"a": 1}', b'{"b":1,"a":1}', b'{"a":1.5}', b'{"a":1e2}', b'{"a":9007199254740993}',
             '{"é":1}'.encode(), b"\xef\xbb\xbf{}", b'{"a":"\\u0041"}', b"[" * 40 + b"]" * 40]
)  # fmt: skip
def test_what_takes_a_closer_look(body: bytes) -> None:
    assert documents._plainly_canonical(body) is None


def test_control_characters_are_written_alike() -> None:
    value = {"text": "".join(map(chr, range(0x90)))}
    body = rfc8785.dumps(value)
    assert documents._plainly_canonical(body) == value


@given(st.text(alphabet='[]{}"\\ a', max_size=40), st.integers(1, 5))
def test_depth_is_counted_alike(text: str, most: int) -> None:
    deeper, read = _deeper(text, most)
    if deeper or read == len(text):
        assert nests_deeper(text, most) == deeper


def _deeper(text: str, most: int) -> tuple[bool, int]:
    """Letter by letter; and how far a parser reads, which a backslash outside a string ends."""
    depth, quoted, escaped = 0, False, False
    for place, letter in enumerate(text):
        if quoted:
            quoted, escaped = escaped or letter != '"', letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter == "\\":
            return False, place
        elif letter in "[{":
            depth += 1
            if depth > most:
                return True, place
        elif letter in "]}":
            depth -= 1
    return False, len(text)


def test_keccak_of_any_length_and_in_any_thread() -> None:
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == empty
    once = keccak256(bytes(200_000))
    assert keccak256(b"").hex() == empty and keccak256(bytes(200_000)) == once


def test_a_document_that_is_not_canonical_is_refused_with_its_reason() -> None:
    with pytest.raises(InvalidDocument, match="twice"):
        documents.Document.parse(b'{"kind":"closing","kind":"closing"}')
