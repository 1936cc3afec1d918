"""The main job on PostgreSQL, as the README sets it up: one role owns the schema, the product runs as another.

Found, serve, anchor, share, verify, audit; a changed row is found out; the read model is built again from the chain.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.harness.console_ledger import ROOT, Ledger, share_a_table
from tests.harness.postgres import Server

# as the README grants them, for the schema that the owner has migrated
GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}",
)

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def ledger(postgres: Server, tmp_path: Path) -> Iterator[Ledger]:
    name = postgres.create()
    owner, user = f"{name}_owner", f"{name}_user"
    postgres.sql(f"CREATE ROLE {owner} LOGIN", f"CREATE ROLE {user} LOGIN", f"ALTER DATABASE {name} OWNER TO {owner}")
    made = Ledger(tmp_path, postgres.url(name, owner), postgres.url(name, user))
    made.passphrase.touch(mode=0o600)
    made.passphrase.write_text("a passphrase for a ledger that lasts a minute\n")
    yield made
    postgres.drop(name)
    postgres.sql(f"DROP ROLE {owner}", f"DROP ROLE {user}")


def test_the_main_job(ledger: Ledger, postgres: Server) -> None:
    name = str(make_url(ledger.owner).database)
    ledger.cli("chain", "deploy", "--root", ROOT, "--passphrase-file", ledger.passphrase, owner=True)
    postgres.sql(*(grant.format(user=make_url(ledger.user).username) for grant in GRANTS), database=name)
    assert ledger.cli("store", "migrate")["before"] is not None, "there is nothing to do, so the user may"

    with ledger.serving():
        share = share_a_table(ledger)
    status = ledger.cli("chain", "status")
    clean = ledger.cli("audit", "replay")
    assert clean["clean"] and clean["head_matches"] and clean["entries"] == status["entries"] == 12

    postgres.sql("UPDATE shares SET until = until + 86400", database=name)
    found = ledger.cli("audit", "replay", expected=1)
    assert [(one["code"], one["subject"]) for one in found["findings"]] == [("row-changed", f"shares/{share}")]
    rebuilt = ledger.cli("store", "rebuild")
    assert rebuilt == {"entries": 12, "head": clean["head"], "block": status["block"]}
    assert ledger.cli("audit", "replay")["clean"]

    postgres.sql("UPDATE alembic_version SET version_num = '0000'", database=name)
    refused = ledger.cli("audit", "replay", expected=2)["error"]
    assert refused["code"] == "wrong-schema" and "store migrate" in refused["next_step"]
