"""What a department tries with digests, codes and keys of others: all of them stand on the chain for anyone to read.

The contracts know no documents, so a signed act may name any digest. Acts here are recorded past the API, as a
department with a key and a node of its own could.
"""

from typing import Any

import pytest

from ledger.domain.acts import Duty, RuleKind
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.state import Share
from tests.api.conftest import Clients
from tests.api.test_payloads import CSV, Delivered, deliver
from tests.api.world import ATTESTOR, CONSUMER, PROVIDER, ROOT, STRANGER, World

OWN = "341500/wjw/own"
WAIT = {"Prefer": "wait=9"}


@pytest.fixture
async def delivered(clients: Clients, share: str) -> Delivered:
    return await deliver(clients, share)


async def publish(world: World, **fields: Any) -> str:
    """A dataset of the stranger's own; the digest of its revision."""
    item = Document.make("return", dataset=OWN, reasons="自有目录")
    revision = await world.do(
        "SubmitDataset",
        STRANGER,
        Duty.DIRECTOR,
        item,
        **{"dataset": OWN, "department": STRANGER, "share_type": 1, "grade": 1, **fields},
    )
    await world.do("PublishDataset", ROOT, Duty.LEAD, dataset=OWN)
    return revision


async def anchor(world: World, document: str) -> str:
    """A version of the stranger's own dataset that names this document."""
    return await world.do(
        "AnchorVersion",
        STRANGER,
        Duty.OFFICER,
        dataset=OWN,
        number=1,
        format="share-record/1",
        salted=True,
        root="ab" * 32,
        records=1,
        size=1,
        document=document,
    )


def request_document(world: World, share: str) -> str:
    """Digest of what the consumer wrote to the provider."""
    found = world.state.get(Share, share)
    assert found is not None
    return found.document


async def named_elsewhere(world: World, delivered: Delivered) -> str:
    """The stranger's version naming the document, and so the payload and keys, of the provider's."""
    shown = (await delivered.provider.get(f"/v1/versions/{delivered.version}")).json()
    await publish(world)
    return await anchor(world, shown["document"])


async def test_naming_a_versions_document_opens_neither_payload_nor_keys(
    world: World, clients: Clients, delivered: Delivered
) -> None:
    version = await named_elsewhere(world, delivered)
    stranger = await clients.of(STRANGER)
    for path in ("payload", "manifest", "tiles/0", "records/0/proof"):
        answer = await stranger.get(f"/v1/versions/{version}/{path}")
        assert answer.status_code == 404, (path, answer.text)
        assert "341500000042" not in answer.text
    report = (await stranger.post("/v1/verifications", params={"version": version}, content=CSV)).json()
    assert report["ok"] is False and "manifest" in report["not_checked"] and "document" in report["not_checked"]


async def test_naming_a_versions_document_gives_a_consumer_nothing_either(
    world: World, clients: Clients, delivered: Delivered
) -> None:
    version = await named_elsewhere(world, delivered)
    revision = (await delivered.consumer.get(f"/v1/datasets/{OWN.replace('/', '~')}")).json()["published"]
    until = int(world.clock.now()) + 10_000
    reasons = Document.make("request-withdrawal", share=ZERO_DIGEST, reasons="申请")
    share = await world.do(
        "RequestShare", CONSUMER, Duty.LEAD, reasons, consumer=CONSUMER, dataset=OWN, revision=revision, until=until
    )
    await world.do("AgreeShare", STRANGER, Duty.LEAD, share=share, until=until)
    await world.do("DeliverShare", STRANGER, Duty.OFFICER, share=share, version=version, method=1)
    consumer = await clients.of(CONSUMER)
    assert (await consumer.get(f"/v1/authorisations/{share}/payload")).status_code == 404
    material = (await consumer.get(f"/v1/authorisations/{share}/keys")).json()
    assert (material["segments"], material["document"], material["manifest"]) == (None, None, None)


async def test_shredding_ones_own_version_leaves_the_keys_of_others(
    world: World, clients: Clients, delivered: Delivered, share: str
) -> None:
    version = await named_elsewhere(world, delivered)
    reasons = Document.make("shredding", dataset=OWN, number=1, reasons="到期")
    await world.do("ShredVersion", STRANGER, Duty.OFFICER, reasons, dataset=OWN, number=1, whole=True)
    assert (await (await clients.of(STRANGER)).get(f"/v1/versions/{version}")).json()["shredded"]
    assert (await delivered.consumer.get(f"/v1/authorisations/{share}/payload")).content == CSV


