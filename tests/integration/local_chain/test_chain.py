"""Starting, handing over the address, one driver per folder."""

import os
import signal
from pathlib import Path

import orjson
import pytest

from ledger.chain.local import LocalChain, find_anvil, running_endpoint
from ledger.chain.rpc import Rpc
from ledger.errors import Conflict, NotReady, Unavailable
from tests.integration.local_chain.world import endpoint, gone, start_child, until


async def test_a_second_driver_is_refused_and_told_who_the_first_is(chain: LocalChain) -> None:
    with pytest.raises(Conflict, match=f"driven by process {os.getpid()}"):
        async with LocalChain(chain.directory):
            raise AssertionError("it started")
    child = await start_child(chain.directory)
    assert await child.wait() == 1
    assert await running_endpoint(chain.directory) == chain.url


async def test_the_address_is_private_found_by_others_and_withdrawn(tmp_path: Path) -> None:
    assert await running_endpoint(tmp_path) is None
    async with LocalChain(tmp_path) as chain:
        assert await running_endpoint(tmp_path) == chain.url
        address = tmp_path / "rpc.json"
        assert orjson.loads(address.read_bytes()) == {"url": chain.url, "pid": os.getpid(), "chain_id": chain.chain_id}
        modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in os.listdir(tmp_path)}
        assert {"rpc.json", "chain.lock", "chain.sqlite3"} <= set(modes)
        assert set(modes.values()) == {0o600}
    assert await running_endpoint(tmp_path) is None
    assert sorted(os.listdir(tmp_path)) == ["chain.lock", "chain.sqlite3"]


async def test_the_address_of_a_killed_process_is_stale(tmp_path: Path) -> None:
    child = await start_child(tmp_path)
    url = await endpoint(tmp_path)
    async with Rpc(url) as rpc:
        assert await rpc.call("eth_blockNumber") == "0x0"
    anvil = int((tmp_path / "anvil.pid").read_text())
    child.kill()
    await child.wait()
    assert (tmp_path / "rpc.json").exists()
    assert await running_endpoint(tmp_path) is None
    await gone(anvil)
    async with LocalChain(tmp_path) as chain:
        assert await running_endpoint(tmp_path) == chain.url


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"url":"http://127.0.0.1:1","pid":1,"chain_id":1}'])
async def test_a_strange_address_file_is_no_address(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rpc.json").write_bytes(content)
    assert await running_endpoint(tmp_path) is None


async def test_interrupted_in_between_the_address_still_answers(chain: LocalChain, rpc: Rpc) -> None:
    victim = chain.anvil_pid
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    assert await running_endpoint(chain.directory) == chain.url
    await until(lambda: rpc.call("eth_blockNumber"), "anvil is back")
    assert chain.anvil_pid not in (None, victim)


async def test_a_clean_stop_ends_anvil(tmp_path: Path) -> None:
    async with LocalChain(tmp_path) as chain:
        anvil = chain.anvil_pid
        url = chain.url
    assert anvil is not None
    await gone(anvil)
    async with Rpc(url) as rpc:
        with pytest.raises(Unavailable):
            await rpc.call("eth_chainId")


async def test_a_taken_port_is_named(chain: LocalChain, tmp_path: Path) -> None:
    port = int(chain.url.rpartition(":")[2])
    with pytest.raises(Conflict, match=f"127.0.0.1:{port}"):
        async with LocalChain(tmp_path / "other", port=port):
            raise AssertionError("it started")


async def test_without_anvil_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANVIL_BIN", str(tmp_path / "anvil"))
    with pytest.raises(NotReady, match="anvil is needed") as refused:
        find_anvil()
    assert "ANVIL_BIN" in refused.value.next_step
    monkeypatch.delenv("ANVIL_BIN")
    assert find_anvil().name == "anvil"


@pytest.mark.parametrize("script", ["#!/bin/sh\necho no such flag; exit 3\n", "no program at all"])
async def test_an_anvil_that_does_not_start_is_reported(tmp_path: Path, script: str) -> None:
    fake = tmp_path / "anvil"
    fake.write_text(script)
    fake.chmod(0o755)
    with pytest.raises((NotReady, Unavailable), match=r"no such flag|cannot be started"):
        async with LocalChain(tmp_path / "home", anvil=fake):
            raise AssertionError("it started")
    async with LocalChain(tmp_path / "home") as chain:
        assert chain.url
