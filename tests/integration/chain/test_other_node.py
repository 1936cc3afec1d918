"""Any Ethereum JSON-RPC can take the local chain's place: here nodes that mine by themselves, known by address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.acts import ACTS, Level, Role
from ledger.domain.submissions import SubmissionState
from ledger.errors import WrongChain
from tests.harness.nodes import CHAIN_ID, KINDS, RealNode, real_node
from tests.harness.story import Story
from tests.harness.world import ROOT, make_home, opened

PILE = 330  # acts; more than four full transactions, which no block can hold together


@pytest.fixture(params=KINDS, scope="module")
def node(request: pytest.FixtureRequest) -> Iterator[RealNode]:
    """Each test deploys a ledger of its own on it."""
    with real_node(request.param) as made:
        yield made


async def test_a_ledger_on_a_node_by_address(node: RealNode, tmp_path: Path) -> None:
    home = await make_home(tmp_path / "home", rpc_urls=node.url)
    async with opened(home, rpc_urls=node.url) as world:
        assert world.runtime.local_chain is None
        assert world.runtime.manifest.chain_id == CHAIN_ID
        for number in range(3):
            await world.register(f"c{number}")
            await world.settle()
        checked = await world.recheck()
    assert len(checked.entries) == 4

    with pytest.raises(WrongChain, match="block 0"):  # the local chain of the same id is another chain
        async with opened(home, chain_id=CHAIN_ID):
            raise AssertionError("opened on another chain")


async def test_every_act_once(node: RealNode, tmp_path: Path) -> None:
    home = await make_home(tmp_path / "home", rpc_urls=node.url)
    async with opened(home, rpc_urls=node.url) as world:
        story = Story(world)
        await story.everything()
        await story.close()
        checked = await world.recheck()
    assert {act.act.name for act in story.told} == set(ACTS) - {"OpenLedger"}
    assert len(checked.entries) == 1 + len(story.told)


async def test_a_pile_of_acts(node: RealNode, tmp_path: Path) -> None:
    """Full transactions, several under way at once: a node that mines one at a time must not strand the others."""
    home = await make_home(tmp_path / "home", rpc_urls=node.url)
    async with opened(home, rpc_urls=node.url) as world:
        story = Story(world)
        acts = [
            await story.sign(
                "RegisterDepartment", f"{ROOT}/director", department=f"c{number}", parent=ROOT, level=Level.COUNTY,
                roles=Role.PROVIDER,
            )
            for number in range(PILE)
        ]  # fmt: skip
        await story.carry(*acts)
        checked = await world.recheck([act.digest for act in acts])
    assert {one.state for one in checked.submissions.values()} == {SubmissionState.FINAL}
    assert len(checked.entries) == 1 + PILE and 4 <= checked.transactions <= 8
