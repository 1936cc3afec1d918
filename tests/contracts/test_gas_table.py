"""The gas table in contracts/README.md is what the contracts take."""

import pytest

from ledger.chain.packer import ACT_GAS
from tests.contracts.chain import ROOT
from tests.contracts.gas import Gas, measured, written


@pytest.fixture(scope="module")
def found() -> dict[str, Gas]:
    return measured()


def test_the_readme_is_fresh(found: dict[str, Gas]) -> None:
    text = (ROOT / "contracts" / "README.md").read_text(encoding="utf-8")
    assert text == written(text, found), "run scripts/gas_table"


def test_every_act_is_in_it_and_costs_less_where_it_is_carried(found: dict[str, Gas]) -> None:
    assert found.keys() == ACT_GAS.keys()
    assert all(gas.carried < gas.alone < ACT_GAS[name] for name, gas in found.items())
