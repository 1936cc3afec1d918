"""What can be wrong with an act: its fields, its signatures, its bytes. One fault at a time; not every one is fatal."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from ledger.domain.acts import ActType, Duty, Kind
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.permissions import PERMISSIONS
from ledger.domain.state import Key
from tests.contracts.pools import NUMBERS, Pools
from tests.contracts.signing import ORDER

Fields = dict[str, Any]
MALFORMED = (b"two words", b"\0late", b"in\0ner", b"tilde~", b"\xff" * 32, b"at@", b"colon:", b"(", b"A" * 31 + b" ")

_NONE: Final = (ZERO_DIGEST,)
_ANY: Final = {"document": _NONE}
_RANK: Final = {"level": (0, 6), "roles": (31, 32)}
EDGES: Final[dict[str, dict[str, tuple[Any, ...]]]] = {
    "RegisterDepartment": {**_RANK, "department": ("",)},
    "ChangeDepartment": _RANK,
    "EnrolKey": {"kind": (0, 3), "duty": (0, 4), "custody": (0, 3), "until": (1,)},
    "RetireKey": {"reason": (0, 5), "since": (2**48 - 1,)},
    "AdmitModule": {"code_hash": _NONE, "module": (ZERO_ADDRESS,)},
    "SubmitDataset": {
        "dataset": ("",),
        "share_type": (0, 3, 4),
        "grade": (0, 6, 7),
        "basis": _NONE,
        "conditions": _NONE,
        "document": _NONE,
    },
    "AnchorVersion": {"number": (0, 2**32 - 1), "format": ("",), "root": _NONE},
    "ShredVersion": {"number": (0, 2**32 - 1)},
    "GrantShare": {"basis": _NONE, "document": _NONE, "until": (0,)},
    "RequestShare": {"document": _NONE, "until": (0,)},
    "AgreeShare": {"document": _NONE, "until": (0,)},
    "DeliverShare": {"method": (0, 5), "version": _NONE},
    "EndShare": {"cause": (0, 6)},
    "AttestQuality": {"score": (1_000_000, 1_000_001), "document": _NONE},
    "ResolveCorrection": {"outcome": (0, 3)},
    "PublishRule": {"rule": ("",), "kind": (0, 4), "document": _NONE},
    "PublishCheckpoint": {"log": ("",), "size": (0,), "root": _NONE},
}


# fields: each function changes them in place


def another_value(pools: Pools, act: ActType, fields: Fields) -> None:
    field = pools.rng.choice(act.fields[1:-2] or act.fields)
    fields[field.name] = pools.any_value(field)


def another_prior(pools: Pools, act: ActType, fields: Fields) -> None:
    fields["prior"] = pools.rng.choice([ZERO_DIGEST, pools.digest(), pools.any_digest()])


def another_number(pools: Pools, act: ActType, fields: Fields) -> None:
    """Out of its range, or just another."""
    numbers = [field for field in act.fields[1:-2] if field.kind in NUMBERS or field.kind is Kind.FLAG]
    field = pools.rng.choice(numbers or act.fields)
    fields[field.name] = pools.any_value(field)


def another_object(pools: Pools, act: ActType, fields: Fields) -> None:
    """With the prior that it would need."""
    named = [field for field in act.fields[1:-2] if field.kind in (Kind.CODE, Kind.ADDRESS)]
    named += [field for field in act.fields if field.name in ("share", "attestation", "correction", "version")]
    field = pools.rng.choice(named or act.fields)
    fields[field.name] = pools.any_value(field)
    fields["prior"] = pools.continued(act.name, fields)


def at_the_edge(pools: Pools, act: ActType, fields: Fields) -> None:
    """A field just beyond, or just within, what its act's own rules allow."""
    if act.name == "ChangeDepartment" and pools.chance(0.3):
        return into_itself(pools, act, fields)
    name, values = pools.rng.choice(list(EDGES.get(act.name, _ANY).items()))
    fields[name] = pools.rng.choice(values)


def into_itself(pools: Pools, act: ActType, fields: Fields) -> None:
    """A department that would lie below itself; an object named where another must be."""
    if act.name == "ChangeDepartment":
        fields["parent"] = pools.rng.choice(pools.inside(fields["department"])).code
    else:
        another_object(pools, act, fields)


def too_late(pools: Pools, act: ActType, fields: Fields) -> None:
    fields["valid_until"] = pools.rng.choice([0, pools.now - 1000, pools.now - 1, pools.now])


def widened(pools: Pools, act: ActType, fields: Fields) -> None:
    """Times just beyond what they may be."""
    times = [field.name for field in act.fields[:-1] if field.kind is Kind.TIME]
    for name in times:
        fields[name] = pools.rng.choice([min(fields[name] + 1, 2**48 - 1), pools.now, pools.now + 1, 2**48 - 1])


