"""The whole story, chapter by chapter, from founding the ledger to the auditor's last replay."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from ledger.chain.local.address import running_endpoint
from ledger.domain.acts import Level, Role
from ledger.runtime import read_manifest
from ledger.settings import Settings
from scripts._demo.auditing import end_and_audit
from scripts._demo.cast import ROOT
from scripts._demo.catalogue import publish
from scripts._demo.office import Unexpected
from scripts._demo.own_node import OwnNode
from scripts._demo.play import Play
from scripts._demo.quality import attest
from scripts._demo.refusing import refuse
from scripts._demo.result import Result
from scripts._demo.sharing import share
from scripts._demo.telling import Teller
from scripts._demo.tree import plant
from scripts._demo.world import World

CHAPTERS: Final[tuple[Callable[[Play], None], ...]] = (plant, publish, share, refuse, attest, end_and_audit)


def tell(world: World, teller: Teller, result: Result) -> None:
    """Play it all; `result` is filled on the way. Raises whatever went wrong."""
    started = time.monotonic()
    play = _found(world, teller, result)
    try:
        for chapter in CHAPTERS:
            chapter(play)
        verified = result.table and result.record and result.on_chain and result.detected
        if not verified or len(set(result.refusals)) != 3 or not result.tamper_findings:
            raise Unexpected(f"the story came to its end, but not everything held: {result.to_json()}")
        result.ok = True
    finally:
        result.seconds = time.monotonic() - started
        play.close()


def _found(world: World, teller: Teller, result: Result) -> Play:
    """Deploy the contracts of a new ledger, on a new local chain or the node given, and run the product on it."""
    roles = ",".join(role.name.lower() for role in Role if role.name and role in ROOT.roles)
    with teller.progress("部署合约", "deploying the contracts", None):
        world.cli(
            "chain", "deploy", "--root", ROOT.code, "--level", Level.CITY.name.lower(), "--roles", roles,
            "--passphrase-file", str(world.passphrase_file),
        )  # fmt: skip
        address = world.start()
    settings = Settings(home=world.home)
    manifest = read_manifest(settings)
    url = world.node or asyncio.run(running_endpoint(settings.chain))
    if url is None:
        raise Unexpected("the local chain is not running")
    where = f"a new ledger on the chain at {url}" if world.node else "a new ledger on a local chain of its own"
    teller.deed(f"新账本：链 {manifest.chain_id}，八个合约，服务地址 {address}", where, 0)
    return Play(world, teller, result, manifest, OwnNode(url, manifest))
