"""The contracts' custom errors as Python classes: why the ledger refuses an act.

Every error of the Solidity interfaces is one line of `ledger.domain.refusal_table` and becomes one class here, below
`ledger.errors.Refused` and with a code of its own (`DatasetsNotPublished` → `datasets-not-published`). The same classes
are raised from a node's revert bytes (`decode`) and by the Python model of the rules (`ledger.domain.rules`).
"""

import re
from enum import IntEnum, IntFlag, StrEnum
from typing import Any, ClassVar, Final

from ledger.domain.acts import Duty, Role
from ledger.domain.identifiers import code_from_bytes, code_to_bytes, digest_to_bytes
from ledger.domain.keccak import keccak256
from ledger.domain.local_time import local_text
from ledger.domain.refusal_table import REFUSAL_TABLE
from ledger.domain.stages import Stage
from ledger.errors import InvalidCode, InvalidInput, Refused

SOME_BYTES: Final = 260  # the Courier keeps this much of a reason


class Sort(StrEnum):
    """What an argument of an error means: decides its ABI type and how a person reads it."""

    ADDRESS = "address"
    CODE = "code"
    DIGEST = "digest"
    TIME = "time"  # uint48, unix seconds
    NOW = "now"  # uint256, unix seconds
    COUNT = "count"  # uint256
    DUTY = "duty"  # uint8
    ROLES = "roles"  # uint16
    STAGE = "stage"  # uint8
    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"

    @property
    def solidity(self) -> str:
        return _SOLIDITY[self]


_SOLIDITY: Final = {
    Sort.ADDRESS: "address",
    Sort.CODE: "bytes32",
    Sort.DIGEST: "bytes32",
    Sort.TIME: "uint48",
    Sort.NOW: "uint256",
    Sort.COUNT: "uint256",
    Sort.DUTY: "uint8",
    Sort.ROLES: "uint16",
    Sort.STAGE: "uint8",
    Sort.U8: "uint8",
    Sort.U16: "uint16",
    Sort.U32: "uint32",
    Sort.U64: "uint64",
}


class Refusal(Refused):
    """A custom error with its arguments, in the order of the Solidity declaration.

    Codes are text, digests hex, addresses 0x hex, everything else an integer. `facts` holds them by name for a program
    (integers wider than 48 bits as decimal strings), `detail` reads them out for a person.
    """

    name: ClassVar[str] = ""
    parameters: ClassVar[tuple[tuple[str, Sort], ...]] = ()
    selector: ClassVar[bytes] = b""

    def __init__(self, *arguments: str | int) -> None:
        if len(arguments) != len(self.parameters):
            raise TypeError(f"{self.name} takes {len(self.parameters)} arguments, not {len(arguments)}")
        self.arguments = arguments
        named = [(name, sort, value) for (name, sort), value in zip(self.parameters, arguments, strict=True)]
        told = ", ".join(f"{name} {read_out(sort, value)}" for name, sort, value in named)
        facts: dict[str, Any] = {name: str(value) if _SOLIDITY[sort] in _WIDE else value for name, sort, value in named}
        super().__init__(f"{self.title}: {told}" if told else self.title, **facts)

    @classmethod
    def signature(cls) -> str:
        """The Solidity signature whose keccak starts with the selector."""
        return f"{cls.name}({','.join(sort.solidity for _, sort in cls.parameters)})"

    def encode(self) -> bytes:
        """The revert bytes: the selector and one word per argument."""
        words = (_to_word(sort, value) for (_, sort), value in zip(self.parameters, self.arguments, strict=True))
        return self.selector + b"".join(words)


_WIDE: Final = {"uint64", "uint256"}


class Reverted(Refused):
    """`Error(string)`: a plain require of a library, never one of our own rules."""

    code = "reverted"
    title = "The contract reverted with a message"
    title_zh = "合约回退"
    remedy = "The message is the contract's own; if it is not understood, report it with the act."


class Panicked(Refused):
    """`Panic(uint256)`: arithmetic, bounds or memory; a defect of a contract, not of the act."""

    code = "panicked"
    title = "The contract panicked"
    title_zh = "合约异常"
    remedy = "Report it with the act: no act should be able to cause this."


class UnknownRefusal(Refused):
    """Revert bytes that are no error of this ledger's contracts, or none at all (out of gas)."""

    code = "unknown-refusal"
    title = "The contract reverted for a reason this program does not know"
    title_zh = "未知的拒绝原因"
    remedy = "Compare the versions of program and contracts; no reason at all may mean too little gas."


