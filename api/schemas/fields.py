"""The forms of single values in paths, queries and bodies."""

from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema

from ledger.domain.acts import Kind
from ledger.domain.forms import BITS
from ledger.domain.identifiers import any_address
from ledger.errors import InvalidInput

CODE_FORM: Final = r"^[0-9A-Za-z./_-]{1,32}$"
DIGEST_FORM: Final = r"^[0-9a-f]{64}$"
ADDRESS_FORM: Final = r"^0x[0-9a-fA-F]{40}$"
MOST_U64: Final = 2**64 - 1


def _address(value: object) -> str:
    try:
        return any_address(value)
    except InvalidInput as error:
        raise ValueError(error.detail) from None


def _u64(value: object) -> str:
    """A decimal string; a JSON number is taken too, and written as one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_U64:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        number = int(value)
        if str(number) == value and number <= MOST_U64:
            return value
    raise ValueError("not a whole number from 0 to 2^64 - 1, as a decimal string or a number")


Code = Annotated[str, Field(pattern=CODE_FORM, description="code: 1 to 32 of 0-9 A-Z a-z - . / _")]
Digest = Annotated[str, Field(pattern=DIGEST_FORM, description="64 lower-case hex digits")]
Address = Annotated[
    str,
    BeforeValidator(_address),
    WithJsonSchema({"type": "string", "pattern": ADDRESS_FORM, "description": "0x and 40 hex digits"}),
]
U64 = Annotated[
    str,
    BeforeValidator(_u64),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": "^(0|[1-9][0-9]{0,19})$"}, {"type": "integer", "minimum": 0}],
            "description": "decimal string; a number is accepted",
        }
    ),
]
Time = Annotated[int, Field(ge=0, lt=1 << 48, description="unix seconds")]
Members = dict[str, Any]
DocumentObject = Annotated[
    Members,
    Field(description="a document's members; `salt` is made up if it is left out, `kind` if only one is possible"),
]


def _number(kind: Kind) -> Any:
    return Annotated[int, Field(ge=0, lt=1 << BITS[kind])]


KINDS: Final[dict[Kind, Any]] = {
    Kind.ADDRESS: Address,
    Kind.CODE: Code,
    Kind.DIGEST: Digest,
    Kind.TIME: Time,
    Kind.FLAG: StrictBool,
    Kind.U8: _number(Kind.U8),
    Kind.U16: _number(Kind.U16),
    Kind.U32: _number(Kind.U32),
    Kind.U64: U64,
}
"""The body's type of an act's field."""

# ---- paths: a code's / is written ~ there, which no code contains ------------------------------------------------

_PATH_CODE: Final = r"^[0-9A-Za-z.~_-]{1,32}$"


def code_of(segment: str) -> str:
    """The code that a path segment means."""
    return segment.replace("~", "/")


CodeInPath = Annotated[str, Path(pattern=_PATH_CODE, description="code, its / written as ~", examples=["341500.tjj"])]
DigestInPath = Annotated[str, Path(pattern=DIGEST_FORM, description="64 lower-case hex digits")]
AddressInPath = Annotated[str, Path(pattern=ADDRESS_FORM, description="0x and 40 hex digits")]
EntryInPath = Annotated[
    str, Path(pattern=r"^([0-9]{1,19}|[0-9a-f]{64})$", description="index, or digest of the act", examples=["0"])
]

PATH_TYPES: Final[dict[str, Any]] = {
    "department": CodeInPath,
    "dataset": CodeInPath,
    "key": AddressInPath,
    "share": DigestInPath,
    "version": DigestInPath,
    "attestation": DigestInPath,
    "correction": DigestInPath,
}
