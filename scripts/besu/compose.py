"""Compose files: one for all validators on one machine, or one for each machine (Compose specification)."""

import os
from collections.abc import Sequence
from typing import Any

from scripts.besu.nodes import CONFIG, DATA, LOOPBACK
from scripts.besu.plan import METRICS, RPC, Places, Validator

Compose = dict[str, Any]


def together(validators: Sequence[Validator], places: Places, image: str) -> Compose:
    """All on one machine. JSON-RPC and metrics are published on its loopback only: 8545, 8546, … and 9545, 9546, …"""
    services = {}
    for place, validator in enumerate(validators):
        services[validator.name] = {
            **_service(validator, f"./{validator.name}", "./genesis.json", image, validator.host),
            "networks": {"validators": {"ipv4_address": validator.host}},
            "ports": [f"{LOOPBACK}:{first + place}:{first}" for first in (RPC, METRICS)],
        }
    subnet = {"driver": "bridge", "ipam": {"config": [{"subnet": str(places.subnet)}]}}
    return {"name": "shareledger-besu", "services": services, "networks": {"validators": subnet}}


def alone(validator: Validator, image: str) -> Compose:
    """On a machine of its own, in that machine's network: JSON-RPC and metrics listen on its loopback."""
    service = _service(validator, ".", "../genesis.json", image, LOOPBACK)
    return {"name": "shareledger-besu", "services": {validator.name: {**service, "network_mode": "host"}}}


def owner() -> tuple[int, int]:
    """User and group that the validators run as: those who generate the files, or the image's own in root's place."""
    return (os.getuid(), os.getgid()) if os.getuid() else (1000, 1000)


def _service(validator: Validator, folder: str, genesis: str, image: str, listens: str) -> Compose:
    return {
        "image": image,
        "user": ":".join(map(str, owner())),  # whose the key file is: nobody else can read it
        "command": [f"--config-file={CONFIG}/config.toml"],
        # the image sets 0.0.0.0 here, and the environment wins over config.toml
        "environment": {"BESU_RPC_HTTP_HOST": listens, "BESU_OPTS": "-Xmx2g"},
        "volumes": [
            f"{genesis}:{CONFIG}/genesis.json:ro",
            f"{folder}/config.toml:{CONFIG}/config.toml:ro",
            f"{folder}/data:{DATA}",
        ],
        "restart": "unless-stopped",
        "stop_grace_period": "1m",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "logging": {"driver": "json-file", "options": {"max-size": "50m", "max-file": "5"}},
    }
