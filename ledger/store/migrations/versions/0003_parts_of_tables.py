"""The encrypted Parquet parts of tables that are kept; who was given a version's keys, found without a search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "table_parts",
        sa.Column("document", Text, nullable=False),
        sa.Column("first_record", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("object", Text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["payloads.document"], name=op.f("fk_table_parts_document")),
        sa.PrimaryKeyConstraint("document", "first_record", name=op.f("pk_table_parts")),
    )
    op.create_index("ix_uses_department_action", "uses", ["department", "action"])
