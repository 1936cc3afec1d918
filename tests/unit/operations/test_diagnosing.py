"""The doctor's judgement by figures, and words for everything it can say."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from ledger.cli import doctor_texts
from ledger.services import diagnosing
from ledger.services.diagnosing import CHECKS, Diagnosis, Verdict

PRODUCT = Path(diagnosing.__file__).parents[1]
SOURCES = (PRODUCT / "examining.py", PRODUCT / "examining_home.py", PRODUCT / "services" / "diagnosing.py")
CHINESE = re.compile("[\u4e00-\u9fff]")
GOOD, WARNING, FAILED = Verdict.GOOD, Verdict.WARNING, Verdict.FAILED
LINUX = {"python": "3.11.7", "system": "linux", "machine": "x86_64"}
ID = (1, "0xaa")


@pytest.mark.parametrize(
    ("told", "verdict", "case"),
    [
        (diagnosing.platform((3, 11), LINUX), GOOD, "good"),
        (diagnosing.platform((3, 13), {**LINUX, "machine": "aarch64"}), WARNING, "other"),
        (diagnosing.platform((3, 10), LINUX), FAILED, "python"),
        (diagnosing.lag(90, 100, 10, 50), GOOD, "good"),
        (diagnosing.lag(50, 100, 0, 51), WARNING, "behind"),
        (diagnosing.lag(50, 100, 0, 50), FAILED, "behind"),
        (diagnosing.lag(101, 100, 0, 50), FAILED, "node-behind"),
        (diagnosing.queue(0, 0, 60), GOOD, "empty"),
        (diagnosing.queue(3, 59, 60), GOOD, "moving"),
        (diagnosing.queue(3, 60, 60), FAILED, "stalled"),
        (diagnosing.lease("us", 3, serving=True), GOOD, "held"),
        (diagnosing.lease("us", -1, serving=True), FAILED, "nobody"),
        (diagnosing.lease(None, 0, serving=False), Verdict.NOT_APPLICABLE, "stopped"),
        (diagnosing.clock(-3, 0, True, 0.01, 15), GOOD, "good"),
        (diagnosing.clock(None, 0, None, None, 15), GOOD, "good"),
        (diagnosing.clock(15, 0, True, 0.01, 15), FAILED, "behind"),
        (diagnosing.clock(0, -5, True, 0.01, 15), FAILED, "jumping"),
        (diagnosing.clock(0, 0, False, 16, 15), WARNING, "unsynchronised"),
        (diagnosing.disk({"home": (999, 99_999)}, 100), GOOD, "good"),
        (diagnosing.disk({"home": (999, 99_999), "payloads": (399, None)}, 100), WARNING, "filling"),
        (diagnosing.disk({"home": (99, 99_999), "payloads": (999, None)}, 100), FAILED, "nearly-full"),
        (diagnosing.disk({"home": (999, 99_999), "payloads": (999, 3)}, 100), FAILED, "no-files"),
    ],
)
def test_figures(told: Diagnosis, verdict: Verdict, case: str) -> None:
    assert (told.verdict, told.case) == (verdict, case)
    for lang in ("en", "zh"):
        assert doctor_texts.means(lang, told.check, told.case, dict(told.facts))  # every fact it speaks of is there
        doctor_texts.remedy(lang, told.check, told.case, dict(told.facts))


@pytest.mark.parametrize(
    ("change", "cases"),
    [
        ({}, ["good", "good"]),
        ({"seconds": 1.0}, ["slow", "good"]),
        ({"error": "refused"}, ["silent", "needs-another"]),
        ({"expected": None}, ["unknown", "needs-another"]),
        ({"expected": (2, "0xaa")}, ["chain-id", "needs-another"]),
        ({"expected": (1, "0xbb")}, ["genesis", "needs-another"]),
        ({"code_error": "other code"}, ["good", "other-code"]),
    ],
)
def test_one_node(change: dict[str, Any], cases: list[str]) -> None:
    told = {"error": None, "seconds": 0.01, "identity": ID, "expected": ID, "block": 4, "code_error": None} | change
    found = diagnosing.node("http://one", **told)
    assert [one.case for one in found] == cases and {one.subject for one in found} == {"http://one"}
    for one in found:
        assert doctor_texts.means("en", one.check, one.case, dict(one.facts))


def cases_in_the_code() -> set[tuple[str, str]]:
    """(check, case) of every diagnosis that the product makes with both named."""
    found = set()
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text())):
            name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
            if name in ("good", "warning", "failed", "not_applicable"):
                assert isinstance(call, ast.Call)
                words = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args]
                check, case = words[0], words[1] if len(words) > 1 else "good"
                if isinstance(case, str):
                    found |= {(one, case) for one in (CHECKS if check is None else (str(check),))}
    return found


def test_every_case_has_words_and_every_word_a_case() -> None:
    made = cases_in_the_code()
    for check, case in made:
        assert check in CHECKS
        doctor_texts.case(check, case)
    written = {tuple(name.split(".")) for name in doctor_texts.CASES}
    assert written - made - {("settings", "broken")} == set()


def test_each_is_said_in_both_languages_and_what_is_wrong_has_a_remedy() -> None:
    for name, (means, remedy) in {**doctor_texts.CASES, **doctor_texts.EVERYWHERE}.items():
        for english, chinese in (means, remedy):
            assert bool(english) == bool(chinese) and not CHINESE.search(english), name
            assert english in ("", "{why}") or CHINESE.search(chinese) or "{" in chinese, name
            assert set(re.findall(r"{(\w+)", english)) <= set(re.findall(r"{(\w+)", chinese)) | {"path", "why"}, name
    assert doctor_texts.TITLES.keys() == set(CHECKS)
    assert doctor_texts.VERDICTS.keys() == {str(verdict) for verdict in Verdict}
    for path in SOURCES:
        for check, case in re.findall(r'(?:failed|warning)\("([a-z-]+)", "([a-z-]+)"', path.read_text()):
            assert doctor_texts.case(check, case)[1][0], f"{check}.{case} says nothing of what to do"
