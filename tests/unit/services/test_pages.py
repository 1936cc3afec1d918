"""Pages that came from anywhere: whatever stands in them, reading raises one kind of error, and checking none."""

import copy
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keys.signer import LocalSigner
from ledger.domain.acts import Mark, Module
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.scopes import Filter
from ledger.domain.values import Act
from ledger.errors import InvalidInput
from ledger.fingerprint import RECORD_SD, Column, Schema, SegmentKeys, fingerprint_table
from ledger.fingerprint.conditions import conditions
from ledger.fingerprint.leaves import LeafRule
from ledger.proofs.typed_data import act_digest
from ledger.services.material import Material
from ledger.services.page_checking import check_page
from ledger.services.pages import RecordsPage, token_of
from ledger.services.selecting import Wanted, select
from tests.fakes.chain import CHAIN_ID, MODULES
from tests.fakes.tables import FakeTable

SCHEMA = Schema((Column("n", "integer"), Column("name"), Column("rate", "float"), Column("secret")))
ROWS = [(b"%d" % number, "村".encode(), b"0.5", b"hidden") for number in range(300)]
FILTERS = (Filter("n", "ge", ("10",)), Filter("rate", "lt", ("1",)))


@cache
def made() -> tuple[Material, RecordsPage]:
    keys, signer = SegmentKeys.fresh(), LocalSigner(b"\x07" * 32)
    fingerprint, manifest = fingerprint_table(FakeTable(SCHEMA, ROWS), SCHEMA, keys, format=RECORD_SD)
    told = fingerprint.to_json()
    document = Document.make(
        "version", dataset="d/1", number=1, format=RECORD_SD, payload={"size": 9}, keys="here",
        provenance={"source": "s", "captured": 1, "method": "export"}, schema=SCHEMA.to_json(), read_options={},
    )  # fmt: skip
    act = Act.from_json(
        "AnchorVersion",
        {
            **{name: told[name] for name in ("format", "salted", "schema", "root")},
            "dataset": "d/1", "number": 1, "records": "300", "size": "9", "twin": ZERO_DIGEST, "prior": ZERO_DIGEST,
            "document": document.digest, "signer": signer.address, "valid_until": 1,
        },
    )  # fmt: skip
    digest = act_digest(act, CHAIN_ID, MODULES[Module.DATASETS])
    signed = (signer.sign(bytes.fromhex(digest)),)
    entry = Entry(7, MODULES[Module.DATASETS], act, digest, signed, "tjj", Mark(0), 1, ZERO_DIGEST)
    rule, wanted = LeafRule(RECORD_SD, keys), Wanted(0, 20, conditions(FILTERS, SCHEMA), (3,))
    found = select(FakeTable(SCHEMA, ROWS), rule, manifest, wanted)
    page = RecordsPage(
        "ab" * 32, entry, "cd" * 32, SCHEMA.names[:3], FILTERS[:1], FILTERS[1:], 0, found.stop, ((256, 257),),
        found.answer, token_of(digest, found.stop),
    )  # fmt: skip
    return Material(entry, document.body, None, None), page


def test_a_page_is_read_as_it_was_written() -> None:
    material, page = made()
    assert RecordsPage.from_json(page.to_json()) == page
    report = check_page(material, page, chain_id=CHAIN_ID)
    assert report.ok and {check.code for check in report.checks if check.ok is None} == {"signature", "complete"}
    empty = check_page(material, replace(page, answer=None), chain_id=CHAIN_ID)
    assert not empty.ok and not empty.failed, "a page without records shows nothing"


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["00" * 16, "00" * 32, "eq", "in", "n", "share-records/1", "0", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["hex", "cell", "salt", "a"]), inner),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_a_page_holds(data: st.DataObject) -> None:
    material, page = made()
    told: Any = copy.deepcopy(page.to_json())
    place, at = told, data.draw(st.sampled_from(sorted(told)))
    for _ in range(data.draw(st.integers(0, 5))):
        inner = place[at]
        keys = sorted(inner) if isinstance(inner, dict) else list(range(len(inner))) if isinstance(inner, list) else []
        if not keys:
            break
        place, at = inner, data.draw(st.sampled_from(keys))
    before = copy.deepcopy(place[at])
    place[at] = data.draw(JSON)
    try:
        read = RecordsPage.from_json(told)
    except InvalidInput:
        return
    report = check_page(material, read, chain_id=CHAIN_ID)
    assert not (report.ok and read.answer != page.answer), (before, place[at])
