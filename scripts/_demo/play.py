"""What the chapters share: the world, who is in it, and what was made so far."""

import json
from dataclasses import dataclass, field
from typing import Any

from ledger.cli.client import Client
from ledger.cli.signing import LedgerIdentity
from ledger.domain.manifest import Manifest
from scripts._demo.cast import Part
from scripts._demo.office import Office
from scripts._demo.own_keys import OwnKeys
from scripts._demo.own_node import OwnNode
from scripts._demo.result import Result
from scripts._demo.telling import Teller
from scripts._demo.world import World


@dataclass
class Play:
    world: World
    teller: Teller
    result: Result
    manifest: Manifest
    node: OwnNode
    offices: dict[str, Office] = field(default_factory=dict)
    own: OwnKeys | None = None
    made: dict[str, str] = field(default_factory=dict)  # name → digest or address of what was made

    @property
    def ledger(self) -> LedgerIdentity:
        return LedgerIdentity.from_json(self.manifest.to_json())

    def open_office(self, part: Part) -> Office:
        """Give the department an API key of its own, and a client that uses it."""
        office = Office(part, Client(self.world.address, self.world.issue_api_key(part), timeout=300.0))
        self.offices[part.code] = office
        return office

    def office(self, part: Part) -> Office:
        return self.offices[part.code]

    @property
    def own_keys(self) -> OwnKeys:
        assert self.own is not None
        return self.own

    def close(self) -> None:
        for office in self.offices.values():
            office.client.close()


def compact(value: Any) -> str:
    """JSON for a query parameter."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
