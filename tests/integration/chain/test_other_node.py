"""Any Ethereum JSON-RPC can take the local chain's place: here a node that mines by itself, known by its address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import WrongChain
from tests.contracts.chain import ANVIL, free_port, running
from tests.harness.world import make_home, opened

CHAIN_ID = 4242


@pytest.fixture
def node(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    free = ["--gas-price", "0", "--block-base-fee-per-gas", "0"]
    command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(port), "--hardfork", "cancun", "--accounts", "1", *free]
    with running([*command, "--chain-id", str(CHAIN_ID)], port, tmp_path / "node-home"):
        yield f"http://127.0.0.1:{port}"


async def test_a_ledger_on_a_node_by_address(node: str, tmp_path: Path) -> None:
    home = await make_home(tmp_path / "home", rpc_urls=node)
    async with opened(home, rpc_urls=node) as world:
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
