"""A fuzzer calls every act with every kind of key on objects of every stage, and a model says what each must do."""

import pytest

from tests.contracts.tools.forge import BUGS, RUNS, attack, shortcomings, table, unnoticed
from tests.contracts.tools.workshop import committed, deploy

pytestmark = pytest.mark.timeout(1200)


def test_the_contracts_do_what_the_model_allows_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    deploy(committed())
    held, said, calls = attack(RUNS)
    with capsys.disabled():
        print("\n" + table(calls))
    assert held, said
    assert not shortcomings(calls)


def test_planted_bugs_are_noticed() -> None:
    assert not unnoticed(BUGS)
