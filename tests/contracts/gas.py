"""What each act costs in gas, measured on a chain: alone in a transaction, and as one more act of a Courier's batch.

Nothing in it depends on time: digests, signatures and code follow from names, so the same contracts give the same
figures.
"""

from dataclasses import dataclass

from ledger.chain.packer import ACT_GAS
from tests.contracts.chain import anvil
from tests.contracts.courier import call_of
from tests.contracts.signing import SignedAct, code
from tests.contracts.story import story
from tests.contracts.world import World

BEGIN, END = "<!-- gas: begin -->", "<!-- gas: end -->"
BESIDE = 4  # acts that lie before the measured one in its batch


@dataclass(frozen=True)
class Gas:
    alone: int
    carried: int


def measured() -> dict[str, Gas]:
    """Of each act, the most that it took in a story in which every act is told once or more."""
    most: dict[str, Gas] = {}
    with anvil() as chain:
        world = World.deploy(chain)
        world.populate()
        for signed in story(world):
            found = Gas(_alone(world, signed), _carried(world, signed))
            known = most.get(signed.act.name, Gas(0, 0))
            most[signed.act.name] = Gas(max(found.alone, known.alone), max(found.carried, known.carried))
    return most


def _alone(world: World, signed: SignedAct) -> int:
    return _used(world, signed.module, signed.calldata)


def _carried(world: World, signed: SignedAct) -> int:
    """A batch with the act at its end, less the same batch without it."""
    others = [world.sign("PublishCheckpoint", "TOWN.officer", log=code(f"beside/{i}")) for i in range(BESIDE)]
    batch = [(act.module, act.calldata) for act in others]
    courier = world.modules["Courier"]
    whole = _used(world, courier, call_of([*batch, (signed.module, signed.calldata)]))
    return whole - _used(world, courier, call_of(batch))


def _used(world: World, to: str, calldata: bytes) -> int:
    """Gas of a transaction that is taken back again."""
    snapshot = world.chain("evm_snapshot")
    receipt = world.chain.send(to, calldata)
    assert world.chain("evm_revert", snapshot)
    return int(receipt["gasUsed"], 16)


def table(found: dict[str, Gas]) -> str:
    rows = ["| Act | alone | in a batch | packed as |", "| --- | ---: | ---: | ---: |"]
    rows += [f"| {name} | {gas.alone:,} | {gas.carried:,} | {ACT_GAS[name]:,} |" for name, gas in found.items()]
    return "\n".join(rows)


def written(readme: str, found: dict[str, Gas]) -> str:
    """The README with the table between its markers."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(found)}\n{END}{after}"
