"""Acts signed partly elsewhere, partly by the host: `null` stands where the host signs."""

from typing import Any

import pytest

from keys.signer import LocalSigner
from ledger.domain.acts import Custody, Duty
from ledger.domain.identifiers import format_signature
from ledger.domain.state import Key
from ledger.domain.values import Act
from tests.api.conftest import Clients
from tests.api.world import PROVIDER, ROOT, STRANGER, World, signer_of

OWN = LocalSigner(bytes(31) + b"\x07")
MANDATE = {"department": STRANGER, "holder": "信息中心", "purpose": "共享"}


def signature(signer: LocalSigner, digest: str) -> str:
    return format_signature(signer.sign(bytes.fromhex(digest)))


async def enrolment(client: Any, **fields: Any) -> Any:
    asked = {"department": STRANGER, "kind": 1, "duty": 3, "start": 0, "until": 0, **fields}
    answer = await client.post("/v1/drafts", json={"act": "EnrolKey", "fields": asked, "document": MANDATE})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sent(client: Any, draft: Any, *signatures: str | None) -> Any:
    signed = {"act": draft["act"], "signatures": list(signatures), "documents": draft["documents"]}
    return await client.post("/v1/acts", json={"acts": [signed]}, headers={"Prefer": "wait=5"})


def custody_of(world: World, address: str) -> int:
    key = world.state.get(Key, address)
    assert key is not None and key.department == STRANGER
    return key.custody


async def test_an_authority_held_here_enrols_a_key_that_is_kept_elsewhere(clients: Clients, world: World) -> None:
    client = await clients.of(ROOT)
    draft = await enrolment(client, key=OWN.address, custody=int(Custody.OWN))
    answer = await sent(client, draft, None, signature(OWN, draft["digest"]))
    assert answer.status_code == 201, answer.text
    assert custody_of(world, OWN.address) == Custody.OWN


async def test_an_authority_that_keeps_its_key_enrols_one_made_here(clients: Clients, world: World) -> None:
    director = signer_of(ROOT, Duty.DIRECTOR)
    client = await clients.of(ROOT)
    draft = await enrolment(client)
    del world.signatures.signers[director.address]  # kept elsewhere
    answer = await sent(client, draft, signature(director, draft["digest"]), None)
    assert answer.status_code == 201, answer.text
    assert custody_of(world, draft["act"]["key"]) == Custody.HOST


async def refused(clients: Clients, world: World, share: str, duty: Duty, signer: LocalSigner) -> Any:
    """A provider asks the host to sign with `signer`; nothing may come of it."""
    name, fields = "DeliverShare", {"share": share, "version": "ab" * 32, "method": 1, "document": "00" * 32}
    act = Act.make(name, signer=signer.address, prior="00" * 32, valid_until=int(world.clock.now()) + 60, **fields)
    client = await clients.of(PROVIDER, duty)
    signed = {"act": {"type": name, **act.to_json()}, "signatures": [None]}
    answer = await client.post("/v1/acts", json={"acts": [signed]})
    assert (await client.get("/v1/submissions")).json()["items"] == []
    return answer


@pytest.mark.parametrize(
    ("duty", "signer", "says"),
    [
        (Duty.DIRECTOR, signer_of(ROOT, Duty.DIRECTOR), "not one of"),
        (Duty.OFFICER, signer_of(PROVIDER, Duty.DIRECTOR), "higher duty"),
        (Duty.DIRECTOR, OWN, "not kept here"),
    ],
)
async def test_the_host_signs_nothing_that_is_not_the_callers(
    clients: Clients, world: World, share: str, duty: Duty, signer: LocalSigner, says: str
) -> None:
    answer = await refused(clients, world, share, duty, signer)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted")
    assert says in answer.json()["detail"]


async def test_no_more_signatures_than_signers(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER)
    draft = await client.post("/v1/drafts", json={"act": "SuspendShare", "fields": {"share": share}})
    signed = {"act": draft.json()["act"], "signatures": [None, None]}
    answer = await client.post("/v1/acts", json={"acts": [signed]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-signature")