def read_out(sort: Sort, value: str | int) -> str:
    """An argument for a person: times as ISO 8601 of Asia/Shanghai, numbers of an enumeration by name."""
    if isinstance(value, str):
        return value or "(none)"
    if sort in (Sort.TIME, Sort.NOW):
        return local_text(value)
    if sort is Sort.ROLES:
        return _names(Role, value)
    names: dict[Sort, type[IntEnum]] = {Sort.DUTY: Duty, Sort.STAGE: Stage}
    members = names.get(sort)
    if members is not None and value in members.__members__.values():
        return members(value).name.lower().replace("_", " ")
    return str(value)


def _names(flags: type[IntFlag], value: int) -> str:
    named = [flag.name.lower() for flag in flags if flag & value and flag.name]
    return "+".join(named) if named and sum(flag for flag in flags if flag & value) == value else str(value)


def _to_word(sort: Sort, value: str | int) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(32, "big")
    if sort is Sort.CODE:
        return code_to_bytes(value)
    return bytes.fromhex(value[2:]).rjust(32, b"\0") if sort is Sort.ADDRESS else digest_to_bytes(value)


def _from_word(sort: Sort, word: bytes) -> str | int:
    match sort:
        case Sort.CODE:
            try:
                return code_from_bytes(word)
            except InvalidCode:
                return "0x" + word.hex()  # CodesInvalid reports just such a word
        case Sort.DIGEST:
            return word.hex()
        case Sort.ADDRESS:
            return "0x" + word[12:].hex()
        case _:
            return int.from_bytes(word, "big")


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _class_of(line: str) -> type[Refusal]:
    declaration, title, title_zh, remedy = (part.strip() for part in line.split("|"))
    name, *arguments = declaration.split()
    parameters = tuple((argument, Sort(sort)) for argument, sort in (item.split(":") for item in arguments))
    members = {
        "__module__": __name__,
        "__doc__": f"{title}.",
        "name": name,
        "code": _kebab(name),
        "title": title,
        "title_zh": title_zh,
        "parameters": parameters,
    }
    refusal: type[Refusal] = type(name, (Refusal,), members | ({"remedy": remedy} if remedy else {}))
    refusal.selector = keccak256(refusal.signature().encode())[:4]
    return refusal


REFUSALS: Final[dict[str, type[Refusal]]] = {
    refusal.name: refusal for refusal in map(_class_of, filter(None, map(str.strip, REFUSAL_TABLE.splitlines())))
}
"""Every custom error by its Solidity name."""

BY_SELECTOR: Final[dict[bytes, type[Refusal]]] = {refusal.selector: refusal for refusal in REFUSALS.values()}

_ERROR_STRING: Final = bytes.fromhex("08c379a0")
_PANIC: Final = bytes.fromhex("4e487b71")


def __getattr__(name: str) -> Any:
    """`refusals.DatasetsUnknown` is `REFUSALS["DatasetsUnknown"]`."""
    try:
        return REFUSALS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def decode(reason: bytes) -> Refused:
    """The refusal that revert bytes mean; never raises. Bytes no error of ours can produce give UnknownRefusal."""
    selector, words = reason[:4], reason[4:]
    if selector == _ERROR_STRING:
        return _decode_message(words)
    if selector == _PANIC and len(words) == 32:
        number = int.from_bytes(words, "big")
        return Panicked(f"the contract panicked with code 0x{number:02x}", panic=str(number))
    refusal = BY_SELECTOR.get(selector)
    if refusal is None or len(words) != 32 * len(refusal.parameters):
        return _unknown(reason)
    arguments = [_from_word(sort, words[32 * at : 32 * at + 32]) for at, (_, sort) in enumerate(refusal.parameters)]
    return refusal(*arguments)


def _decode_message(words: bytes) -> Refused:
    """Error(string): offset, length, bytes; the Courier may have cut the end off."""
    if len(words) < 64 or int.from_bytes(words[:32], "big") != 32:
        return _unknown(_ERROR_STRING + words)
    length = int.from_bytes(words[32:64], "big")
    message = words[64 : 64 + min(length, SOME_BYTES)].decode("utf-8", "replace")
    return Reverted(f"the contract says: {message}", message=message)


def _unknown(reason: bytes) -> UnknownRefusal:
    shown = reason[:SOME_BYTES].hex()
    return UnknownRefusal(f"revert bytes 0x{shown}" if reason else "the revert carried no reason", reason="0x" + shown)


def refusal_from_name(name: str, *arguments: str | int) -> Refusal:
    """A refusal by its Solidity name. Raises InvalidInput for a name no contract declares."""
    if name not in REFUSALS:
        raise InvalidInput(f"the contracts declare no error {name!r}")
    return REFUSALS[name](*arguments)
