"""Every table. The first group can be dropped and rebuilt from the chain; the second cannot and belongs in a backup.

Digests, addresses and hashes are text in their JSON form, so that a person with a database client can read them.
Times of entries are unix seconds (the chain's); times of this product's own doings are unix milliseconds.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ledger.domain import state
from ledger.domain.state import StateObject

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# by code point, as SQLite and Python order: a database's own collation would break keyset pages, and its indexes when
# the system's rules of sorting change
Text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
Integer, Json, Bytes, Flag = sa.BigInteger, sa.JSON, sa.LargeBinary, sa.Boolean
# SQLite numbers rows by itself only in a column declared INTEGER
Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Unsigned64(sa.TypeDecorator[int]):
    """A uint64 in a signed column: what is above 2^63 - 1 is kept as its two's complement, so no act is too large."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:
        return self.signed(value)

    @staticmethod
    def signed(value: int | None) -> int | None:
        return value - (1 << 64) if value is not None and value >= 1 << 63 else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return self.unsigned(value)

    @staticmethod
    def unsigned(value: Any) -> Any:
        return value + (1 << 64) if isinstance(value, int) and value < 0 else value


def _column(name: str, kind: Any, **options: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False, **options)  # type: ignore[arg-type]


# ---- the read model: final entries and what follows from them -------------------------------------------------------

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("index", Integer, primary_key=True, autoincrement=False),
    _column("kind", Text),
    _column("module", Text),
    _column("digest", Text, unique=True),
    sa.Column("signer", Text),
    _column("department", Text, index=True),
    _column("subject", Text, index=True),  # the object the entry is on
    _column("marks", Integer),
    _column("time", Integer),
    _column("head", Text),
    _column("act", Json),
    _column("signatures", Json),
    _column("block", Integer),
    _column("block_hash", Text),
    _column("transaction_hash", Text),
)

cursor = sa.Table(  # one row: how far the follower is, and on which ledger
    "cursor",
    metadata,
    sa.Column("id", Integer, primary_key=True, autoincrement=False),
    _column("chain_id", Integer),
    _column("journal", Text),
    _column("block", Integer),
    _column("block_hash", Text),
    _column("size", Integer),
    _column("head", Text),
)


_SQL_TYPES: dict[type, Any] = {str: Text, int: Integer, bool: Flag}
_TABLE_NAMES: dict[type[StateObject], str] = {
    state.Ledger: "ledger",
    state.InstalledModule: "modules",
    state.Department: "departments",
    state.Key: "keys",
    state.Dataset: "datasets",
    state.Revision: "revisions",
    state.Line: "lines",
    state.Version: "versions",
    state.VersionNumber: "version_numbers",
    state.Share: "shares",
    state.Attestation: "attestations",
    state.Correction: "corrections",
    state.Rule: "rules",
    state.RuleText: "rule_texts",
    state.Checkpoint: "checkpoints",
}
_WIDE = frozenset({"records", "size", "older_size"})  # uint64 on the ledger
_INDEXED = frozenset({"parent", "department", "provider", "consumer", "dataset", "version", "share"})


def _state_table(shape: type[StateObject]) -> sa.Table:
    """A table with exactly the columns of a state class; the projection relies on that."""
    columns: list[sa.Column[Any]] = []
    hints = get_type_hints(shape)
    for column in fields(shape):
        kinds = [kind for kind in (get_args(hints[column.name]) or (hints[column.name],)) if kind is not type(None)]
        columns.append(
            sa.Column(
                column.name,
                Unsigned64 if column.name in _WIDE else _SQL_TYPES[kinds[0]],
                primary_key=column.name in shape.KEY,
                autoincrement=False,
                nullable=column.name not in shape.KEY and type(None) in get_args(hints[column.name]),
                index=(column.name in _INDEXED and shape.KEY[0] != column.name) or None,
            )
        )
    return sa.Table(_TABLE_NAMES[shape], metadata, *columns)


STATE_TABLES: dict[type[StateObject], sa.Table] = {shape: _state_table(shape) for shape in state.SHAPES}
REBUILDABLE = (entries, cursor, *STATE_TABLES.values())

# ---- what only this database knows ----------------------------------------------------------------------------------

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("digest", Text, primary_key=True),
    _column("kind", Text),
    _column("body", Bytes),
    _column("open", Flag),  # readable by every caller: published catalogue items, rules
    _column("created", Integer),
)

document_readers = sa.Table(
    "document_readers",
    metadata,
    sa.Column("digest", Text, sa.ForeignKey("documents.digest"), primary_key=True),
    sa.Column("department", Text, primary_key=True),
)

submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    _column("digest", Text, unique=True),
    _column("act_type", Text),
    _column("module", Text),
    _column("act", Json),
    _column("signatures", Json),
    _column("department", Text),
    _column("subject", Text),
    _column("state", Text, index=True),
    sa.Column("reason", Json),
    sa.Column("entry", Integer),
    sa.Column("transaction_hash", Text, index=True),
    _column("valid_until", Integer),
    _column("created", Integer),
)

sa.Index(None, submissions.c.subject, submissions.c.state)  # which acts on an object are on their way

submission_steps = sa.Table(
    "submission_steps",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    sa.Column("digest", Text, sa.ForeignKey("submissions.digest"), nullable=False, index=True),
    _column("at", Integer),
    _column("state", Text),
    _column("note", Text),
)

courier_transactions = sa.Table(  # exactly the bytes that were or will be sent, whatever happens to us
    "courier_transactions",
    metadata,
    sa.Column("courier", Text, primary_key=True),
    sa.Column("nonce", Integer, primary_key=True, autoincrement=False),
    _column("hash", Text, unique=True),
    _column("raw", Bytes),
    _column("epoch", Integer),
    _column("state", Text, index=True),  # sent, included, done
    sa.Column("block", Integer),
    sa.Column("block_hash", Text),
    _column("created", Integer),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", Text, primary_key=True),
    _column("holder", Text),
    _column("epoch", Integer),
    _column("expires", Integer),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("caller", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    _column("body_digest", Text),
    sa.Column("status", Integer),  # null while the first request is being answered
    sa.Column("answer", Json),
    _column("created", Integer, index=True),
    _column("holder", Text, server_default=""),  # the process that is answering it
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _column("hash", Text),
    _column("label", Text),
    _column("department", Text),
    _column("duty", Integer),
    _column("roles", Integer),
    _column("created", Integer),
    _column("expires", Integer),
    sa.Column("revoked", Integer),
)

payloads = sa.Table(  # one row a prepared version; `document` is the digest AnchorVersion will carry
    "payloads",
    metadata,
    sa.Column("document", Text, sa.ForeignKey("documents.digest"), primary_key=True),
    _column("dataset", Text, index=True),
    sa.Column("object", Text),  # null: the file stays where it lies
    sa.Column("wrapped_key", Bytes),  # null once shredded, or without an object
    _column("size", Integer),
    _column("fingerprint", Json),
    _column("manifest", Bytes),
    _column("created", Integer),
)

segment_keys = sa.Table(
    "segment_keys",
    metadata,
    sa.Column("document", Text, sa.ForeignKey("payloads.document"), primary_key=True),
    sa.Column("first_record", Integer, primary_key=True, autoincrement=False),
    sa.Column("wrapped_key", Bytes),  # null once shredded
)

table_parts = sa.Table(  # the encrypted Parquet parts of a table that is kept; the document names them too
    "table_parts",
    metadata,
    sa.Column("document", Text, sa.ForeignKey("payloads.document"), primary_key=True),
    sa.Column("first_record", Integer, primary_key=True, autoincrement=False),
    _column("records", Integer),
    _column("object", Text),
    _column("size", Integer),
    sa.Column("wrapped_key", Bytes),  # null once shredded
)

uses = sa.Table(  # use records (Decree 809 art. 29), kept at least three years
    "uses",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    _column("at", Integer),
    _column("share", Text, index=True),
    _column("version", Text),
    _column("department", Text),
    _column("caller", Text),
    _column("action", Text),
    sa.Index("ix_uses_department_action", "department", "action"),
)


def undecoded(table: sa.Table, *names: str) -> list[sa.ColumnElement[Any]]:
    """The table's columns, those of these names (all, without any) without the conversions of flags and JSON."""
    plain: list[sa.ColumnElement[Any]] = []
    for column in table.columns:
        if names and column.name not in names:
            plain.append(column)
        elif isinstance(column.type, sa.JSON):
            plain.append(sa.type_coerce(column, sa.Text).label(column.name))
        elif isinstance(column.type, sa.Boolean):
            plain.append(sa.type_coerce(column, sa.Integer).label(column.name))
        else:
            plain.append(column)
    return plain


def decoded(value: Any) -> Any:
    """Of an undecoded JSON column that holds an object or a list; some drivers decode by themselves."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def restoring(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What SQLite's own value of a column that is no JSON has to go through; None: nothing."""
    if isinstance(kind, sa.Boolean):
        return lambda value: None if value is None else bool(value)
    return Unsigned64.unsigned if isinstance(kind, Unsigned64) else None
