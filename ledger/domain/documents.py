"""Documents: what an act says in words, as canonical JSON whose SHA-256 the act carries.

The bytes are RFC 8785 (JCS) with members `kind` and `salt`: 16 random bytes in base64url, so that a digest on chain
cannot be guessed back. Numbers are integers up to 2^53 - 1. Names of members are English; values may be in any
language.
"""

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson
import rfc8785

from ledger.domain.acts import Grade, ShareType
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.nesting import nests_deeper
from ledger.domain.scopes import scope_faults
from ledger.domain.shapes import MAX_INTEGER, faults, kind_members
from ledger.domain.values import Act
from ledger.errors import InvalidDocument, TooLarge

MAX_DOCUMENT: Final = 1 << 20  # bytes
MAX_DEPTH: Final = 16
SALT_BYTES: Final = 16
PUBLIC_SALT: Final = base64.urlsafe_b64encode(bytes(SALT_BYTES)).rstrip(b"=").decode()
"""Of documents that hold nothing to guess and that everyone should derive alike, such as the national calendar."""

# A string, or a bracket outside strings. The closing quote is optional, so that one pass is enough for any bytes.

UPDATE_CYCLES: Final = ("real-time", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular")
LIBRARIES: Final = ("base", "topic", "department")


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a known kind. `members` has all but `kind` and `salt`; `body` is the canonical bytes."""

    kind: str
    salt: str
    members: Mapping[str, Any]
    body: bytes = field(repr=False)
    digest: str

    @classmethod
    def make(cls, kind: str, /, *, salt: str | None = None, **members: Any) -> Self:
        """A new document. Members that are None are left out. Raises InvalidDocument naming every fault, TooLarge."""
        given = {name: value for name, value in members.items() if value is not None}
        return cls.from_json({**given, "kind": kind, "salt": new_salt() if salt is None else salt})

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a parsed object, `kind` and `salt` among its members. Raises InvalidDocument, TooLarge."""
        if not isinstance(value, dict):
            raise InvalidDocument("a document is a JSON object")
        kind, salt, members = _checked(value)
        return cls._of(kind, salt, members, canonical_bytes(value))

    @classmethod
    def parse(cls, body: bytes, *kinds: str) -> Self:
        """From the very bytes, which must be canonical; of one of `kinds`, if any are given.

        Raises InvalidDocument: not JSON, a member twice, not canonical, not of its kind. Raises TooLarge.
        """
        known = _plainly_canonical(body)
        value = parse_json(body) if known is None else known
        if not isinstance(value, dict):
            raise InvalidDocument("a document is a JSON object")
        kind, salt, members = _checked(value)
        if kinds and kind not in kinds:
            raise InvalidDocument(f"the document is a {kind}, not a {' or '.join(kinds)}")
        if known is None and canonical_bytes(value) != body:
            raise InvalidDocument("the document's bytes are not canonical (RFC 8785)")
        return cls._of(kind, salt, members, body)

    @classmethod
    def _of(cls, kind: str, salt: str, members: dict[str, Any], body: bytes) -> Self:
        return cls(kind, salt, members, body, document_digest(body))

    def __getitem__(self, name: str) -> Any:
        return self.members[name]

    def get(self, name: str) -> Any:
        return self.members.get(name)

    def to_json(self) -> dict[str, Any]:
        return {**self.members, "kind": self.kind, "salt": self.salt}

    def part(self, name: str) -> "Document":
        """A new document that holds just one member of this one, so that an act can name its digest by itself.

        For `scope`, `conditions` and `basis`. Raises InvalidDocument if this document has none.
        """
        if name not in self.members:
            raise InvalidDocument(f"the {self.kind} has no {name}")
        return Document.make(name, **{name: self.members[name]})


def new_salt() -> str:
    """16 random bytes, base64url without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(SALT_BYTES)).rstrip(b"=").decode()


def document_digest(body: bytes) -> str:
    """SHA-256 of a document's bytes, 64 hex digits."""
    return hashlib.sha256(body).hexdigest()


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785. Raises InvalidDocument for what JSON or our limits do not know; TooLarge."""
    _check_tree(value)
    try:
        body = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise InvalidDocument(f"it has no canonical form: {error}") from error
    _check_size(body)
    return body


def _plainly_canonical(body: bytes) -> Any:
    """The value of bytes that are sure to be canonical, found out the quick way; None if that takes a closer look.

    Where all names are ASCII, orjson writes what RFC 8785 asks for: the same order (by UTF-8, not UTF-16), the same
    escapes, integers alike. So bytes that it would write again hold no member twice, no other spelling, no white space.
    """
    if len(body) > MAX_DOCUMENT:
        return None
    try:
        value = orjson.loads(body)
        _check_tree(value)
        same = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == body
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, InvalidDocument):
        return None
    return value if same and _ascii_names(value) else None


def _ascii_names(value: Any) -> bool:
    if isinstance(value, dict):
        return all(name.isascii() and _ascii_names(member) for name, member in value.items())
    return not isinstance(value, list) or all(map(_ascii_names, value))


def parse_json(body: bytes) -> Any:
    """Strictly: UTF-8 without BOM, no member twice, no fractions, no NaN. Raises InvalidDocument, TooLarge."""
    _check_size(body)
    try:
        text = body.decode("utf-8")
        if nests_deeper(text, MAX_DEPTH):
            raise InvalidDocument(f"nested deeper than {MAX_DEPTH}")
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"not UTF-8 at byte {error.start}") from error
    except ValueError as error:
        raise InvalidDocument(f"not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidDocument(f"the member {twice!r} stands twice")
    return members


def _refuse_number(text: str) -> Any:
    raise InvalidDocument(f"{text[:40]} is not an integer")


def _check_size(body: bytes) -> None:
    if len(body) > MAX_DOCUMENT:
        raise TooLarge(f"a document has at most {MAX_DOCUMENT} bytes, not {len(body)}", limit=MAX_DOCUMENT)


def _check_tree(value: Any, depth: int = 1) -> None:
    """Only JSON's types, integers within 2^53 - 1, not too deep."""
    if depth > MAX_DEPTH:
        raise InvalidDocument(f"nested deeper than {MAX_DEPTH}")
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > MAX_INTEGER:
                raise InvalidDocument(f"an integer lies beyond 2^53 - 1: {str(value)[:40]}")
        case dict():
            if not all(isinstance(name, str) for name in value):
                raise InvalidDocument("a member's name is not a text")
            for member in value.values():
                _check_tree(member, depth + 1)
        case list():
            for element in value:
                _check_tree(element, depth + 1)
        case _:
            raise InvalidDocument(f"a {type(value).__name__} has no place in a document")


def _checked(value: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    members = dict(value)
    kind, salt = members.pop("kind", None), members.pop("salt", None)
    if not isinstance(kind, str):
        raise InvalidDocument("the document names no kind")
    wrong = [] if _is_salt(salt) else ["salt is not 16 bytes in base64url without padding"]
    wrong += faults(members, kind_members(kind))
    if not wrong and kind == "dataset":
        wrong += _dataset_faults(members)
    if not wrong and isinstance(members.get("scope"), dict):
        wrong += scope_faults(members["scope"])
    if wrong:
        raise InvalidDocument(f"{kind}: {'; '.join(wrong)}", faults=wrong)
    return kind, str(salt), members


def _is_salt(salt: object) -> bool:
    if not isinstance(salt, str) or len(salt) != 22:
        return False
    try:
        raw = base64.b64decode(salt + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == salt


def _dataset_faults(members: Mapping[str, Any]) -> list[str]:
    """What the table cannot say: enumerations, and what each share type needs (Decree 809 arts. 13, 14)."""
    wrong = []
    if not 1 <= members["data_format"] <= 7:
        wrong.append("data_format is not 1 to 7")
    if members["update_cycle"] not in UPDATE_CYCLES:
        wrong.append(f"update_cycle is not one of {', '.join(UPDATE_CYCLES)}")
    if members["library"]["class"] not in LIBRARIES:
        wrong.append(f"library.class is not one of {', '.join(LIBRARIES)}")
    if members["grade"] not in set(Grade):
        wrong.append("grade is not 1 to 6")
    share_types = [members["share_type"], *(item.get("share_type", 1) for item in members["items"])]
    if not set(share_types) <= set(ShareType):
        wrong.append("share_type is not 1 to 3")
    if members["share_type"] == ShareType.CONDITIONAL and "conditions" not in members:
        wrong.append("conditions is missing: share_type is 2")
    if members["share_type"] == ShareType.NOT_SHARED and "basis" not in members:
        wrong.append("basis is missing: share_type is 3")
    return wrong


def disagreements(act: Act, documents: Iterable[Document]) -> list[str]:
    """Where an act and its documents contradict each other, each as one sentence; for whoever is about to sign.

    `documents` are those the act names by digest, as far as they are at hand: each must be of a kind that belongs
    there, a scalar field of the act must equal the member of that name in the act's document, and a document of
    `scope`, `conditions` or `basis` must say what the act's document says.
    """
    at_hand = {document.digest: document for document in documents if document.digest != ZERO_DIGEST}
    table = ACT_DOCUMENTS[act.name]
    wrong = []
    for name, kinds in table.items():
        named = at_hand.get(act[name])
        if named is not None and named.kind not in kinds:
            wrong.append(f"{name} is a {named.kind}, not a {' or '.join(kinds)}")
    main_field = "document" if "document" in table else next(iter(table), None)
    main = at_hand.get(act[main_field]) if main_field else None
    if wrong or main is None:
        return wrong
    for name in _PARTS & table.keys():
        part = at_hand.get(act[name])
        if part is not None and part.get(name) != main.get(name):
            wrong.append(f"the {name} is not that of the {main.kind}")
    return wrong + _unequal_fields(act, main)


_PARTS: Final = frozenset({"scope", "conditions", "basis"})
_PRIOR_IS: Final = {"AttestQuality": "version", "RequestCorrection": "version"}


def _unequal_fields(act: Act, document: Document) -> list[str]:
    wrong = []
    for column in act.type.fields:
        member = _PRIOR_IS.get(act.name, column.name) if column.name == "prior" else column.name
        said = document.get(member)
        if said is None or member in _PARTS or isinstance(said, dict | list):
            continue
        if said != act[column.name]:
            wrong.append(f"{member} is {act[column.name]!r} in the act and {said!r} in the {document.kind}")
    return wrong
