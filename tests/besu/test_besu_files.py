"""The files of a Besu QBFT network: each against its schema, all of them against each other, and what can be run, run.

Besu itself is not here to be run: the schemas know the names of its options and items, not what it makes of them.
"""

import ipaddress
import json
import os
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from keys.signer import address_of
from ledger.chain.packer import GAS_LIMIT
from ledger.services.carrying import MOST_OPEN, MOST_UNDER_WAY
from ledger.services.following import MOST_BLOCKS
from scripts.besu.__main__ import main
from scripts.besu.genesis import extra_data, validators_of
from tests.harness.nodes import real_node
from tests.harness.world import make_home, opened

REPOSITORY = Path(__file__).parents[2]
SCHEMAS = REPOSITORY / "scripts/besu/schemas"
HOSTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5")
COURIER = "0x" + "Ab" * 20


def generated(folder: Path, *options: str) -> Path:
    assert main(["--out", str(folder), *options]) == 0
    return folder


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generated(tmp_path_factory.mktemp("besu") / "together")


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ["--validators", "5", "--hosts", ",".join(HOSTS), "--accounts", COURIER, "--block-seconds", "2"]
    return generated(tmp_path_factory.mktemp("besu") / "apart", *options, "--chain-id", "777")


@pytest.fixture(params=["together", "apart"])
def network(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def validators_in(network: Path) -> list[Path]:
    return sorted(network.glob("validator-*"))


def settings_of(validator: Path) -> dict[str, Any]:
    return tomllib.loads((validator / "config.toml").read_text())


def enodes(validator: Path) -> list[str]:
    found: list[str] = json.loads((validator / "data/static-nodes.json").read_text())
    return found


# ---- each by itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["genesis", "compose", "config"])
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_every_file_keeps_its_schema(network: Path) -> None:
    jsonschema.validate(json.loads((network / "genesis.json").read_text()), schema("genesis"))
    composes = list(network.rglob("compose.yaml"))
    assert len(composes) in (1, 5)
    for compose in composes:
        jsonschema.validate(yaml.safe_load(compose.read_text()), schema("compose"))
    for validator in validators_in(network):
        jsonschema.validate(settings_of(validator), schema("config"))
        allowed = tomllib.loads((validator / "data/permissions_config.toml").read_text())
        assert allowed.keys() <= {"nodes-allowlist", "accounts-allowlist"}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("genesis", ("config", "cancunTime"), 1),
        ("genesis", ("config", "zeroBaseFee"), False),
        ("genesis", ("config", "clique"), {}),
        ("genesis", ("gasLimit",), "100"),
        ("compose", ("services", "validator-1", "ports"), ["8545:8545"]),
        ("compose", ("services", "validator-1", "ports"), ["0.0.0.0:8545:8545"]),
        ("compose", ("services", "validator-1", "image"), "hyperledger/besu:latest"),
        ("compose", ("services", "validator-1", "user"), "0:0"),
        ("compose", ("services", "validator-1", "privileged"), True),
        ("config", ("miner-enabled",), True),
        ("config", ("min-gas-price",), "0"),
        ("config", ("tx-pool-limit-by-account-percent",), 0.1),
    ],
)
def test_the_schemas_refuse(together: Path, name: str, path: Sequence[str], value: Any) -> None:
    content: Any = {
        "genesis": lambda: json.loads((together / "genesis.json").read_text()),
        "compose": lambda: yaml.safe_load((together / "compose.yaml").read_text()),
        "config": lambda: settings_of(together / "validator-1"),
    }[name]()
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(name))


# ---- against each other ----------------------------------------------------------------------------------------------


def test_block_0_names_the_validators_whose_keys_lie_in_the_folders(network: Path) -> None:
    genesis = json.loads((network / "genesis.json").read_text())
    keys = [bytes.fromhex((one / "data/key").read_text().strip()[2:]) for one in validators_in(network)]
    addresses = [address_of(key) for key in keys]
    assert validators_of(genesis["extraData"]) == sorted(addresses)
    assert [(one / "address").read_text().strip() for one in validators_in(network)] == addresses
    assert len({*addresses}) == len(validators_in(network)) >= 4


