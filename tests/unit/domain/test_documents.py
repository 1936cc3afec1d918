import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts import ACTS, Kind
from ledger.domain.document_kinds import ACT_DOCUMENTS, DOCUMENT_KINDS, PARTS
from ledger.domain.documents import (
    MAX_DEPTH,
    MAX_DOCUMENT,
    Document,
    canonical_bytes,
    disagreements,
    new_salt,
    parse_json,
)
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.shapes import SHAPES, members_of
from ledger.domain.values import Act
from ledger.errors import InvalidDocument, TooLarge

SALT = "AAAAAAAAAAAAAAAAAAAAAA"
ITEM: dict[str, Any] = {
    "dataset": "stats/area-codes",
    "name": "统计用区划代码",
    "abstract": "国家统计局统计用区划代码和城乡划分代码",
    "provider": "六安市统计局",
    "department": "stats",
    "items": [{"name": "code", "type": "text", "length": 12}, {"name": "name", "type": "text", "share_type": 2}],
    "data_format": 2,
    "update_cycle": "yearly",
    "share_type": 2,
    "share_method": "文件下载",
    "grade": 1,
    "library": {"class": "base", "name": "空间地理"},
    "assessments": {"secrecy": "11" * 32, "personal": "22" * 32},
    "conditions": "仅限住房公积金核验",
}
REQUEST: dict[str, Any] = {
    "dataset": "stats/area-codes",
    "revision": "33" * 32,
    "consumer": "fund",
    "basis": [{"law": "住房公积金管理条例", "article": "26"}],
    "scenario": "贷款审核",
    "scope": {"items": ["code", "name"], "rows": "全部"},
    "method": 1,
    "until": 1_800_000_000,
    "purpose": "核对地址",
}


def test_a_document_is_its_bytes() -> None:
    document = Document.make("dataset", **ITEM)
    assert document.digest == hashlib.sha256(document.body).hexdigest()
    assert document.body == rfc8785.dumps({**ITEM, "kind": "dataset", "salt": document.salt})
    again = Document.parse(document.body, "dataset")
    assert again == document and again["name"] == ITEM["name"] and again.get("basis") is None
    assert Document.from_json(document.to_json()) == document
    assert Document.make("dataset", **ITEM).digest != document.digest
    assert Document.make("dataset", salt=document.salt, **ITEM, basis=None) == document


def test_salts_are_fresh_and_checked() -> None:
    assert len({new_salt() for _ in range(50)}) == 50
    for salt in ("", "A" * 21, "A" * 23, "A" * 21 + "B", "A" * 21 + "=", "+" * 22, None, 5, "é" * 22):
        with pytest.raises(InvalidDocument, match="salt"):
            Document.from_json({"kind": "closing", "reasons": "x", "salt": salt})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"kind":"closing","kind":"closing"}', "stands twice"),
        (b'{"a":{"b":1,"b":1}}', "stands twice"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b"5", "JSON object"),
        (b'{"a":1.5}', "not an integer"),
        (b'{"a":1e3}', "not an integer"),
        (b'{"a":NaN}', "not an integer"),
        (b'{"a":-Infinity}', "not an integer"),
        (b"{}", "names no kind"),
        (b'{"kind":"nothing"}', "no kind of document"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 17, "nested deeper"),
        (b'"' + b'\\"' * 500_000, "not JSON"),
        (b'{"a":"' + b"[" * 1000 + b'"}', "names no kind"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_bytes_that_are_no_document(body: bytes, said: str) -> None:
    with pytest.raises(InvalidDocument, match=said):
        Document.parse(body)


def test_only_canonical_bytes() -> None:
    body = Document.make("closing", salt=SALT, reasons="é").body
    assert body == '{"kind":"closing","reasons":"é","salt":"AAAAAAAAAAAAAAAAAAAAAA"}'.encode()
    for other in (
        body + b"\n",
        body.replace(b":", b": ", 1),
        body.replace("é".encode(), b"\\u00e9"),
        b'{"salt":"AAAAAAAAAAAAAAAAAAAAAA","kind":"closing","reasons":"x"}',
    ):
        with pytest.raises(InvalidDocument, match="not canonical"):
            Document.parse(other)
    surrogate = b'{"kind":"closing","reasons":"\\ud800","salt":"AAAAAAAAAAAAAAAAAAAAAA"}'
    with pytest.raises(InvalidDocument, match="no canonical form"):
        Document.parse(surrogate)
    with pytest.raises(InvalidDocument, match="is a closing, not a dataset or grant"):
        Document.parse(body, "dataset", "grant")


def test_limits() -> None:
    with pytest.raises(TooLarge):
        Document.parse(b" " * (MAX_DOCUMENT + 1))
    with pytest.raises(TooLarge):
        Document.make("closing", reasons="x" * MAX_DOCUMENT)
    deep: Any = 1
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert canonical_bytes(deep)
    with pytest.raises(InvalidDocument, match="nested deeper"):
        canonical_bytes([deep])
    for value in (2**53, -(2**53), 1.5, b"x", {1: 2}, {"a": {3}}):
        with pytest.raises(InvalidDocument):
            canonical_bytes(value)


def test_every_fault_is_named() -> None:
    item = {**ITEM, "items": [{"name": " ", "type": "text", "size": 3}, 5], "grade": -1, "library": 1, "x": 1}
    del item["name"]
    with pytest.raises(InvalidDocument) as caught:
        Document.make("dataset", **item)
    assert caught.value.facts["faults"] == [
        "name is missing",
        "x is unknown",
        "items[0].size is unknown",
        "items[0].name is not a text that is not blank",
        "items[1] is not an object",
        "grade is not an integer from 0 on",
        "library is not an object",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"conditions": None}, "conditions is missing"),
        ({"share_type": 3}, "basis is missing"),
        ({"share_type": 4}, "share_type is not 1 to 3"),
        ({"items": [{"name": "a", "type": "text", "share_type": 9}]}, "share_type is not 1 to 3"),
        ({"items": []}, "items is not a list of at least one"),
        ({"data_format": 8}, "data_format"),
        ({"update_cycle": "often"}, "update_cycle"),
        ({"library": {"class": "attic"}}, "library.class"),
        ({"grade": 7}, "grade"),
        ({"published_on": "2026-02-30"}, "published_on is not a date"),
        ({"published_on": "20260230"}, "published_on is not a date"),
    ],
)
def test_what_a_catalogue_item_needs(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidDocument, match=said):
        Document.make("dataset", **(ITEM | changes))


