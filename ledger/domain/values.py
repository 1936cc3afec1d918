"""An act with its values: what a department signs.

`Act` is form only; whether the ledger's rules allow it is `ledger.domain.rules`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from ledger.domain.acts import ACTS, ActType, Kind
from ledger.domain.forms import CHECK, FROM_JSON, FROM_WORD, TO_WORD, Value, to_json
from ledger.errors import InvalidAct


@dataclass(frozen=True, slots=True)
class _Plan:
    """An act type's fields, laid out once for the loops that run thousands of times a second."""

    names: tuple[str, ...]
    typed_names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    wide: tuple[str, ...]  # fields whose JSON form is not the value itself
    checkers: tuple[Callable[[object], Value], ...]
    readers: tuple[Callable[[object], Value], ...]
    encoders: tuple[Callable[[Any], bytes], ...]
    decoders: tuple[Callable[[bytes], Value], ...]


@cache
def _plan(name: str) -> _Plan:
    fields = act_type(name).fields
    kinds = tuple(field.kind for field in fields)
    return _Plan(
        names=tuple(field.name for field in fields),
        typed_names=tuple(field.typed_name for field in fields),
        kinds=kinds,
        wide=tuple(field.name for field in fields if field.kind is Kind.U64),
        checkers=tuple(CHECK[kind] for kind in kinds),
        readers=tuple(FROM_JSON[kind] for kind in kinds),
        encoders=tuple(TO_WORD[kind] for kind in kinds),
        decoders=tuple(FROM_WORD[kind] for kind in kinds),
    )


def act_type(name: str) -> ActType:
    """The type of that name. Raises InvalidAct."""
    try:
        return ACTS[name]
    except (KeyError, TypeError):
        raise InvalidAct(f"there is no act {name!r}", known=sorted(ACTS)) from None


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `values` holds every field by its snake_case name, in the type's order; `act["share"]` reads one.

    Raises InvalidAct, naming the fields, if one is missing, unknown, of another Python type or out of range. Codes may
    be "" (zero) here, as a bytes32 may; the rules refuse that where a code must be given.
    """

    type: ActType
    values: Mapping[str, Value]

    def __post_init__(self) -> None:
        checked = _checked(self.type.name, self.values, _plan(self.type.name).checkers)
        object.__setattr__(self, "values", checked)

    @classmethod
    def make(cls, name: str, **fields: Value) -> Self:
        """An act from its fields. Raises InvalidAct."""
        return cls(act_type(name), fields)

    @classmethod
    def from_json(cls, name: str, values: object) -> Self:
        """An act from its JSON object with snake_case members, as `to_json` gives it. Raises InvalidAct."""
        kind_of_act = act_type(name)
        return cls._trusted(kind_of_act, _checked(name, values, _plan(name).readers))

    @classmethod
    def from_words(cls, name: str, words: bytes) -> Self:
        """An act from its ABI encoding, 32 bytes a field. Raises InvalidAct on another length or dirty bits."""
        plan = _plan(name)
        if len(words) != 32 * len(plan.names):
            raise InvalidAct(f"{name} has {len(plan.names)} words of 32 bytes, not {len(words)} bytes")
        values: dict[str, Value] = {}
        at = 0
        try:
            for field, decode in zip(plan.names, plan.decoders, strict=True):
                values[field] = decode(words[at : at + 32])
                at += 32
        except InvalidAct as error:
            raise InvalidAct(f"{name}.{plan.names[at // 32]} {error.detail}") from error
        return cls._trusted(ACTS[name], values)

    @classmethod
    def _trusted(cls, kind_of_act: ActType, values: dict[str, Value]) -> Self:
        """Without checking `values` a second time."""
        act = object.__new__(cls)
        object.__setattr__(act, "type", kind_of_act)
        object.__setattr__(act, "values", values)
        return act

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __hash__(self) -> int:
        return hash((self.type.name, tuple(self.values.values())))

    @property
    def name(self) -> str:
        return self.type.name

    @property
    def signer(self) -> str | None:
        """The signing key's address; None for entry 0, which nobody signs."""
        signer = self.values.get("signer")
        return signer if isinstance(signer, str) else None

    @property
    def signers(self) -> tuple[str, ...]:
        """The addresses whose signatures the act carries, in their order."""
        signed = ("signer", "key")[: self.type.signatures]
        return tuple(str(self.values[name]) for name in signed)

    def words(self) -> bytes:
        """The ABI encoding: one 32-byte word a field, in order (EIP-712 encodeData without the type hash)."""
        values = self.values.values()
        return b"".join([encode(value) for encode, value in zip(_plan(self.type.name).encoders, values, strict=True)])

    def to_json(self) -> dict[str, Value]:
        """Members by snake_case name; u64 as a decimal string."""
        shown = dict(self.values)
        for name in _plan(self.type.name).wide:
            shown[name] = to_json(Kind.U64, shown[name])
        return shown

    def typed_json(self) -> dict[str, Value]:
        """As `to_json`, under the typed data's camelCase names: the `act` member of entry bytes."""
        plan = _plan(self.type.name)
        return {
            name: to_json(kind, value)
            for name, kind, value in zip(plan.typed_names, plan.kinds, self.values.values(), strict=True)
        }

    def replace(self, **fields: Value) -> Self:
        """The same act with other fields. Raises InvalidAct."""
        return type(self)(self.type, {**self.values, **fields})


def _checked(name: str, given: object, readers: Sequence[Callable[[object], Value]]) -> dict[str, Value]:
    """Every field of the act, in order, each through its reader. Raises InvalidAct naming all that is wrong at once."""
    plan = _plan(name)
    try:
        if type(given) is dict and len(given) == len(plan.names):
            return {field: read(given[field]) for field, read in zip(plan.names, readers, strict=True)}
    except (KeyError, InvalidAct):
        pass  # said below, with all else that is wrong
    return _checked_slowly(name, given, readers)


def _checked_slowly(name: str, given: object, readers: Sequence[Callable[[object], Value]]) -> dict[str, Value]:
    if not isinstance(given, Mapping):
        raise InvalidAct(f"{name} is not an object with one member a field")
    plan = _plan(name)
    missing = [field for field in plan.names if field not in given]
    unknown = sorted(str(field) for field in given if field not in plan.names)
    wrong: dict[str, str] = {}
    values: dict[str, Value] = {}
    for field, read in zip(plan.names, readers, strict=True):
        if field not in given:
            continue
        try:
            values[field] = read(given[field])
        except InvalidAct as error:
            wrong[field] = error.detail
    if missing or unknown or wrong:
        raise InvalidAct(_complaint(name, missing, unknown, wrong), missing=missing, unknown=unknown, wrong=wrong)
    return values


def _complaint(name: str, missing: list[str], unknown: list[str], wrong: dict[str, str]) -> str:
    parts = [f"{field} {what}" for field, what in wrong.items()]
    if missing:
        parts.append(f"missing: {', '.join(missing)}")
    if unknown:
        parts.append(f"unknown: {', '.join(unknown)}")
    return f"{name}: {'; '.join(parts)}"