def another_key(pools: Pools, act: ActType, fields: Fields) -> None:
    fields["signer"] = pools.any_key()


def another_party(pools: Pools, act: ActType, fields: Fields) -> None:
    """A key in force with the duty the act needs, of whatever department."""
    duty = PERMISSIONS[act.name][0]
    fit = [key for key in pools.state.all(Key) if key.duty >= duty and pools.in_force(key) and pools.holds(key)]
    fields["signer"] = pools.rng.choice(fit).address


def lesser_key(pools: Pools, act: ActType, fields: Fields) -> None:
    """The same department's, of any duty, retired, expired and not yet valid ones among them."""
    signer = pools.state.get(Key, fields["signer"])
    own = [key for key in pools.state.all(Key) if signer is not None and key.department == signer.department]
    spent = [key for key in own if not pools.in_force(key) or key.duty < Duty.DIRECTOR]
    fields["signer"] = pools.rng.choice(spent or own or list(pools.state.all(Key))).address


def spent_key(pools: Pools, act: ActType, fields: Fields) -> None:
    spent = [key.address for key in pools.state.all(Key) if not pools.in_force(key)]
    fields["signer"] = pools.rng.choice(spent) if spent else pools.any_key()


FIELD_FAULTS: Final[tuple[Callable[[Pools, ActType, Fields], None], ...]] = (
    another_value,
    another_number,
    at_the_edge,
    another_object,
    into_itself,
    another_prior,
    too_late,
    widened,
    another_key,
    another_party,
    another_party,
    lesser_key,
    spent_key,
)


# signatures: each function answers the list to send in place of the right one


def by_another_hand(pools: Pools, right: list[bytes], digest: str) -> list[bytes]:
    return [pools.cast.sign(pools.any_key(), digest), *right[1:]]


def over_another_digest(pools: Pools, right: list[bytes], digest: str) -> list[bytes]:
    return [pools.cast.sign(pools.any_key(), pools.digest()), *right[1:]]


def miscounted(pools: Pools, right: list[bytes], digest: str) -> list[bytes]:
    return pools.rng.choice([[], right[:-1], [*right, right[0]], [*right, *right]])


def swapped(pools: Pools, right: list[bytes], digest: str) -> list[bytes]:
    return right[::-1] if len(right) > 1 else [right[0][32:64] + right[0][:32] + right[0][64:]]


def misshapen(pools: Pools, right: list[bytes], digest: str) -> list[bytes]:
    at = pools.rng.randrange(len(right))
    return [*right[:at], _misshape(pools.rng, right[at]), *right[at + 1 :]]


def _misshape(rng: Random, good: bytes) -> bytes:
    r, s, v = good[:32], good[32:64], good[64:65]
    upper = ORDER - int.from_bytes(s, "big")
    other = bytes([(27 + 28 - v[0]) % 256])
    return rng.choice(
        [
            b"",
            good[:64],
            good + b"\0",
            good + bytes(4096 - len(good)),
            good + bytes(4097 - len(good)),
            r + s + other,
            r + s + bytes([(v[0] - 27) % 256]),
            r + s + b"\0",
            r + s + b"\x1d",
            r + (upper % ORDER).to_bytes(32, "big") + other,
            bytes(32) + s + v,
            r + bytes(32) + v,
            ORDER.to_bytes(32, "big") + s + v,
            b"\xff" * 65,
        ]
    )


SIGNATURE_FAULTS: Final[tuple[Callable[[Pools, list[bytes], str], list[bytes]], ...]] = (
    by_another_hand,
    over_another_digest,
    miscounted,
    swapped,
    misshapen,
    misshapen,
)


def dirty_words(rng: Random, act: ActType, words: bytes) -> bytes:
    """One word with bits above its type, or with a code that is none: no act at all."""
    fields = [(at, field.kind) for at, field in enumerate(act.fields) if field.kind is not Kind.DIGEST]
    at, kind = rng.choice(fields)
    if kind is Kind.CODE:
        word = rng.choice(MALFORMED).ljust(32, b"\0")
    else:
        bits = {Kind.ADDRESS: 160, Kind.TIME: 48, Kind.U8: 8, Kind.U16: 16, Kind.U32: 32, Kind.U64: 64, Kind.FLAG: 1}
        above = 1 << rng.randrange(bits[kind], 256)
        word = (int.from_bytes(words[32 * at : 32 * at + 32], "big") | above).to_bytes(32, "big")
    return words[: 32 * at] + word + words[32 * at + 32 :]