def test_tables_are_sound() -> None:
    for table in (*DOCUMENT_KINDS.values(), *PARTS.values()):
        for shape, _ in members_of(table).values():
            assert shape in SHAPES or shape.removesuffix("*") in PARTS
    for name, fields in ACT_DOCUMENTS.items():
        digests = {field.name for field in ACTS[name].fields if field.kind is Kind.DIGEST}
        assert set(fields) <= digests
        assert {kind for kinds in fields.values() for kind in kinds} <= set(DOCUMENT_KINDS)
        assert ("document" in fields) == any(field.name == "document" for field in ACTS[name].fields)


def request(document: Document, **changes: Any) -> Act:
    names = {"consumer": "fund", "dataset": "stats/area-codes", "revision": "33" * 32, "until": 1_800_000_000}
    fixed = {"signer": "0x" + "ab" * 20, "prior": ZERO_DIGEST, "valid_until": 1, "scope": ZERO_DIGEST}
    return Act.make("RequestShare", **(names | fixed | {"document": document.digest} | changes))


def test_an_act_and_its_documents_agree() -> None:
    document = Document.make("share-request", **REQUEST)
    scope = document.part("scope")
    assert scope.kind == "scope" and scope["scope"] == REQUEST["scope"]
    act = request(document, scope=scope.digest)
    assert disagreements(act, [document, scope]) == []
    assert disagreements(act, []) == []
    wider = Document.make("scope", scope={"items": ["code", "name", "n"], "rows": "全部"})
    assert disagreements(request(document, scope=wider.digest), [document, wider]) == [
        "the scope is not that of the share-request"
    ]
    assert disagreements(request(document, consumer="lab", until=5), [document]) == [
        "consumer is 'lab' in the act and 'fund' in the share-request",
        "until is 5 in the act and 1800000000 in the share-request",
    ]
    closing = Document.make("closing", reasons="x")
    assert disagreements(request(closing), [closing]) == ["document is a closing, not a share-request"]
    with pytest.raises(InvalidDocument, match="has no conditions"):
        document.part("conditions")


def test_other_documents_of_acts() -> None:
    mandate = Document.make("mandate", department="fund", holder="某科技公司", purpose="运维", until=9)
    names = {"signer": "0x" + "ab" * 20, "key": "0x" + "cd" * 20, "prior": ZERO_DIGEST, "valid_until": 1}
    terms = {"department": "fund", "kind": 1, "duty": 1, "custody": 1, "start": 0, "until": 9}
    enrol = Act.make("EnrolKey", **names, **terms, mandate=mandate.digest)
    assert disagreements(enrol, [mandate]) == []
    assert disagreements(enrol.replace(until=0), [mandate]) == ["until is 0 in the act and 9 in the mandate"]
    indicators = [{"code": "0201", "a": 1, "b": 2, "weight": 1}]
    members = {"version": "11" * 32, "rules": "22" * 32, "records": 2, "indicators": indicators, "score": 500_000}
    report = Document.make("quality-report", **members)
    attest = Act.make(
        "AttestQuality",
        signer=names["signer"],
        rules="22" * 32,
        score=500_000,
        self_attested=False,
        document=report.digest,
        prior="11" * 32,
        valid_until=1,
    )
    assert disagreements(attest, [report]) == []
    for field in ("rules", "prior"):
        assert len(disagreements(attest.replace(**{field: "33" * 32}), [report])) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_canonical_bytes_read_back(value: dict[str, Any]) -> None:
    try:
        body = canonical_bytes(value)
    except InvalidDocument:
        return
    assert parse_json(body) == value == json.loads(body)
    assert canonical_bytes(parse_json(body)) == body


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_refused(body: bytes) -> None:
    with pytest.raises(InvalidDocument):
        Document.parse(body)
