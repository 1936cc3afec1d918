"""Start-up: the right chain, the right code, the right database, or a refusal that says what to do."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ledger.chain.artifacts import artifact
from ledger.chain.deployment import check
from ledger.chain.rpc import Rpc
from ledger.domain.acts import Module
from ledger.domain.manifest import Manifest
from ledger.errors import NotReady, WrongChain, WrongSchema
from ledger.founding import found
from ledger.runtime import open_chain, open_runtime, read_manifest
from ledger.settings import Settings
from ledger.store.engine import open_engine
from tests.harness.world import copy_home, make_home, opened, source_of

Answer = Callable[[dict[str, Any], Any], Any]


class Between(httpx.AsyncBaseTransport):
    """Stands between us and the node, and changes its answers."""

    def __init__(self, change: Answer) -> None:
        self._change = change
        self._node = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._node.handle_async_request(request)
        asked, answers = orjson.loads(request.content), orjson.loads(await response.aread())
        await response.aclose()
        if isinstance(asked, list):
            by_id = {each["id"]: each for each in asked}
            for answer in answers:
                answer["result"] = self._change(by_id[answer["id"]], answer["result"])
        else:
            answers["result"] = self._change(asked, answers["result"])
        return httpx.Response(200, content=orjson.dumps(answers))

    async def aclose(self) -> None:
        await self._node.aclose()


async def checked(home: Path, change: Answer | None = None, manifest: Manifest | None = None) -> None:
    settings = Settings.load(home=home)
    async with open_chain(settings) as rpc, Rpc(*rpc.urls, transport=Between(change) if change else None) as seen:
        await check(seen, manifest or read_manifest(settings))


async def refused(what: Awaitable[None]) -> WrongChain:
    with pytest.raises(WrongChain) as raised:
        await what
    assert raised.value.next_step
    return raised.value


async def test_the_ledger_that_was_deployed_is_accepted(home: Path) -> None:
    await checked(home)


async def test_another_chain_id(home: Path) -> None:
    error = await refused(checked(home, manifest=replace(manifest_of(home), chain_id=1)))
    assert "chain id" in error.detail


async def test_another_genesis(home: Path) -> None:
    error = await refused(checked(home, manifest=replace(manifest_of(home), genesis="0x" + "11" * 32)))
    assert "block 0" in error.detail


@pytest.mark.parametrize("name", ["Journal", "Datasets", "Courier"])
async def test_other_code_at_an_address(home: Path, name: str) -> None:
    error = await refused(checked(home, change=coded(home, name, lambda code: b"\xfe" + code[1:])))
    assert error.facts["contract"] == name


async def test_other_immutables_in_the_same_code(home: Path) -> None:
    (place, *_) = artifact("Datasets")["immutableReferences"]["JOURNAL"]
    at = place["start"] + 31

    def change(code: bytes) -> bytes:
        return code[:at] + bytes([code[at] ^ 1]) + code[at + 1 :]

    error = await refused(checked(home, change=coded(home, "Datasets", change)))
    assert error.facts["contract"] == "Datasets"


async def test_no_code_at_an_address(home: Path) -> None:
    error = await refused(checked(home, change=coded(home, "Rulebook", lambda code: b"")))
    assert "no code" in error.detail


async def test_a_manifest_of_other_contracts(home: Path) -> None:
    manifest = manifest_of(home)
    code = {**manifest.code, "Datasets": "0x" + "22" * 32}
    error = await refused(checked(home, manifest=replace(manifest, code=code)))
    assert "version" in error.next_step


async def test_a_manifest_with_another_address(home: Path) -> None:
    manifest = manifest_of(home)
    modules = {**manifest.modules, Module.DATASETS: "0x" + "33" * 20}
    await refused(checked(home, manifest=replace(manifest, modules=modules)))
    await refused(checked(home, manifest=replace(manifest, courier="0x" + "33" * 20)))


async def test_a_manifest_with_another_opening(home: Path) -> None:
    manifest = manifest_of(home)
    await refused(checked(home, manifest=replace(manifest, opening=manifest.opening.replace(department="elsewhere"))))


async def test_a_database_of_another_ledger(home: Path, tmp_path: Path) -> None:
    other = await make_home(tmp_path / "other")
    for each in (home, other):
        async with opened(each):
            pass
    for file in (home / "store").iterdir():
        file.unlink()
    for file in (other / "store").iterdir():
        (home / "store" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(WrongChain) as raised:
        async with open_runtime(Settings.load(home=home), source_of(home)):
            raise AssertionError("it opened")
    assert "database" in raised.value.detail and raised.value.next_step


async def test_a_chain_whose_followed_block_is_another(home: Path, tmp_path: Path) -> None:
    """Two copies of a ledger that went on apart, and the database of the one with the chain of the other."""
    apart = copy_home(home, tmp_path / "apart")
    for each, code in ((home, "a"), (apart, "b")):
        async with opened(each) as world:
            await world.settle([await world.register(code)])
    for file in (home / "store").iterdir():
        file.unlink()
    for file in (apart / "store").iterdir():
        (home / "store" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(WrongChain) as raised:
        async with open_runtime(Settings.load(home=home), source_of(home)):
            raise AssertionError("it opened")
    assert "was final" in raised.value.detail and raised.value.next_step


async def test_a_home_without_a_schema(home: Path) -> None:
    for file in (home / "store").iterdir():
        file.unlink()
    with pytest.raises(WrongSchema) as raised:
        async with open_runtime(Settings.load(home=home), source_of(home)):
            raise AssertionError("it opened")
    assert "migrate" in raised.value.next_step


async def test_a_home_of_an_older_or_newer_schema(home: Path) -> None:
    engine = open_engine(Settings.load(home=home).database)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await engine.dispose()
    with pytest.raises(WrongSchema):
        async with open_runtime(Settings.load(home=home), source_of(home)):
            raise AssertionError("it opened")


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"format": "shareledger-manifest/2"}', '{"format": "shareledger-manifest/1"}']
)
def test_a_damaged_manifest(home: Path, damage: str) -> None:
    (home / "manifest.json").write_text(damage)
    with pytest.raises(NotReady) as raised:
        read_manifest(Settings.load(home=home))
    assert raised.value.next_step


async def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(NotReady):
        async with open_runtime(Settings.load(home=tmp_path / "nothing")):
            raise AssertionError("it opened")


async def test_a_founding_that_was_cut_short_can_be_done_again(tmp_path: Path) -> None:
    """Everything but the manifest is there."""
    home = await make_home(tmp_path / "home")
    before = json.loads((home / "manifest.json").read_text())
    (home / "manifest.json").unlink()
    settings = Settings.load(home=home)
    made = await found(settings, source_of(home), code="341500", level=2)  # type: ignore[arg-type]
    assert made.manifest.journal != before["modules"]["Journal"]
    async with opened(home) as world:
        await world.settle([await world.register("a")])
        await world.recheck()


def manifest_of(home: Path) -> Manifest:
    return read_manifest(Settings.load(home=home))


def coded(home: Path, name: str, change: Callable[[bytes], bytes]) -> Answer:
    """Changes the code the node shows for one contract."""
    manifest = manifest_of(home)
    addresses = {str(module): address for module, address in manifest.modules.items()} | {"Courier": manifest.courier}

    def answer(asked: dict[str, Any], result: Any) -> Any:
        if asked["method"] == "eth_getCode" and asked["params"][0] == addresses[name]:
            return "0x" + change(bytes.fromhex(result[2:])).hex()
        return result

    return answer