def test_block_0_lets_gas_be_free_and_our_transactions_in(network: Path) -> None:
    genesis = json.loads((network / "genesis.json").read_text())
    assert genesis["config"]["zeroBaseFee"] is True and int(genesis["baseFeePerGas"], 16) == 0
    assert int(genesis["gasLimit"], 16) >= MOST_UNDER_WAY * GAS_LIMIT
    assert "contractSizeLimit" not in genesis["config"], "our contracts keep the limit of EIP-170"
    for validator in validators_in(network):
        told = settings_of(validator)
        assert told["min-gas-price"] == told["tx-pool-min-gas-price"] == 0
        assert "tx-pool-price-bump" not in told, "Besu refuses it beside zeroBaseFee"
        assert told["target-gas-limit"] == int(genesis["gasLimit"], 16)


def test_one_sender_may_have_more_transactions_waiting_than_a_courier_sends(network: Path) -> None:
    for validator in validators_in(network):
        told = settings_of(validator)
        assert told["tx-pool"] == "sequenced", "that share is an option of the sequenced pool only"
        assert told["tx-pool-limit-by-account-percentage"] * told["tx-pool-max-size"] > 10 * MOST_OPEN
        assert told["rpc-max-logs-range"] >= MOST_BLOCKS


def test_the_validators_know_each_other_and_nobody_else(network: Path) -> None:
    for place, validator in enumerate(validators_in(network)):
        told, known = settings_of(validator), enodes(validator)
        key = bytes.fromhex((validator / "data/key").read_text().strip()[2:])
        public, _, address = known[place].removeprefix("enode://").partition("@")
        assert address == f"{told['p2p-host']}:{told['p2p-port']}"
        assert address_of(key) == (validator / "address").read_text().strip()
        assert len(bytes.fromhex(public)) == 64
        allowed = tomllib.loads((validator / "data/permissions_config.toml").read_text())
        assert allowed["nodes-allowlist"] == known and told["permissions-nodes-config-file-enabled"] is True
        assert told["discovery-enabled"] is False
        assert known == enodes(validators_in(network)[0])


def test_json_rpc_is_for_this_machine_only(network: Path) -> None:
    for validator in validators_in(network):
        told = settings_of(validator)
        for listens in (told["rpc-http-host"], told["metrics-host"]):
            address = ipaddress.ip_address(listens)
            assert address.is_loopback or (address.is_private and (network / "compose.yaml").exists())
        assert not {"ADMIN", "DEBUG", "PERM", "QBFT"} & {*told["rpc-http-api"]}
        assert told["host-allowlist"] and "*" not in told["host-allowlist"] and "all" not in told["host-allowlist"]
        assert not told["rpc-ws-enabled"] and not told["graphql-http-enabled"] and not told["engine-rpc-enabled"]
    for compose in network.rglob("compose.yaml"):
        for name, service in yaml.safe_load(compose.read_text())["services"].items():
            listens = settings_of(network / name)["rpc-http-host"]
            assert service["environment"]["BESU_RPC_HTTP_HOST"] == listens, "the image's own variable would win"


def test_what_compose_mounts_is_there_and_where_the_settings_look(network: Path) -> None:
    for compose in network.rglob("compose.yaml"):
        for name, service in yaml.safe_load(compose.read_text())["services"].items():
            told, inside = settings_of(network / name), {}
            for volume in service["volumes"]:
                outside, place = volume.split(":")[:2]
                assert (compose.parent / outside).exists()
                inside[place] = outside
            assert {told["genesis-file"], told["data-path"]} <= inside.keys()
            assert service["command"] == ["--config-file=/etc/besu/config.toml"] and "/etc/besu/config.toml" in inside


def test_addresses_lie_in_the_private_network(together: Path) -> None:
    compose = yaml.safe_load((together / "compose.yaml").read_text())
    (subnet,) = compose["networks"]["validators"]["ipam"]["config"]
    published = set()
    for name, service in compose["services"].items():
        address = service["networks"]["validators"]["ipv4_address"]
        assert ipaddress.ip_address(address) in ipaddress.ip_network(subnet["subnet"])
        assert address == settings_of(together / name)["p2p-host"]
        published |= {*service["ports"]}
    assert len(published) == 8 and {"127.0.0.1:8545:8545", "127.0.0.1:9548:9545"} <= published


def test_options_reach_the_files(apart: Path) -> None:
    genesis = json.loads((apart / "genesis.json").read_text())
    assert genesis["config"]["chainId"] == 777
    assert genesis["config"]["qbft"]["blockperiodseconds"] == 2
    assert [settings_of(one)["p2p-host"] for one in validators_in(apart)] == [*HOSTS]
    for validator in validators_in(apart):
        allowed = tomllib.loads((validator / "data/permissions_config.toml").read_text())
        assert allowed["accounts-allowlist"] == [COURIER.lower()]
        assert settings_of(validator)["permissions-accounts-config-file-enabled"] is True


