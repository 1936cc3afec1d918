"""Patterns of quality rules: they mean what Python's `re` means by them, and take time linear in the text."""

import re
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.patterns import MOST_POSITIONS, BadPattern, Pattern

GOOD = [
    "",
    "[0-9]{12}",
    "^[0-9]{6}(?:0{6}|[1-9][0-9]{5})$",
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?",
    "(男|女)",
    r"[^a\]-]+x?",
    r"[\[a]",
    "[]a]+|[^]b]",
    r"\u91d1安区?",
    r"[\x5b-\x5d]\x61?",
    r"a{0}b{2,}(c|d){1,3}",
    "((a|b)*c|)+d?",
    r".\.\\\n?",
    "(a?){3}",
    "|a",
]
TEXTS = [
    "", "a", "b", "ab", "bb", "bbb", "bbc", "bbcd", "bbcdc", "bbcdcd", "abc", "acd", "]", "]a", "-", "ax", "x", "aa", "aaa",
    "aaaa", "341502000000", "341502123456", "3415020000001", "34150200000", "２０２５-01-01", "2025-01-01T12:00:00.5",
    "2025-01-01T12:00", "男", "女", "男女", "金安区", "金安", "q.\\", "q.\\\n", "\n.\\", "𠀀.\\",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_it_means_what_re_means(text: str) -> None:
    mine, theirs = Pattern(text), re.compile(text)
    for sample in TEXTS:
        assert mine.matches(sample) == (theirs.fullmatch(sample) is not None), sample


def parts(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    times = st.sampled_from(["", "?", "*", "+", "{2}", "{0,2}", "{1,}", "{0}"])
    grouped = st.builds("({}){}".format, inner, times)
    return st.one_of(grouped, st.builds("{}|{}".format, inner, inner), st.builds("{}{}".format, grouped, grouped))


PATTERNS = st.recursive(st.sampled_from(["a", "b", "[ab]", "[^a]", ".", ""]), parts, max_leaves=6)


@given(PATTERNS, st.lists(st.text("abc", max_size=7), max_size=8))
def test_any_pattern_means_what_re_means(text: str, samples: list[str]) -> None:
    mine, theirs = Pattern(text), re.compile(text)
    for sample in samples:
        assert mine.matches(sample) == (theirs.fullmatch(sample) is not None), sample


@pytest.mark.parametrize(
    "text",
    [
        "(", ")", "a)", "(a", "[", "[a", "a**", "a+?", "a++", "a{2}{3}", "{2}", "*", "?a", "a^b", "a$b", "(?=a)", "(?i)a",
        "(?P<n>a)", r"\1", r"\b", r"\Z", r"\p{L}", "\\", "[z-a]", "a{3,1}", "a{", "a}", "]", "a{1001}",
        "((a{40}){40}){40}", "(" * 60 + ")" * 60, r"[\1]", "a{99999}", "[[]",
        "[a--b]", "[a&&b]",
    ],
)  # fmt: skip
def test_what_is_no_pattern_here(text: str) -> None:
    with pytest.raises(BadPattern):
        Pattern(text)


@pytest.mark.parametrize(
    "text", ["(a+)+$", "(a|a)*b", "(a|aa)+b", ".*.*.*.*b", "(a?){400}a{400}b", f"(.?){{{MOST_POSITIONS // 2}}}b"]
)
def test_no_pattern_takes_more_than_linear_time(text: str) -> None:
    """`re` would need longer than the universe lasts for most of these."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pattern = Pattern(text)
    started = time.process_time()
    assert not pattern.matches("a" * 20_000 + "c")
    assert time.process_time() - started < 10


def test_an_automaton_with_many_states_is_forgotten_and_made_again() -> None:
    pattern = Pattern("(a|b)*a(a|b){14}")  # 2^15 states, if all were kept
    text = "".join(format(number, "016b") for number in range(6000)).replace("0", "a").replace("1", "b")
    for end in range(len(text) - 8, len(text)):
        assert pattern.matches(text[:end]) == (text[end - 15] == "a")
