"""Checkpoints: roots over what the entries say, never over what somebody wrote into the database."""

import pytest
import sqlalchemy as sa

from keys.notes import NoteSigner, parse_note, verify_note
from ledger.domain.acts import Duty
from ledger.errors import Conflict, Corrupt, InvalidCode, Unavailable
from ledger.proofs.log import CheckpointBody, log_root, state_root
from ledger.services.checkpointing import make_checkpoint, sign_note
from tests.fakes.chain import CHAIN_ID, ROOT
from tests.harness.databases import kind  # noqa: F401 (both databases)
from tests.unit.services.world import World, caller


async def test_a_checkpoint_of_everything(world: World, share: str) -> None:
    draft = await make_checkpoint(world.ports, caller(ROOT), "main")
    assert draft.size == len(world.chain.told) and draft.root == log_root(world.chain.told)
    assert draft.state == state_root(world.chain.state)
    body = CheckpointBody.parse(draft.text.encode())
    assert (body.size, body.root) == (draft.size, draft.root)
    assert draft.origin == f"shareledger/{CHAIN_ID}/{world.chain.manifest.journal}"
    fields = {**draft.fields, "size": int(draft.fields["size"])}
    await world.act("PublishCheckpoint", ROOT, Duty.OFFICER, **fields)
    assert (await make_checkpoint(world.ports, caller(ROOT), "main")).size == draft.size + 1


async def test_its_note_is_signed(world: World, share: str) -> None:
    draft = await make_checkpoint(world.ports, caller(ROOT), "main")
    signer = NoteSigner(draft.origin, bytes(range(32)))
    note = parse_note(sign_note(draft, [signer]).encode())
    assert note.text == draft.text and len(verify_note(note, [signer.verifier()])) == 1


@pytest.mark.parametrize("statement", ["UPDATE entries SET time = 1 WHERE \"index\" = 4",
                                       "UPDATE entries SET digest = 'x' WHERE \"index\" = 4",
                                       "DELETE FROM entries WHERE \"index\" = 4"])  # fmt: skip
async def test_a_changed_entry_is_never_signed(world: World, share: str, statement: str) -> None:
    async with world.engine.begin() as connection:
        await connection.execute(sa.text(statement))
    with pytest.raises(Corrupt):
        await make_checkpoint(world.ports, caller(ROOT), "main")


async def test_a_changed_row_does_not_reach_the_state_root(world: World, share: str) -> None:
    async with world.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE shares SET until = 1"))
    assert (await make_checkpoint(world.ports, caller(ROOT), "main")).state == state_root(world.chain.state)


async def test_refusals(world: World, share: str) -> None:
    with pytest.raises(InvalidCode):
        await make_checkpoint(world.ports, caller(ROOT), "no such code")
    world.chain.do("PublishCheckpoint", ROOT, Duty.OFFICER, log="far", size=10_000, root="1" * 64)
    await world.follow()
    with pytest.raises(Conflict):
        await make_checkpoint(world.ports, caller(ROOT), "far")
    world.chain.forgets = True
    with pytest.raises(Unavailable):
        await make_checkpoint(world.ports, caller(ROOT), "main")
