"""`bench acts`: signed acts from the API call to the final entry, and replay, each beside a plain loop.

In one run, on one machine, one after the other:

1 the product: `shareledger up` on a fresh home with 64 departments; one act alone, again and again; then all acts in
  bulk, until the product says that none is under way. Acts are signed before; durability and projection are included;
2 a plain web3.py loop with the first of the same acts on the same ledger, set up anew on an anvil of its own;
3 a hand-written loop with the same acts in Courier transactions, on the product's own kind of local chain;
4 replay of the product's ledger from its logs, and the same with web3.py and an ORM.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from ledger.domain.acts import Role
from scripts._bench import by_hand, setting, web3_loop
from scripts._bench.cast import ROLES, Cast, Office
from scripts._bench.gas import gas_told
from scripts._bench.posting import Desk, Post
from scripts._bench.product import ROOT, Product, cpu_seconds, resident
from scripts._bench.replaying import replayed
from scripts._bench.writing import Signed

ACTS: Final = 20_000
DEPARTMENTS: Final = 64
A_POST: Final = 160  # acts in one POST
ALONE: Final = 60  # acts measured one by one
IN_THE_LOOP: Final = 1_500  # of the acts, for the plain loop's rate
SLOWEST_LOOP: Final = 100  # acts/s of the plain loop: below, no comparison with it is fair
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    acts: int
    departments: int
    alone: int
    in_the_loop: int


@dataclass
class Played:
    """What the product did, and what the others need to do the same."""

    setting: list[bytes]
    acts: list[Signed]
    found: dict[str, Any]


def measure(options: argparse.Namespace, tell: Tell) -> dict[str, Any]:
    """The figures, by name. Raises RuntimeError if an act is lost, or a loop fails or is too slow to compare with."""
    size = Size(options.acts, DEPARTMENTS, ALONE, IN_THE_LOOP)
    if options.quick:
        size = Size(min(options.acts, 600), 4, 5, 100)
    with tempfile.TemporaryDirectory(prefix="shareledger-bench-") as name:
        folder = Path(name)
        product = Product.found(folder)
        played = asyncio.run(_play(product, size, tell))
        found = played.found
        few = played.acts[: size.in_the_loop]
        found["loop_per_s"] = web3_loop.acts_per_second(product.manifest, played.setting, few)
        tell(f"web3.py, one act a transaction ({len(few)} of the acts): {found['loop_per_s']:.0f} acts/s")
        if found["loop_per_s"] < SLOWEST_LOOP and not options.quick:
            raise RuntimeError(f"under {SLOWEST_LOOP} acts/s that loop is no yardstick: the machine is busy, or worse")
        manifest, chain = product.manifest, folder / "chain by hand"
        by_itself = by_hand.carried(manifest, played.setting, played.acts, chain)
        found["handwritten_per_s"] = by_itself.per_second
        tell(f"presigned Courier transactions, no database: {by_itself.per_second:.0f} acts/s")
        tell(gas_told(by_itself.gas, played.acts))
        replay = replayed(product.settings, folder)
        found["replay_per_s"], found["replay_loop_per_s"] = replay.per_second, replay.loop_per_second
        told = f"replay of {replay.entries} entries: {replay.per_second:.0f}/s"
        tell(f"{told}; web3.py and ORM {replay.loop_per_second:.0f}/s")
    found["ratio_loop"] = found["acts_per_s"] / found["loop_per_s"]
    found["ratio_handwritten"] = found["acts_per_s"] / found["handwritten_per_s"]
    order = (
        "acts_per_s", "loop_per_s", "handwritten_per_s", "ratio_loop", "ratio_handwritten", "single_ms_median",
        "rss_mib_start", "rss_mib_end", "replay_per_s", "replay_loop_per_s",
    )  # fmt: skip
    return {name: round(found[name], 2) for name in order}


async def _play(product: Product, size: Size, tell: Tell) -> Played:
    with product.running() as process:
        async with Desk(product.address) as desk:
            cast = Cast.of(product.manifest, product.directors[0], size.departments)
            tokens, auditor = await _set_up(product, desk, cast)
            found: dict[str, Any] = {}
            before = await asyncio.to_thread(setting.transactions, product.settings.chain)
            alone = [cast.checkpoint(cast.offices[0]) for _ in range(size.alone)]
            took = [await desk.alone(Post.of(tokens[0], [one])) for one in alone]
            found["single_ms_median"] = statistics.median(took)
            tell(f"one act alone, POST to final: {found['single_ms_median']:.0f} ms (median of {len(took)})")

            by_office = [list(cast.acts(office, count)) for office, count in _shares(cast.offices, size.acts)]
            posts = [
                [Post.of(token, some) for some in _pieces(own)] for token, own in zip(tokens, by_office, strict=True)
            ]
            await _in_bulk(desk, process, posts, size.acts, auditor, found, tell)
            missing = {one.digest for own in by_office for one in own} - await desk.final_digests(auditor)
            if missing:
                raise RuntimeError(f"{len(missing)} acts that the product accepted are not final")
    return Played([*before, *_carrying(product, before, size.alone)], _in_turn(by_office), found)


async def _in_bulk(
    desk: Desk, process: psutil.Process, posts: Sequence[Sequence[Post]], acts: int, auditor: str,
    found: dict[str, Any], tell: Tell,
) -> None:  # fmt: skip
    idle, spent = resident(process), cpu_seconds(process)
    async with _watched(process) as memory:
        seconds = await desk.all_final(posts, auditor)
    end, spent_then = resident(process), cpu_seconds(process)
    warm = memory[len(memory) // 4] if memory else idle
    found["acts_per_s"] = acts / seconds
    found["rss_mib_start"], found["rss_mib_end"] = warm["product"], end["product"]
    tell(f"{acts} acts of {len(posts)} departments final in {seconds:.1f} s: {found['acts_per_s']:.0f} acts/s")
    for part, name in (("product", "the product's process"), ("chain", "its local chain (anvil, which keeps it all)")):
        micros = (spent_then[part] - spent[part]) / acts * 1e6
        held = f"{idle[part]:.0f} MiB idle, {warm[part]:.0f} after a quarter of the time, {end[part]:.0f} at the end"
        tell(f"  {name}: {micros:.0f} µs of processor an act; {held}")


@asynccontextmanager
async def _watched(process: psutil.Process) -> AsyncIterator[list[dict[str, float]]]:
    """Memory, each second until the block ends."""
    found: list[dict[str, float]] = []

    async def watch() -> None:
        while True:
            await asyncio.sleep(1)
            found.append(resident(process))

    watching = asyncio.create_task(watch())
    try:
        yield found
    finally:
        watching.cancel()


async def _set_up(product: Product, desk: Desk, cast: Cast) -> tuple[list[str], str]:
    """Everything that is there before an act is measured: departments, keys, datasets; an API key each, and one."""
    [root] = await product.api_keys([ROOT], Role.AUTHORITY)
    [auditor] = await product.api_keys([ROOT], Role.AUTHORITY | Role.AUDITOR)
    for some in _pieces(cast.enrolling()):
        await desk.post(Post.of(root, some), wait=True)
    tokens = await product.api_keys([office.code for office in cast.offices], ROLES)
    for token, one in zip(tokens, cast.submitting(), strict=True):
        await desk.post(Post.of(token, [one]))
    for some in _pieces(cast.publishing()):
        await desk.post(Post.of(root, some), wait=True)
    return tokens, auditor


def _carrying(product: Product, before: Sequence[bytes], count: int) -> list[bytes]:
    """The acts measured alone come before those in bulk, on every copy of the ledger: a transaction each."""
    return setting.transactions(product.settings.chain)[len(before) :][:count]


def _shares(offices: Sequence[Office], acts: int) -> Iterator[tuple[Office, int]]:
    """How many acts each department signs: equal shares, the rest to the first ones."""
    for place, office in enumerate(offices):
        yield office, (acts + len(offices) - 1 - place) // len(offices)


def _pieces(acts: Sequence[Signed]) -> Iterator[Sequence[Signed]]:
    return (acts[at : at + A_POST] for at in range(0, len(acts), A_POST))


def _in_turn(by_office: Sequence[Sequence[Signed]]) -> list[Signed]:
    """All acts, one of each department after the other, each department's in its order."""
    longest = max(map(len, by_office))
    return [own[place] for place in range(longest) for own in by_office if place < len(own)]
