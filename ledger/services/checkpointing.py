"""Checkpoints of the ledger's own log: the root over every entry's bytes, and over what is in force after the last.

A changed row must not be signed into a root that witnesses then vouch for. So nothing but the entries is taken from the
read model: their digests, heads and the state after them are computed anew, and the head must be the node's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.domain.apply import follow
from ledger.domain.callers import Caller
from ledger.domain.identifiers import parse_code
from ledger.domain.state import Checkpoint, State
from ledger.errors import Conflict, Corrupt, InvalidInput, NotReady, Unavailable
from ledger.fingerprint.merkle import Accumulator
from ledger.ports import NoteSigner, Ports, UnitOfWork
from ledger.proofs.head import first_head, head_after
from ledger.proofs.log import CheckpointBody, entry_leaf, log_origin, state_root
from ledger.proofs.typed_data import act_digest

PAGE = 1000


@dataclass(frozen=True, slots=True)
class CheckpointDraft:
    """`fields` are PublishCheckpoint's, in JSON form; `text` is what a note key signs (C2SP tlog-checkpoint)."""

    log: str
    origin: str
    size: int
    root: str
    state: str
    text: str
    fields: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "log": self.log,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "state": self.state,
            "text": self.text,
            "act_fields": dict(self.fields),
        }


async def make_checkpoint(ports: Ports, caller: Caller, log: str) -> CheckpointDraft:
    """The checkpoint of all final entries, for the caller's department to publish in its log of that code.

    Raises InvalidCode; NotReady before entry 0; Conflict if nothing was added since the last one; Corrupt if the read
    model does not lead to the node's head; Unavailable.
    """
    parse_code(log)
    async with ports.store.read() as work:
        cursor = await work.cursor()
        if cursor is None:
            raise NotReady("the ledger has no entry yet", remedy="Wait until the follower has read the first block.")
        last = (await work.load([(Checkpoint, (caller.department, log))])).get(Checkpoint, caller.department, log)
        if last is not None and last.size >= cursor.size:
            raise Conflict(f"the last checkpoint of {log} has {last.size} entries already; there are no more")
        root, state = await _rebuilt(ports, work)
    claim, ledger = await ports.node.head(cursor.block), state.ledger
    if claim is None:
        raise Unavailable(f"the node does not keep the ledger's state at block {cursor.block.number}")
    if ledger is None or (ledger.size, ledger.head) != claim:
        raise Corrupt(
            "the read model's entries do not lead to the node's head: no checkpoint is made of them",
            remedy="Run `shareledger audit replay`; it names what was changed. Then rebuild the read model.",
        )
    in_force = state_root(state)
    body = CheckpointBody(log_origin(ports.manifest.chain_id, ports.manifest.journal), ledger.size, root)
    fields = {"log": log, "size": str(ledger.size), "root": root, "state": in_force}
    return CheckpointDraft(log, body.origin, ledger.size, root, in_force, body.to_bytes().decode(), fields)


def sign_note(draft: CheckpointDraft, signers: Sequence[NoteSigner]) -> str:
    """The checkpoint as a C2SP signed note, a line for each signer."""
    return draft.text + "\n" + "".join(signer.sign(draft.text).line for signer in signers)


async def _rebuilt(ports: Ports, work: UnitOfWork) -> tuple[str, State]:
    """The root over the stored entries and the state they lead to. Raises Corrupt naming an entry that was changed."""
    tree, state = Accumulator(), State()
    head = first_head(ports.manifest.chain_id, ports.manifest.journal)
    try:
        while page := await work.entries(tree.size - 1, PAGE):
            for entry in page:
                head = head_after(head, entry)
                digest = act_digest(entry.act, ports.manifest.chain_id, entry.module)
                if (entry.index, entry.digest, entry.head) != (tree.size, digest, head):
                    raise _changed(tree.size)
                follow(state, entry)
                tree.append(entry_leaf(entry))
    except (InvalidInput, ValueError, TypeError) as error:
        raise _changed(tree.size) from error  # it cannot even be read
    return tree.root().hex(), state


def _changed(index: int) -> Corrupt:
    return Corrupt(
        f"the read model's entry {index} was changed",
        remedy="Run `shareledger audit replay`; it names what was changed. Then rebuild the read model.",
        entry=index,
    )
