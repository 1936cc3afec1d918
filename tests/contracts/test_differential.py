"""The contracts and the Python model of their rules give the same answer to whatever is put to them.

Each seed is a ledger of its own and one random sequence of acts: sensible, spoiled, missigned, blind, copied, dirty.
Both sides must agree on whether an act is accepted, on the error and its arguments if not, on everything the event and
the journal say if so, and at the end on every view. A seed replays exactly, so its number is all it takes to see a
failure again: `pytest "tests/contracts/test_differential.py::test_both_sides_agree[7]"`. For more, raise SEEDS.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from random import Random

import pytest

from ledger.domain.acts import ACTS
from ledger.domain.refusals import REFUSALS
from ledger.domain.state import Key
from ledger.domain.values import Act
from tests.contracts.both_sides import ACCEPTED, Attempt, BothSides
from tests.contracts.cast import Cast
from tests.contracts.chain import anvil
from tests.contracts.drawing import DRAWS, Drawing
from tests.contracts.views import compare_views
from tests.contracts.world import World

SEEDS = range(1, 9)
LENGTH = 420  # acts of one seed
CLOSED_AT = 400  # where every other seed's ledger is closed
LEAST_ACCEPTED = 0.3
MOST_MISSED = 8  # refusals that chance may leave out; each has a test of its own elsewhere
STOPS = 4  # at which every key tries every act

UNREACHABLE = {
    "CourierGas",
    "CourierNotModule",
    "JournalNotModule",
    "JournalOpening",
    "DatasetsVersionId",  # of a view
    "SignedGas",
}


@dataclass
class Played:
    """What came of one sequence."""

    outcomes: Counter[str] = field(default_factory=Counter)  # name of the refusal, or accepted
    accepted: Counter[str] = field(default_factory=Counter)  # by act
    refused: Counter[str] = field(default_factory=Counter)  # by act
    views: int = 0

    def count(self, attempt: Attempt, said: str) -> None:
        self.outcomes[_name(said)] += 1
        (self.accepted if said == ACCEPTED else self.refused)[attempt.act.name] += 1

    @property
    def share(self) -> float:
        return self.accepted.total() / self.outcomes.total()


@contextmanager
def both_sides() -> Iterator[BothSides]:
    """A chain of its own for each seed, so that nothing else decides what comes of it."""
    with anvil() as chain:
        world = World.deploy(chain)
        world.populate()
        yield BothSides.read(world, Cast.gather(world))


@contextmanager
def telling_all(sides: BothSides, seed: int) -> Iterator[None]:
    """Whatever goes wrong is told with the seed and every act up to it."""
    try:
        yield
    except Exception as fault:
        acts = "\n".join(f"{number}: {line}" for number, line in enumerate(sides.log))
        raise AssertionError(f"seed {seed}, after act {len(sides.log) - 1}: {fault!r}\n{acts}") from fault


@cache
def play(seed: int) -> Played:
    """The whole sequence of a seed."""
    with both_sides() as sides, telling_all(sides, seed):
        drawing, played = Drawing(Random(seed), sides), Played()
        for number in range(LENGTH):
            attempt = drawing.next(closing=number == CLOSED_AT and seed % 2 == 0)
            played.count(attempt, sides.play(attempt))
        played.views = compare_views(sides)
        sides.world.check()
    return played


@pytest.mark.parametrize("seed", SEEDS)
def test_both_sides_agree(seed: int) -> None:
    played = play(seed)
    print(f"seed {seed}: {played.outcomes.total()} acts, {played.share:.0%} accepted, {played.views} views")
    print(dict(played.outcomes.most_common()))
    assert played.outcomes.total() == LENGTH
    assert played.share >= LEAST_ACCEPTED


def test_every_act_was_accepted_and_refused_and_nearly_every_refusal_given() -> None:
    """All seeds together leave next to nothing out."""
    every = [play(seed) for seed in SEEDS]
    accepted, refused, outcomes = (
        sum((getattr(one, name) for one in every), Counter[str]()) for name in ("accepted", "refused", "outcomes")
    )
    print(
        f"{outcomes.total()} acts, {accepted.total() / outcomes.total():.0%} accepted: {dict(outcomes.most_common())}"
    )
    assert outcomes.total() >= 3000
    assert set(accepted) == set(refused) == set(ACTS) - {"OpenLedger"}
    missed = set(REFUSALS) - set(outcomes) - UNREACHABLE
    assert len(missed) <= MOST_MISSED, missed


def test_every_key_tries_every_act() -> None:
    """A sequence stops now and then; each act that could be accepted is signed by every key there is in turn."""
    met: Counter[str] = Counter()
    with both_sides() as sides, telling_all(sides, seed=0):
        drawing = Drawing(Random(0), sides)
        for _ in range(STOPS):
            for _ in range(80):
                sides.play(drawing.next())
            for attempt in _by_every_key(drawing):
                met[_name(sides.judge(attempt))] += 1
    print(f"{met.total()} attempts: {dict(met.most_common())}")
    assert met.total() >= 1500
    assert met[ACCEPTED] >= 150


def _by_every_key(drawing: Drawing) -> Iterator[Attempt]:
    sides = drawing.sides
    pools = drawing.pools(sides.now + 1)
    for name in DRAWS:
        fields = drawing.sensible_fields(pools, name)
        for key in sides.state.all(Key) if fields else ():
            act = Act.make(name, **{**(fields or {}), "signer": key.address})
            yield Attempt(act, tuple(drawing.right_signatures(act, sides.digest(act))), pools.now, "by every key")


def _name(said: str) -> str:
    """Of what was said, without the arguments."""
    return said.split("(")[0].split(":")[0]
