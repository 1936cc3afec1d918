"""`shareledger chain`: the chain under this home's ledger."""

from typing import Any

from ledger.cli.command import command, noun
from ledger.cli.founding import found_ledger, root_options
from ledger.cli.home import finish, open_home
from ledger.cli.options import PASSPHRASE, PIN
from ledger.cli.output import Answer
from ledger.cli.run import Run

app = noun("The chain 链: status, deploy, courier.")


@command(app, "status")
def status(run: Run) -> Answer:
    """Is it the chain of the manifest, and how far is it? Exit code 2 if it is another one."""

    async def work() -> dict[str, Any]:
        from ledger.chain.deployment import chain_identity, check
        from ledger.chain.node import RpcNode
        from ledger.runtime import open_chain, read_manifest

        settings = open_home()
        manifest = read_manifest(settings)
        async with open_chain(settings) as rpc:
            chain_id, genesis = await chain_identity(rpc)
            await check(rpc, manifest)
            node = RpcNode(rpc, manifest)
            block = await node.latest()
            size, head = await node.head(block) or (0, None)
        return {
            "chain_id": chain_id,
            "genesis": genesis,
            "journal": manifest.journal,
            "code": "as deployed",
            "block": block.number,
            "block_hash": block.hash,
            "entries": size,
            "head": head,
        }

    return Answer(finish(work()))


@command(app, "deploy", *root_options(required=True), *PASSPHRASE, *PIN)
def deploy(run: Run) -> Answer:
    """Found a new ledger in this home: keys, contracts, manifest, database. Once per home."""
    settings = open_home()
    founded = finish(found_ledger(run, settings))
    return Answer(
        {
            "home": str(settings.home),
            "manifest": str(settings.manifest_file),
            "chain_id": founded.manifest.chain_id,
            "journal": founded.manifest.journal,
            "directors": list(founded.directors),
            "courier": founded.courier,
        }
    )


@command(app, "courier", *PASSPHRASE, *PIN)
def courier(run: Run) -> Answer:
    """Make another key for the courier, in the PKCS#11 token if one is set, and carry with it from the next start on.

    The server must be stopped, and nothing of the old courier under way.
    """
    from ledger.courier_change import change_courier

    change = finish(change_courier(open_home(), run.passphrase(), run.pin()))
    return Answer({"before": change.before, "after": change.after})
