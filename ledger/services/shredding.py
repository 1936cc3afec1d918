"""Deleting keys, so that a payload or the link of its records to the ledger is gone for good; ShredVersion says so."""

from collections.abc import Sequence

from ledger.domain.callers import Caller
from ledger.domain.refusals import refusal_from_name
from ledger.errors import Conflict
from ledger.ports import Ports
from ledger.services.versions import held


async def shred(ports: Ports, caller: Caller, version: str, segments: Sequence[int] | None = None) -> None:
    """Delete the keys of these segments (by first record), or with None all of them and the payload's own.

    Only once the ledger says so: a payload that is missing without a ShredVersion is a finding. Raises NotFound,
    Conflict if no such act is final, the Refused for a department that does not provide the dataset.
    """
    async with ports.store.write() as work:
        found = await held(work, version)
        if found.provider != caller.department:
            raise refusal_from_name("DatasetsNotProvider", found.version.dataset, caller.department)
        if not (found.version.shredded or (segments is not None and found.version.partly_shredded)):
            raise Conflict(
                f"the ledger does not say that version {found.version.number} of {found.version.dataset} was shredded",
                remedy="Sign ShredVersion first and wait until it is final.",
            )
        if found.row is not None:  # else there are none here, or they are another department's
            await work.shred(found.row.document, segments)
            await work.commit()
