"""Pages, tags, and the moment every answer is of."""

import pytest

from api.pagination import Page
from ledger.domain.acts import Duty
from ledger.errors import InvalidInput
from tests.api.conftest import Clients
from tests.api.world import AUDITOR, CONSUMER, DATASET, PROVIDER, ROLES, ROOT, World


async def test_pages_follow_their_links(clients: Clients) -> None:
    client = await clients.of(CONSUMER)
    seen, target = [], "/v1/departments?limit=2"
    while target:
        answer = await client.get(target)
        assert answer.status_code == 200
        seen += [item["code"] for item in answer.json()["items"]]
        link = answer.headers.get("link", "")
        target = link[1 : link.index(">")] if link else ""
    assert seen == sorted(ROLES)


async def test_links_keep_their_filters(clients: Clients) -> None:
    client = await clients.of(AUDITOR)
    answer = await client.get("/v1/entries", params={"kind": "KeyEnrolled", "limit": 3})
    link = answer.headers["link"]
    assert "kind=KeyEnrolled" in link and 'rel="next"' in link
    following = await client.get(link[1 : link.index(">")])
    assert following.json()["items"][0]["index"] > answer.json()["items"][-1]["index"]
    assert {item["kind"] for item in following.json()["items"]} == {"KeyEnrolled"}


async def test_a_strong_tag_is_of_the_content(clients: Clients, world: World) -> None:
    client = await clients.of(CONSUMER)
    first = await client.get("/v1/datasets/341500~tjj~area-codes")
    tag = first.headers["etag"]
    assert tag.startswith('"')
    same = await client.get("/v1/datasets/341500~tjj~area-codes", headers={"If-None-Match": f'W/"x", {tag}'})
    assert same.status_code == 304 and same.content == b"" and same.headers["etag"] == tag
    await world.do("WithdrawDataset", PROVIDER, Duty.DIRECTOR, dataset=DATASET)
    changed = await client.get("/v1/datasets/341500~tjj~area-codes", headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.json()["withdrawn"] is True
    assert changed.json()["as_of"]["entry"] == first.json()["as_of"]["entry"] + 1


async def test_a_dataset_shows_its_revisions(clients: Clients) -> None:
    client = await clients.of(CONSUMER)
    shown = (await client.get("/v1/datasets/341500~tjj~area-codes")).json()
    assert shown["published_revision"]["digest"] == shown["published"]
    assert shown["pending_revision"] is None


async def test_every_read_tells_its_moment(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(AUDITOR)
    key = next(iter(world.signatures.signers))
    revision = (await client.get("/v1/datasets/341500~tjj~area-codes")).json()["published"]
    paths = [
        "/v1/departments",
        f"/v1/departments/{ROOT}",
        f"/v1/departments/{ROOT}/keys",
        f"/v1/keys/{key}",
        "/v1/datasets",
        "/v1/datasets/341500~tjj~area-codes",
        "/v1/datasets/341500~tjj~area-codes/versions",
        "/v1/authorisations",
        f"/v1/authorisations/{share}",
        f"/v1/authorisations/{share}/history",
        "/v1/attestations",
        "/v1/corrections",
        "/v1/rules",
        "/v1/checkpoints",
        "/v1/entries",
        "/v1/entries/0",
        f"/v1/entries/{revision}",
        "/v1/submissions",
        "/v1/ledger",
    ]
    for path in paths:
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json()["as_of"] == {
            "block": len(world.entries),
            "entry": len(world.entries) - 1,
            "head": world.entries[-1].head,
        }


async def test_a_key_may_be_written_in_any_case(clients: Clients, world: World) -> None:
    client = await clients.of(CONSUMER)
    key = next(iter(world.signatures.signers))
    assert (await client.get(f"/v1/keys/0x{key[2:].upper()}")).json()["address"] == key


async def test_a_document_is_its_bytes(clients: Clients, world: World) -> None:
    client = await clients.of(CONSUMER)
    digest = (await client.get("/v1/datasets/341500~tjj~area-codes")).json()["published_revision"]["document"]
    answer = await client.get(f"/v1/documents/{digest}")
    assert answer.headers["etag"] == f'"{digest}"'
    async with world.store.read() as work:
        stored = await work.document(digest)
    assert stored is not None and answer.content == stored.body


async def test_the_ledgers_identity(clients: Clients, world: World) -> None:
    shown = (await (await clients.of(CONSUMER)).get("/v1/ledger")).json()
    assert shown["chain_id"] == world.ports.manifest.chain_id
    assert shown["state"]["root"] == ROOT
    assert shown["modules"]["Journal"] == world.ports.manifest.journal


def test_after_is_checked() -> None:
    assert Page("a,b", 10).key(str, str) == ("a", "b")
    for page in (Page("a", 10), Page("a,b,c", 10)):
        with pytest.raises(InvalidInput):
            page.key(str, str)
    for text in ("-1", "1.5", "x", "9" * 20, "①"):
        with pytest.raises(InvalidInput):
            Page(text, 10).number(0)