# ---- secrets ---------------------------------------------------------------------------------------------------------


def test_keys_are_private_and_nowhere_else(network: Path) -> None:
    keys = [(one / "data/key").read_text().strip().removeprefix("0x") for one in validators_in(network)]
    assert len({*keys}) == len(keys)
    for validator in validators_in(network):
        assert stat.S_IMODE((validator / "data/key").stat().st_mode) == 0o600
        assert stat.S_IMODE((validator / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE(network.stat().st_mode) == 0o700
    for file in network.rglob("*"):
        if file.is_file() and file.name != "key":
            assert not any(key in file.read_text() for key in keys)


def test_no_key_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = generated(tmp_path / "network")
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert answer.keys() == {"out", "chain_id", "validators"} and told.err == ""
    for validator in validators_in(folder):
        assert (validator / "data/key").read_text().strip()[2:] not in told.out


def test_made_by_root_the_data_belong_to_the_images_own_user(together: Path) -> None:
    compose = yaml.safe_load((together / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        owner = (together / name / "data/key").stat()
        assert service["user"] == f"{owner.st_uid}:{owner.st_gid}"
        assert owner.st_uid == (os.getuid() or 1000)


# ---- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--validators", "3"], "4 validators"),
        (["--hosts", "192.0.2.1,192.0.2.2"], "as many hosts"),
        (["--hosts", "192.0.2.1,192.0.2.1,192.0.2.3,192.0.2.4"], "as many hosts"),
        (["--hosts", "a,b,c,d"], "IP address"),
        (["--subnet", "8.8.8.0/24"], "private"),
        (["--subnet", "10.0.0.0/29"], "room"),
        (["--subnet", "here"], "--subnet"),
        (["--chain-id", "0"], "chain id"),
        (["--block-seconds", "0"], "block period"),
        (["--accounts", "0x12"], "account"),
    ],
)
def test_options_that_make_no_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["--out", str(tmp_path / "network"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "network").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main(["--out", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_nothing_is_written_into_the_repository() -> None:
    kept = {path.name for path in (REPOSITORY / "scripts/besu").iterdir() if path.name != "__pycache__"}
    assert not {"genesis.json", "compose.yaml"} & kept and not any(name.startswith("validator") for name in kept)


# ---- what can be run -------------------------------------------------------------------------------------------------


def test_extra_data_is_besus_own_example() -> None:
    """The one in Besu's documentation ("Generate extra data"), whose list is in another order than the addresses'."""
    validators = [
        "0x4592c8e45706cc08b8f44b11e43cba0cfc5892cb",
        "0x06e23768a0f59cf365e18c2e0c89e151bcdedc70",
        "0xc5327f96ee02d7bcbc1bf1236b8c15148971e1de",
        "0xab5e7f4061c605820d3744227eed91ff8e2c8908",
    ]
    example = (
        "0xf87aa00000000000000000000000000000000000000000000000000000000000000000f854"
        "944592c8e45706cc08b8f44b11e43cba0cfc5892cb9406e23768a0f59cf365e18c2e0c89e151bcdedc70"
        "94c5327f96ee02d7bcbc1bf1236b8c15148971e1de94ab5e7f4061c605820d3744227eed91ff8e2c8908c080c0"
    )
    assert validators_of(example) == validators
    made = extra_data(validators)
    assert len(made) == len(example) and made[:76] == example[:76] and made[-6:] == example[-6:] == "c080c0"
    assert validators_of(made) == sorted(validators)


@pytest.mark.parametrize("extra", ["0x", "0xc0", "0x00", "0xc3010203", "zz"])
def test_other_extra_data(extra: str) -> None:
    with pytest.raises(ValueError):
        validators_of(extra)


async def test_another_client_starts_from_block_0_and_takes_a_ledger(together: Path, tmp_path: Path) -> None:
    """anvil reads the same genesis.json: chain id, forks, no balances, a block's gas. It knows nothing of QBFT."""
    genesis = json.loads((together / "genesis.json").read_text())
    chain_id = genesis["config"]["chainId"]
    with real_node("anvil", chain_id=chain_id, genesis=together / "genesis.json") as node:
        assert int(node("eth_chainId"), 16) == chain_id
        assert node("eth_getBlockByNumber", "0x0", False)["timestamp"] == genesis["timestamp"]
        home = await make_home(tmp_path / "home", rpc_urls=node.url)
        async with opened(home, rpc_urls=node.url) as world:
            await world.settle([await world.register("a")])
            assert world.runtime.manifest.chain_id == chain_id
            await world.recheck()
