"""A fingerprint: everything about a payload that is anchored, so that a proof never brings its own root or count."""

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from ledger.errors import InvalidProof

RECORD = "share-record/1"
RECORD_SD = "share-record-sd/1"
FILE = "share-file/1"
FORMATS = (RECORD, RECORD_SD, FILE)
DIGEST_BYTES = 32
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """(format, salted, schema, root, records), with the payload's bytes and the SM3 root where they are known.

    `schema` is the schema's digest, 32 zero bytes for a file. `records` counts records, or chunks of 1 MiB of a file.
    """

    format: str
    salted: bool
    schema: bytes
    root: bytes
    records: int
    size: int | None = None
    twin_root: bytes | None = None

    def __post_init__(self) -> None:
        """Raises InvalidProof if a member cannot be."""
        if self.format not in FORMATS:
            raise InvalidProof(f"The fingerprint's format must be one of {', '.join(FORMATS)}.", member="format")
        if not isinstance(self.salted, bool):
            raise InvalidProof("The fingerprint's salted flag must be true or false.", member="salted")
        if self.format == RECORD_SD and not self.salted:
            raise InvalidProof(f"{RECORD_SD} is always salted.", member="salted")
        for member in ("schema", "root", "twin_root"):
            value = getattr(self, member)
            if not (member == "twin_root" and value is None) and (
                not isinstance(value, bytes) or len(value) != DIGEST_BYTES
            ):
                raise InvalidProof(f"The fingerprint's {member} must have 32 bytes.", member=member)
        for member in ("records", "size"):
            value = getattr(self, member)
            if not (member == "size" and value is None) and not is_count(value):
                raise InvalidProof(f"The fingerprint's {member} must be a count.", member=member)

    @classmethod
    def from_json(cls, value: Any) -> "Fingerprint":
        """Read what `to_json` wrote. Raises InvalidProof."""
        members = object_members(value, {"format", "salted", "schema", "root", "records"}, {"size", "twin_root"})
        twin = members.get("twin_root")
        return cls(
            members["format"],
            members["salted"],
            from_hex(members["schema"], "schema", DIGEST_BYTES),
            from_hex(members["root"], "root", DIGEST_BYTES),
            members["records"],
            members.get("size"),
            None if twin is None else from_hex(twin, "twin_root", DIGEST_BYTES),
        )

    def to_json(self) -> dict[str, Any]:
        """Digests in lower-case hex; `size` and `twin_root` only where known."""
        value: dict[str, Any] = {
            "format": self.format,
            "salted": self.salted,
            "schema": self.schema.hex(),
            "root": self.root.hex(),
            "records": self.records,
        }
        if self.size is not None:
            value["size"] = self.size
        if self.twin_root is not None:
            value["twin_root"] = self.twin_root.hex()
        return value


def is_count(value: Any) -> bool:
    """A whole number that fits 64 bits unsigned."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def from_hex(value: Any, member: str, length: int | None = None) -> bytes:
    """Lower-case hex of `length` bytes (any number if None). Raises InvalidProof naming the member."""
    if not isinstance(value, str) or not _HEX.fullmatch(value) or (length is not None and len(value) != 2 * length):
        raise InvalidProof(f"{member} must be lower-case hex{f' of {length} bytes' if length else ''}.", member=member)
    return bytes.fromhex(value)


def object_members(value: Any, required: Set[str], optional: Set[str] = frozenset()) -> dict[str, Any]:
    """`value` as an object with exactly these members. Raises InvalidProof naming those missing or unknown."""
    if not isinstance(value, dict):
        raise InvalidProof("An object is expected.")
    missing, unknown = sorted(required - value.keys()), sorted(map(str, value.keys() - required - optional))
    if missing or unknown:
        raise InvalidProof(
            f"Members missing: {', '.join(missing) or 'none'}; unknown: {', '.join(map(ascii, unknown)) or 'none'}.",
            missing=missing,
            unknown=unknown,
        )
    return value
