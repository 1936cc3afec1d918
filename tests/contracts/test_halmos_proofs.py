"""Proofs of the role, validity and append-only rules, of the bytes that are deployed."""

import pytest

from tests.contracts.tools.halmos import BUGS, proofs_of_nothing, prove, unnoticed
from tests.contracts.tools.workshop import committed, deploy

pytestmark = pytest.mark.timeout(1200)


def test_every_proof_holds() -> None:
    deploy(committed())
    found = prove()
    assert len(found) == 20
    assert not [name for name, held in found.items() if not held]


def test_every_proof_is_about_acts_that_can_be_accepted() -> None:
    assert not proofs_of_nothing()


def test_planted_bugs_break_their_proofs() -> None:
    assert not unnoticed(BUGS)
