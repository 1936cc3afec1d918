"""From a body and a path to the fields of an act, as `ledger.services.drafting` takes them."""

import secrets
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from api.act_table import ActRoute
from api.runtime import Runtime
from api.schemas.fields import code_of
from ledger.domain.acts import Custody, KeyKind
from ledger.domain.callers import Caller
from ledger.domain.identifiers import any_address
from ledger.domain.state import Version
from ledger.errors import InvalidInput, NotPermitted
from ledger.services import acting, anchoring, reading

Fields = dict[str, Any]
Document = dict[str, Any]


async def signable(
    runtime: Runtime, caller: Caller, line: ActRoute, body: BaseModel, path: Mapping[str, str]
) -> tuple[Fields, Document | None]:
    """(fields, document) of the act. Raises InvalidInput, NotFound."""
    given = {name: value for name, value in body.model_dump().items() if value is not None}
    document = given.pop("document", None)
    fields = _with_path(line, given, path)
    match line.act:
        case "EnrolKey":
            await complete_key(runtime, caller, fields, document, signs=True)
        case "AnchorVersion":
            prepared = await anchoring.prepared(runtime.ports, caller, fields.pop("prepared"))
            if prepared.dataset != fields["dataset"]:
                raise InvalidInput(f"what was prepared is of {prepared.dataset}, not of {fields['dataset']}")
            fields = {**prepared.fields, **fields}
        case "ShredVersion":
            if fields["whole"] == bool((document or {}).get("segments")):
                raise InvalidInput(
                    "either the whole version is shredded, or the segments that the document names",
                    remedy="Leave `segments` out of the document, or send `whole`: false with them.",
                )
            async with reading.opened(runtime.ports) as work:
                version = await reading.catalogue_object(work, Version, path["version"])
            fields |= {"dataset": version.dataset, "number": version.number}
    if isinstance(document, str):
        return {**fields, "document": document}, None
    return fields, document


def _with_path(line: ActRoute, given: Fields, path: Mapping[str, str]) -> Fields:
    """A body may repeat what the path says, never contradict it."""
    said = _from_path(line, path)
    for name, value in said.items():
        if given.get(name, value) != value:
            raise InvalidInput(f"{name} is {given[name]} in the body and {value} in the path", field=name)
    return {**given, **said}


def _from_path(line: ActRoute, path: Mapping[str, str]) -> Fields:
    codes = ("department", "dataset")
    return {
        field: code_of(path[name]) if name in codes else any_address(path[name]) if name == "key" else path[name]
        for name, field in line.fills.items()
        if field
    }


async def complete_key(
    runtime: Runtime, caller: Caller, fields: Fields, document: Document | None, *, signs: bool
) -> None:
    """Without a key in the body the host makes one and keeps it, and the ledger says so (custody 2).

    Not before the act stands with a key made up: what is refused leaves no key behind. `signs`: the host is to sign for
    the caller too, so it must hold its key.
    """
    held = "key" not in fields
    custody = fields.setdefault("custody", Custody.HOST.value)
    if held and custody != Custody.HOST:
        raise InvalidInput(
            "a key of the department's own custody must be named and must sign too",
            remedy="Draft EnrolKey with your key, sign it with both keys, and send it to POST /v1/acts.",
        )
    fields.setdefault("kind", KeyKind.ACCOUNT.value)
    fields.setdefault("start", 0)
    fields.setdefault("until", 0)
    if held:
        made = await acting.check_first(
            runtime.ports, caller, "EnrolKey", {**fields, "key": "0x" + secrets.token_hex(20)}, document
        )
        if signs and not runtime.ports.signatures.holds(made.act["signer"]):
            raise NotPermitted(
                f"the key {made.act['signer']} that would enrol the new one is not kept here",
                remedy="Draft EnrolKey, sign it where the key is kept, and send it to POST /v1/acts.",
            )
        fields["key"] = await runtime.create_key()