@pytest.mark.parametrize("field", ["document", "conditions", "basis"])
async def test_naming_a_document_in_an_item_does_not_publish_it(
    field: str, world: World, clients: Clients, share: str
) -> None:
    private = request_document(world, share)
    if field == "document":
        fields = {"dataset": OWN, "department": STRANGER, "share_type": 1, "grade": 1, "document": private}
        await world.do("SubmitDataset", STRANGER, Duty.DIRECTOR, None, **fields)
        await world.do("PublishDataset", ROOT, Duty.LEAD, dataset=OWN)
    else:
        await publish(world, **{field: private})
    for department in (STRANGER, ATTESTOR):
        client = await clients.of(department)
        assert (await client.get(f"/v1/documents/{private}")).status_code == 404
    consumer = await clients.of(CONSUMER)
    assert (await consumer.get(f"/v1/documents/{private}")).status_code == 200


async def test_naming_a_document_in_a_version_does_not_open_it_to_its_consumers(
    world: World, clients: Clients, share: str
) -> None:
    revision = await publish(world)
    private = request_document(world, share)
    await anchor(world, private)
    until = int(world.clock.now()) + 10_000
    reasons = Document.make("request-withdrawal", share=ZERO_DIGEST, reasons="申请")
    fields = {"dataset": OWN, "revision": revision, "until": until, "consumer": PROVIDER}
    other = await world.do("RequestShare", PROVIDER, Duty.LEAD, reasons, **fields)
    await world.do("AgreeShare", STRANGER, Duty.LEAD, share=other, until=until)
    stranger = await clients.of(STRANGER)
    assert (await stranger.get(f"/v1/documents/{private}")).status_code == 404


async def test_a_measurement_takes_published_rules_only(
    world: World, clients: Clients, delivered: Delivered, share: str
) -> None:
    """Else whoever may measure could ask any question about any cell, and learn what kind any digest is of."""
    attestor = await clients.of(ATTESTOR)
    private = request_document(world, share)
    mine = Document.make(
        "quality-rules",
        name="问卷",
        measures=[{"code": "0302", "weight": 1, "columns": ["name"], "pattern": "村42"}],
    )
    path = f"/v1/versions/{delivered.version}/measurements"
    for digest in (private, "ab" * 32):
        answer = await attestor.post(path, params={"rules": digest})
        assert answer.status_code == 404, answer.text
    await world.do("PublishRule", ROOT, Duty.DIRECTOR, mine, rule="names", kind=RuleKind.QUALITY, start=0)
    answer = await attestor.post(path, params={"rules": mine.digest})
    assert answer.status_code == 200, answer.text


async def test_a_share_of_others_is_refused_like_one_that_does_not_exist(clients: Clients, share: str) -> None:
    stranger = await clients.of(STRANGER)
    for id in (share, "ab" * 32):
        drafted = await stranger.post("/v1/drafts", json={"act": "EndShare", "fields": {"share": id, "cause": 1}})
        assert drafted.json()["act"]["prior"] == ZERO_DIGEST
        for verb, body in (("resumption", {}), ("suspension", {}), ("end", {"cause": 1})):
            said = {**body, "document": {"reasons": "无"}}
            answer = await stranger.post(f"/v1/authorisations/{id}/{verb}", json=said)
            assert (answer.status_code, answer.json()["code"]) == (409, "authorisations-unknown"), answer.text


async def test_a_key_that_another_department_is_enrolling_signs_for_nobody_else(world: World, clients: Clients) -> None:
    world.stalled = True
    owner, stranger = await clients.of(PROVIDER), await clients.of(STRANGER)
    mandate = {"holder": "张", "purpose": "共享"}
    begun = await owner.post(f"/v1/departments/{PROVIDER}/keys", json={"duty": 1, "mandate": mandate})
    assert begun.status_code == 202, begun.text
    key = begun.json()["act"]["key"]
    taken = await stranger.post(f"/v1/departments/{STRANGER}/keys", json={"key": key, "duty": 1, "mandate": mandate})
    assert (taken.status_code, taken.json()["code"]) == (403, "not-permitted"), taken.text


async def test_an_enrolment_that_is_refused_makes_no_key(world: World, clients: Clients) -> None:
    stranger = await clients.of(STRANGER)
    mandate = {"holder": "张", "purpose": "共享"}
    fields = {"department": PROVIDER, "duty": 1}
    for path, body in (
        (f"/v1/departments/{PROVIDER}/keys", {"duty": 1, "mandate": mandate}),
        (f"/v1/departments/{STRANGER}/keys", {"duty": 1, "mandate": {"holder": 7}}),
        ("/v1/drafts", {"act": "EnrolKey", "fields": fields, "document": mandate}),
    ):
        answer = await stranger.post(path, json=body)
        assert answer.status_code in (409, 422), answer.text
    assert world.made_keys == 0


async def test_evidence_shows_whoever_may_read_a_document_its_text(
    clients: Clients, delivered: Delivered, share: str
) -> None:
    told = (await delivered.consumer.get(f"/v1/authorisations/{share}/evidence")).json()
    (version,) = (one for one in told["documents"] if one["named_by"] == "AnchorVersion.document")
    assert version["text"] == (await delivered.consumer.get(f"/v1/documents/{version['digest']}")).text
