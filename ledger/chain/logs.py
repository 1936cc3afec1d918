"""Logs → entries. A pair of logs makes an entry: Journal's `Recorded` and the module's own event of the same digest.

Nothing here is believed because a node said it: gaps, heads and digests are checked by the follower and the audit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ledger.chain.encoding import RECORDED_TOPIC, RETURNED_TOPIC, WORD, byte_strings, event_topic
from ledger.domain.acts import ACTS, Mark
from ledger.domain.entries import Entry
from ledger.domain.identifiers import code_from_bytes
from ledger.domain.keccak import keccak256
from ledger.domain.refusals import decode
from ledger.domain.values import Act
from ledger.errors import InvalidInput, NotReady, Refused, Unavailable

Log = Mapping[str, Any]
ACT_OF_TOPIC = {event_topic(act): act for act in ACTS.values()}
_HEADER = 3 * WORD  # head, department, marks


def entries_from(logs: Sequence[Log], journal: str) -> Iterator[Entry]:
    """Entries in the order of the Journal's logs. Raises Unavailable on logs that no honest node gives.

    Raises NotReady for an entry of a module that was admitted later and whose acts this program does not know.
    """
    logs = [log for log in logs if log["topics"]]
    events = {(log["address"], log["topics"][1]): log for log in logs if log["topics"][0] in ACT_OF_TOPIC}
    strange = {(log["address"], log["topics"][1]) for log in logs if len(log["topics"]) > 1} - events.keys()
    for log in logs:
        if not _records(log, journal):
            continue
        _, index, module, digest = log["topics"]
        origin = ("0x" + module[26:], digest)
        if origin in events:
            yield _entry(log, events[origin])
        elif origin in strange:
            raise NotReady(
                f"entry {int(index, 16)} is an act of module {origin[0]} that this program does not know",
                remedy="Run a version of this program that knows the module.",
            )
        else:
            raise Unavailable(f"the node gave entry {int(index, 16)} without its module's event")


def recording_modules(logs: Iterable[Log], journal: str) -> set[str]:
    """The addresses that the Journal names as recording."""
    return {"0x" + log["topics"][2][26:] for log in logs if _records(log, journal)}


def _records(log: Log, journal: str) -> bool:
    return bool(log["address"] == journal and log["topics"] and log["topics"][0] == RECORDED_TOPIC)


def _entry(recorded: Log, event: Log) -> Entry:
    _, index, module, digest = recorded["topics"]
    try:
        said, detail = bytes.fromhex(recorded["data"][2:]), bytes.fromhex(event["data"][2:])
        return Entry(
            index=int(index, 16),
            module="0x" + module[26:],
            act=Act.from_words(ACT_OF_TOPIC[event["topics"][0]].name, detail[_HEADER:]),
            digest=digest[2:],
            signatures=byte_strings(said, 2 * WORD),
            department=code_from_bytes(detail[WORD : 2 * WORD]),
            marks=Mark(int.from_bytes(detail[2 * WORD : _HEADER], "big")),
            time=int.from_bytes(said[WORD : 2 * WORD], "big"),
            head=said[:WORD].hex(),
            block_number=int(recorded["blockNumber"], 16),
            block_hash=recorded["blockHash"],
            transaction=recorded["transactionHash"],
        )
    except (ValueError, IndexError, InvalidInput) as error:
        raise Unavailable(f"the node gave a log that cannot be read: {error}") from error


def returned_from(logs: Iterable[Log], courier: str) -> dict[str, Refused]:
    """keccak256 of an act's calldata (64 hex digits) → why the module refused it."""
    found: dict[str, Refused] = {}
    for log in logs:
        if log["address"] == courier and log["topics"][0] == RETURNED_TOPIC:
            raw = bytes.fromhex(log["data"][2:])
            size = int.from_bytes(raw[WORD : 2 * WORD], "big")
            found[log["topics"][3][2:]] = decode(raw[2 * WORD : 2 * WORD + size])
    return found


def call_hash(call: bytes) -> str:
    return keccak256(call).hex()
