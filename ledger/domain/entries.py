"""An entry: an act the ledger recorded, with its index, time and head."""

from dataclasses import dataclass

import orjson

from ledger.domain.acts import Mark
from ledger.domain.identifiers import format_signature
from ledger.domain.values import Act


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger.

    `index` counts from 0 without gaps over all modules; `head` is the running hash after this entry; `time` is the
    block's, in unix seconds. `department` and `marks` are the event's claim; `ledger.domain.apply` derives them anew.
    The block's number and hash and the transaction's hash (digests without 0x) tell where the entry stood on this
    chain; they are not part of the entry's bytes.
    """

    index: int
    module: str  # the module contract's address
    act: Act
    digest: str  # the act's EIP-712 digest
    signatures: tuple[bytes, ...]
    department: str
    marks: Mark
    time: int
    head: str
    block_number: int = 0
    block_hash: str = ""
    transaction: str = ""

    @property
    def kind(self) -> str:
        """What happened, in the past tense: ShareAgreed."""
        return self.act.type.entry

    @property
    def signer(self) -> str | None:
        return self.act.signer

    def entry_bytes(self) -> bytes:
        """The leaf of the entry log: RFC 8785 JSON of act, head, index, kind, module, signatures, signer and time.

        Numbers by type: `time` (uint48) is a JSON number; `index` (uint256) and the act's uint64 fields are decimal
        strings. Signatures are 0x hex; the signer of entry 0 is null.
        """
        members = {
            "act": self.act.typed_json(),
            "head": self.head,
            "index": str(self.index),
            "kind": self.kind,
            "module": self.module,
            "signatures": [format_signature(signature) for signature in self.signatures],
            "signer": self.signer,
            "time": self.time,
        }
        # Sorting by UTF-8 is RFC 8785's order, and orjson's text is its text, because every member name and string
        # here is printable ASCII without quotes or backslashes and every number an integer below 2^53.
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
