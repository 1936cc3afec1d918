"""What slither finds in the sources is what contracts/slither.json explains, no more and no less."""

import pytest

from tests.contracts.tools.slither import differences, explained, findings
from tests.contracts.tools.workshop import sources


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return findings(sources())


def test_each_finding_is_explained(found: dict[str, str]) -> None:
    assert not differences(found, explained())


def test_a_new_one_and_one_that_is_gone_are_told(found: dict[str, str]) -> None:
    texts = sources()
    module = texts["src/Rulebook.sol"]
    assert module.count("        Codes.check(act.rule);\n") == 1
    open_ = module.replace("        Codes.check(act.rule);\n", "        require(tx.origin == act.signer);\n")
    said = differences(findings({**texts, "src/Rulebook.sol": open_}), explained())
    assert [line.split(":")[1] for line in said if line.startswith("new")] == [" tx-origin Rulebook.publishRule"]
    gone = next(iter(found))
    fewer = {name: sentence for name, sentence in found.items() if name != gone}
    assert differences(fewer, explained()) == [f"gone: {gone}: take it out of contracts/slither.json"]


def test_a_second_finding_in_one_place_is_new(found: dict[str, str]) -> None:
    assert differences({**found, "assembly Courier._bring #2": "again"}, explained()) == [
        "new: assembly Courier._bring #2: again"
    ]


def test_a_reason_must_be_given(found: dict[str, str]) -> None:
    name = next(iter(found))
    assert differences(found, {**explained(), name: " "}) == [f"no reason: {name}"]
