"""Replay as it is usually written: web3.py's get_logs, its event decoding, one ORM object an entry, no state.

The database is SQLite with the product's own settings (WAL, synchronous=FULL), a commit a range of blocks.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from web3 import HTTPProvider, Web3

from ledger.chain.artifacts import artifact
from ledger.domain.manifest import Manifest

BLOCKS = 16


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    __tablename__ = "entries"

    index: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    department: Mapped[str] = mapped_column(index=True)
    marks: Mapped[int]
    head: Mapped[str]
    time: Mapped[int]
    act: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    signatures: Mapped[list[str]] = mapped_column(sa.JSON)
    block: Mapped[int]
    transaction: Mapped[str]


def entries_per_second(url: str, manifest: Manifest, first: int, last: int, folder: Path) -> float:
    """Of the entries in blocks first … last of the node at `url`."""
    engine = sa.create_engine(f"sqlite:///{folder / 'orm.sqlite3'}")
    sa.event.listen(engine, "connect", _prepare)
    _Base.metadata.create_all(engine)
    web3 = Web3(HTTPProvider(url))
    events = _events(web3, manifest)
    count = 0
    began = time.perf_counter()
    for start in range(first, last + 1, BLOCKS):
        rows = list(_rows(web3, manifest, events, start, min(start + BLOCKS - 1, last)))
        with Session(engine) as session:
            session.add_all(rows)
            session.commit()
        count += len(rows)
    rate = count / (time.perf_counter() - began)
    engine.dispose()
    return rate


def _events(web3: Web3, manifest: Manifest) -> dict[bytes, Any]:
    """By topic: the event of each act, and the Journal's own."""
    found: dict[bytes, Any] = {}
    for module, address in manifest.modules.items():
        contract = web3.eth.contract(web3.to_checksum_address(address), abi=artifact(str(module))["abi"])
        for event in contract.events:
            found[bytes(Web3.keccak(text=event.signature))] = event()
    return found


def _rows(web3: Web3, manifest: Manifest, events: dict[bytes, Any], first: int, last: int) -> Iterator[_Row]:
    addresses = [Web3.to_checksum_address(address) for address in manifest.modules.values()]
    logs = web3.eth.get_logs({"fromBlock": first, "toBlock": last, "address": addresses})
    recorded: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for log in logs:
        event = events[bytes(log["topics"][0])].process_log(log)
        by_digest = recorded if event["event"] == "Recorded" else told
        by_digest[event["args"]["digest"].hex()] = event
    for digest, event in recorded.items():
        fields = told[digest]["args"]
        yield _Row(
            index=event["args"]["index"],
            kind=told[digest]["event"],
            digest=digest,
            department=fields["department"].rstrip(b"\0").decode(),
            marks=fields["marks"],
            head=event["args"]["head"].hex(),
            time=event["args"]["time"],
            act={name: value.hex() if isinstance(value, bytes) else value for name, value in fields["act"].items()},
            signatures=[raw.hex() for raw in event["args"]["signatures"]],
            block=event["blockNumber"],
            transaction=event["transactionHash"].hex(),
        )


def _prepare(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
