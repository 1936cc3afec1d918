"""What a network is made of: its figures, and its validators with their places."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keys.signer import address_of_public_key
from ledger.chain.packer import GAS_LIMIT
from ledger.services.carrying import MOST_OPEN, MOST_UNDER_WAY
from ledger.services.following import MOST_BLOCKS

BESU: Final = "26.3.0"  # every option and genesis item here is one of this version's
IMAGE: Final = f"hyperledger/besu:{BESU}"
FEWEST: Final = 4  # n validators bear (n - 1) // 3 that fail: fewer than four bear none

BLOCK_GAS: Final = 8 * GAS_LIMIT  # twice the transactions one courier has under way, so two couriers fill a block
POOL_SIZE: Final = 4096
POOL_SHARE: Final = 0.15  # of the pool for one sender; the default, 0.1 %, is five transactions
LOGS_RANGE: Final = 10_000  # blocks in one eth_getLogs; the follower asks for up to MOST_BLOCKS

P2P, RPC, METRICS = 30303, 8545, 9545
assert LOGS_RANGE >= MOST_BLOCKS and POOL_SIZE * POOL_SHARE > 10 * MOST_OPEN and BLOCK_GAS >= MOST_UNDER_WAY * GAS_LIMIT


class CannotPlan(Exception):
    """These options make no network."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What all nodes must agree on. Times are in seconds."""

    chain_id: int
    block_seconds: int
    timestamp: int  # of block 0, unix

    def __post_init__(self) -> None:
        if not 0 < self.chain_id < 2**53:
            raise CannotPlan("a chain id is a whole number from 1 on that JSON can carry")
        if not 1 <= self.block_seconds <= 60:
            raise CannotPlan("a block period is 1 to 60 seconds")


@dataclass(frozen=True, slots=True)
class Validator:
    """`host` is the address at which the others reach it, `public_key` x ‖ y, 64 bytes."""

    name: str
    host: str
    public_key: bytes

    @property
    def address(self) -> str:
        return address_of_public_key(self.public_key)

    @property
    def enode(self) -> str:
        return f"enode://{self.public_key.hex()}@{self.host}:{P2P}"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the validators run: each on a machine of its own, or all on one, in a private network of containers."""

    hosts: tuple[str, ...]
    subnet: ipaddress.IPv4Network | None  # None: machines of their own

    @classmethod
    def of(cls, validators: int, hosts: tuple[str, ...], subnet: str) -> "Places":
        """Raises CannotPlan."""
        if validators < FEWEST:
            raise CannotPlan(f"QBFT bears a failing validator only from {FEWEST} validators on")
        if hosts:
            if len(hosts) != validators or len({*hosts}) != validators:
                raise CannotPlan(f"{validators} validators want as many hosts, each another")
            for host in hosts:
                _ip(host)
            return cls(hosts, None)
        try:
            network = ipaddress.IPv4Network(subnet)
        except ValueError as error:
            raise CannotPlan(f"--subnet: {error}") from None
        if not network.is_private or network.num_addresses < validators + 16:
            raise CannotPlan("--subnet wants a private network with room for every validator")
        return cls(tuple(str(network[11 + place]) for place in range(validators)), network)


def _ip(host: str) -> None:
    """An enode names an IP address; names want an early-access option of Besu."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise CannotPlan(f"{host} is not an IP address") from None


def folder_of(directory: Path, validator: Validator) -> Path:
    return directory / validator.name
