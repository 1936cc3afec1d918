"""Examples that are real: documents of their kind, and values as the ledger writes them."""

from typing import Any, Final

from ledger.domain.acts import ActType, Kind
from ledger.domain.document_kinds import ACT_DOCUMENTS, PARTS
from ledger.domain.shapes import kind_members, members_of

SHARE: Final = "6ad35d6cc0e3c1b1c7c7ee0bd3c2b0a9c3c85f5b0a7a9e4f1a45d1e2f3b4c5d6"
DIGEST: Final = "8c52c7da6938aa2745bb1795e8c9e857ca02d3c0084c66408bd6b459e8b2bca0"
ADDRESS: Final = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
UNTIL: Final = 1798732799

_VALUES: Final[dict[str, Any]] = {
    "text": "统计用区划代码",
    "texts": ["统计用区划代码"],
    "code": "341500.tjj",
    "digest": DIGEST,
    "natural": 1,
    "naturals": [1],
    "time": UNTIL,
    "date": "2026-12-31",
    "dates": ["2026-10-01"],
    "flag": True,
    "object": {},
}
_NAMED: Final[dict[str, Any]] = {
    "department": "341500.tjj",
    "consumer": "341500.gjj",
    "parent": "341500.sjj",
    "dataset": "341500/tjj/area-codes",
    "purpose": "核对住房公积金缴存单位所在区划",
    "scenario": "住房公积金缴存核验",
    "reasons": "核验工作已完成",
    "law": "政务数据共享条例",
    "article": "第十六条",
    "holder": "市统计局数据管理科",
    "provider": "六安市统计局",
    "name": "统计用区划代码",
    "share": SHARE,
    "update_cycle": "yearly",
    "class": "base",
    "pattern": "[0-9]{12}",
    "items": ["code", "name"],
    "rows": "全部",
    "year": 2026,
    "first_year": 2026,
    "last_year": 2026,
    "format": "share-record/1",
    "log": "entries",
    "rule": "calendar",
    "level": 3,
    "roles": 6,
    "duty": 2,
    "custody": 2,
    "number": 1,
    "records": "620573",
    "size": "31457280",
    "score": 1000000,
    "self_attested": False,
    "salted": True,
    "whole": True,
    "working_days": 10,
    "since": 1767225600,
    "start": 0,
    "until": UNTIL,
}


def sample_document(kind: str) -> dict[str, Any]:
    """A document of the kind with the members it must have, without its salt."""
    return {"kind": kind, **_members(kind_members(kind))}


def _members(members: dict[str, tuple[str, bool]]) -> dict[str, Any]:
    return {name: _value(name, shape) for name, (shape, needed) in members.items() if needed}


def _value(name: str, shape: str) -> Any:
    part = shape.removesuffix("*")
    if part in PARTS:
        value = _members(members_of(PARTS[part]))
        return [value] if shape.endswith("*") else value
    named = _NAMED.get(name)
    return named if isinstance(named, type(_VALUES[shape])) else _VALUES[shape]


def sample_field(act: ActType, name: str, kind: Kind) -> Any:
    """A value of an act's field, as a body holds it."""
    if kind is Kind.DIGEST:
        return SHARE if name == "share" else DIGEST
    if kind is Kind.ADDRESS:
        return ADDRESS
    if name in _NAMED:
        return _NAMED[name]
    return {Kind.CODE: "341500.tjj", Kind.TIME: UNTIL, Kind.FLAG: True, Kind.U64: "1"}.get(kind, 1)


def sample_body(act: ActType, fields: list[str], optional: frozenset[str]) -> dict[str, Any]:
    """A body with every field that must be there, and the act's document."""
    kinds = {field.name: field.kind for field in act.fields}
    body = {name: sample_field(act, name, kinds[name]) for name in fields if name not in optional}
    documents = ACT_DOCUMENTS[act.name]
    for name in (one for one in ("document", "mandate") if one in documents):
        body[name] = sample_document(documents[name][0])
    return body
