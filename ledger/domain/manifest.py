"""Which ledger this is: what deployment wrote down and every start is checked against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.domain.acts import Module
from ledger.domain.values import Act
from ledger.errors import InvalidInput

FORMAT = "shareledger-manifest/1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`block` is the one the Journal was created in; following starts there. `code` maps contract → keccak256 of its
    runtime code with immutables filled in."""

    chain_id: int
    genesis: str  # hash of block 0
    block: int
    modules: Mapping[Module, str]  # addresses, 0x lower case
    courier: str  # the Courier contract
    opening: Act
    code: Mapping[str, str]

    @property
    def journal(self) -> str:
        return self.modules[Module.JOURNAL]

    def address(self, module: Module) -> str:
        return self.modules[module]

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "chain_id": self.chain_id,
            "genesis": self.genesis,
            "block": self.block,
            "modules": {str(name): address for name, address in self.modules.items()},
            "courier": self.courier,
            "opening": self.opening.to_json(),
            "code": dict(self.code),
        }

    @classmethod
    def from_json(cls, value: Any) -> "Manifest":
        """Raises InvalidInput for anything that is not a manifest of this format."""
        try:
            if value["format"] != FORMAT:
                raise InvalidInput(f"the manifest's format is {value['format']!r}, not {FORMAT!r}")
            return cls(
                chain_id=int(value["chain_id"]),
                genesis=str(value["genesis"]),
                block=int(value["block"]),
                modules={Module(name): str(address) for name, address in value["modules"].items()},
                courier=str(value["courier"]),
                opening=Act.from_json("OpenLedger", value["opening"]),
                code={str(name): str(digest) for name, digest in value["code"].items()},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"not a manifest: {error!r}") from None
