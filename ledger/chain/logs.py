"""Logs → entries. A pair of logs makes an entry: Journal's `Recorded` and the module's own event of the same digest.

Nothing here is believed because a node said it: gaps, heads and signatures are checked by the follower and the audit.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ledger.chain.encoding import RECORDED_TOPIC, RETURNED_TOPIC, WORD, byte_strings, event_topic
from ledger.domain.acts import ACTS, Mark
from ledger.domain.entries import Entry
from ledger.domain.identifiers import code_from_bytes
from ledger.domain.keccak import keccak256
from ledger.domain.refusals import decode
from ledger.domain.values import Act
from ledger.errors import Refused, Unavailable

Log = Mapping[str, Any]
ACT_OF_TOPIC = {event_topic(act): act for act in ACTS.values()}
_HEADER = 3 * WORD  # head, department, marks


def entries_from(logs: Iterable[Log], journal: str) -> Iterator[Entry]:
    """Entries in the order of the Journal's logs. Raises Unavailable on logs that no honest node gives."""
    waiting: dict[str, Log] = {}
    recorded: list[Log] = []
    for log in logs:
        topic = log["topics"][0]
        if topic == RECORDED_TOPIC and log["address"] == journal:
            recorded.append(log)
        elif topic in ACT_OF_TOPIC:
            waiting[log["topics"][1]] = log
    for log in recorded:
        event = waiting.get(log["topics"][3])
        if event is None:
            raise Unavailable(f"the node gave entry {int(log['topics'][1], 16)} without its module's event")
        yield _entry(log, event)


def _entry(recorded: Log, event: Log) -> Entry:
    data, detail = bytes.fromhex(recorded["data"][2:]), bytes.fromhex(event["data"][2:])
    _, index, module, digest = recorded["topics"]
    try:
        return Entry(
            index=int(index, 16),
            module="0x" + module[26:],
            act=Act.from_words(ACT_OF_TOPIC[event["topics"][0]].name, detail[_HEADER:]),
            digest=digest[2:],
            signatures=byte_strings(data, 2 * WORD),
            department=code_from_bytes(detail[WORD : 2 * WORD]),
            marks=Mark(int.from_bytes(detail[2 * WORD : _HEADER], "big")),
            time=int.from_bytes(data[WORD : 2 * WORD], "big"),
            head=data[:WORD].hex(),
            block_number=int(recorded["blockNumber"], 16),
            block_hash=recorded["blockHash"],
            transaction=recorded["transactionHash"],
        )
    except (ValueError, IndexError) as error:
        raise Unavailable(f"the node gave a log that cannot be read: {error}") from error


def returned_from(logs: Iterable[Log], courier: str) -> dict[str, Refused]:
    """keccak256 of an act's calldata (64 hex digits) → why the module refused it."""
    found: dict[str, Refused] = {}
    for log in logs:
        if log["address"] == courier and log["topics"][0] == RETURNED_TOPIC:
            data = bytes.fromhex(log["data"][2:])
            size = int.from_bytes(data[WORD : 2 * WORD], "big")
            found[log["topics"][3][2:]] = decode(data[2 * WORD : 2 * WORD + size])
    return found


def call_hash(call: bytes) -> str:
    return keccak256(call).hex()
