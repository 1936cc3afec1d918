"""The settings of one node: config.toml and, in its data folder, whom it talks to."""

import json
from collections.abc import Sequence
from typing import Final

from scripts.besu.plan import BLOCK_GAS, LOGS_RANGE, METRICS, P2P, POOL_SHARE, POOL_SIZE, RPC, Places, Validator

DATA, CONFIG = "/var/lib/besu", "/etc/besu"  # on the machine, and in the container
Value = str | int | float | bool | list[str]
LOOPBACK: Final = "127.0.0.1"


def settings(validator: Validator, places: Places, accounts: Sequence[str]) -> dict[str, Value]:
    """`accounts` are those that may send transactions; without any, every account may."""
    inside = validator.host if places.subnet else LOOPBACK  # the private network of the containers, or nobody else
    return {
        # the chain
        "genesis-file": f"{CONFIG}/genesis.json",
        "data-path": DATA,
        "data-storage-format": "FOREST",  # every past state stays: an auditor may ask about any block
        "sync-mode": "FULL",
        "sync-min-peers": 1,
        # free gas
        "min-gas-price": 0,
        "tx-pool-min-gas-price": 0,
        "target-gas-limit": BLOCK_GAS,  # or validators would vote the limit of block 0 away
        # the pool: in the order sent, a courier's transactions in a row, kept over a restart
        "tx-pool": "sequenced",
        "tx-pool-max-size": POOL_SIZE,
        "tx-pool-limit-by-account-percentage": POOL_SHARE,
        "tx-pool-no-local-priority": True,
        "tx-pool-enable-save-restore": True,
        # the other validators, and nobody else
        "discovery-enabled": False,
        "p2p-host": validator.host,
        "p2p-interface": validator.host if places.subnet else "0.0.0.0",
        "p2p-port": P2P,
        "remote-connections-limit-enabled": False,
        "permissions-nodes-config-file-enabled": True,
        "permissions-accounts-config-file-enabled": bool(accounts),
        # JSON-RPC for the product; Besu keeps no accounts, so there is none to unlock
        "rpc-http-enabled": True,
        "rpc-http-host": inside,
        "rpc-http-port": RPC,
        "rpc-http-api": ["ETH", "NET", "WEB3"],
        "rpc-max-logs-range": LOGS_RANGE,
        "host-allowlist": ["localhost", LOOPBACK, *([validator.host] if places.subnet else [])],
        "rpc-ws-enabled": False,
        "graphql-http-enabled": False,
        "engine-rpc-enabled": False,
        # Prometheus
        "metrics-enabled": True,
        "metrics-host": inside,
        "metrics-port": METRICS,
        "logging": "INFO",
    }


def toml(values: dict[str, Value]) -> str:
    """Strings, numbers, booleans and lists of strings are written alike in JSON and TOML."""
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in values.items())


def permissions(validators: Sequence[Validator], accounts: Sequence[str]) -> str:
    """permissions_config.toml: who may connect and, if anyone is named, who may send."""
    allowed: dict[str, Value] = {"nodes-allowlist": [validator.enode for validator in validators]}
    if accounts:
        allowed["accounts-allowlist"] = list(accounts)
    return toml(allowed)


def static_nodes(validators: Sequence[Validator]) -> str:
    return json.dumps([validator.enode for validator in validators], indent=1) + "\n"
