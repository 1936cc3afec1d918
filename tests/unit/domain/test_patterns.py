"""Patterns of quality rules: they match whole texts, and no pattern takes more than linear time."""

import re
import time

import pytest

from ledger.domain.patterns import LONGEST, BadPattern, Pattern

GOOD = [
    "",
    "[0-9]{12}",
    "^[0-9]{6}(?:0{6}|[1-9][0-9]{5})$",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?",
    "(男|女)",
    r"[^a\]-]+x?",
    "a{0}b{2,}(c|d){1,3}",
    "((a|b)*c|)+d?",
    "金安区?",
    "|a",
]
TEXTS = [
    "", "a", "b", "ab", "bb", "bbb", "bbc", "bbcd", "bbcdc", "abc", "acd", "]", "-", "ax", "x", "aaaa",
    "341502000000", "341502123456", "3415020000001", "34150200000", "2025-01-01T12:00", "2025-01-01",
    "男", "女", "男女", "金安区", "金安", "𠀀",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_common_syntax_means_what_it_means_elsewhere(text: str) -> None:
    ours, oracle = Pattern(text), re.compile(text)
    for sample in TEXTS:
        assert ours.matches(sample) == (oracle.fullmatch(sample) is not None), sample


@pytest.mark.parametrize(
    "text",
    [
        "(",
        "a)",
        "[",
        "a**b",
        "(?=a)",
        "(?<!a)b",
        r"(a)\1",
        "a{3,1}",
        "a{2000}",
        "((a{40}){40}){40}",
        "a" * LONGEST + "a",
    ],
)
def test_what_is_no_pattern_here(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadPattern):
        Pattern(text)
    assert capfd.readouterr().err == "", "a bad pattern leaves no line in the log"


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", "(a|aa)+b", ".*.*.*.*b", "(a?){400}a{400}b"])
def test_no_pattern_takes_more_than_linear_time(text: str) -> None:
    """`re` would need longer than the universe lasts for most of these."""
    pattern = Pattern(text)
    started = time.process_time()
    assert not pattern.matches("a" * 20_000 + "c")
    assert time.process_time() - started < 5


def test_a_text_that_is_none_matches_nothing() -> None:
    """A file's undecodable bytes, or an escape of JSON that names half a character."""
    assert not Pattern(".*").matches("\udcff") and not Pattern("(?s).*").matches("a" * 300 + "\ud800")


def test_long_texts_are_not_kept() -> None:
    pattern = Pattern("a*")
    assert pattern.matches("a" * 100_000)
    assert pattern._short.cache_info().currsize == 0
