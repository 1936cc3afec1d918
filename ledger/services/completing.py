"""Signatures that the host adds: an act may be signed partly by its department and partly by a key held here.

So an authority whose key is held here can enrol a key that another department keeps, and the other way about. The host
signs only with a key of the caller's own department, of no higher duty than the caller's, or with a new key that is not
enrolled yet and that no other department has begun to enrol.
"""

from collections.abc import Sequence

from ledger.domain.callers import Caller
from ledger.domain.identifiers import digest_to_bytes
from ledger.domain.state import Key
from ledger.domain.values import Act
from ledger.errors import InvalidSignature, NotPermitted
from ledger.ports import Ports
from ledger.proofs.typed_data import act_digest

MISSING = b""
"""Stands for a signature that is to be made here."""


async def completed(ports: Ports, caller: Caller, act: Act, signatures: Sequence[bytes]) -> tuple[bytes, ...]:
    """The signatures, with those made here in place of the missing ones.

    Raises NotPermitted for a key that is not held here, of another department or of a higher duty than the caller's;
    InvalidSignature if there are more missing than the act has signers.
    """
    if all(signatures):
        return tuple(signatures)
    signers = act.signers
    if len(signatures) > len(signers):
        raise InvalidSignature(f"{act.name} takes {len(signers)} signatures, not {len(signatures)}")
    digest = digest_to_bytes(act_digest(act, ports.manifest.chain_id, ports.manifest.address(act.type.module)))
    made = list(signatures)
    for place, address in enumerate(signers[: len(made)]):
        if made[place] == MISSING:
            await check_use(ports, caller, address)
            (made[place],) = await ports.signatures.sign(address, [digest])
    return tuple(made)


async def check_use(ports: Ports, caller: Caller, address: str) -> None:
    """Raises NotPermitted unless the host may sign for the caller with the key it holds of that address."""
    async with ports.store.read() as work:
        key = (await work.load([(Key, (address,))])).get(Key, address)
        begun = [] if key else await work.submissions(subject=address)
    departments = {key.department} if key else {one.department for _, one in begun}
    if departments - {caller.department}:
        raise NotPermitted(f"the key {address} is not one of {caller.department}")
    if key is not None and key.duty > caller.duty:
        raise NotPermitted(f"the key {address} has a higher duty than this API key")
