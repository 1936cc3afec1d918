"""Who holds the claim on an Idempotency-Key, so that one of a process that died is free at once; a narrower index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("holder", Text, nullable=False, server_default=""))
    op.drop_index("ix_submissions_subject", "submissions")
    op.create_index("ix_submissions_subject_state", "submissions", ["subject", "state"])
