"""What only PostgreSQL does: sessions end, servers stop and stall, users lack rights; and what each of it is called."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import psutil
import pytest
import sqlalchemy as sa

from ledger.errors import InvalidSettings, NotReady, Unavailable
from ledger.ports import StoredDocument
from ledger.store import engine as engine_module
from ledger.store import postgresql as postgresql_module
from ledger.store.engine import open_engine
from ledger.store.schema import check_schema, migrate, newest
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, register
from tests.harness.postgres import SUPERUSER, Server

DOCUMENT = StoredDocument("d0" * 32, "rule", b"{}", False, frozenset({"a"}))
Opener = Callable[[str], SqlStore]


@pytest.fixture
async def open_store() -> AsyncIterator[Opener]:
    """Stores that are closed after the test; each is a process's own."""
    async with AsyncExitStack() as opened:

        def made(url: str) -> SqlStore:
            store = SqlStore(open_engine(url), CHAIN_ID)
            opened.push_async_callback(store.close)
            return store

        yield made


@pytest.fixture
def store(postgresql: str, open_store: Opener) -> SqlStore:
    return open_store(postgresql)


def name_of(url: str) -> str:
    return str(sa.make_url(url).database)


async def add(store: SqlStore, code: str) -> None:
    async with store.write() as work:
        await work.add_submissions([register(code)])
        await work.commit()


async def stored(store: SqlStore) -> set[str]:
    async with store.read() as work:
        return {one.subject for _, one in await work.submissions()}


# ---- turns ----------------------------------------------------------------------------------------------------------


async def test_a_writer_waits_only_so_long(
    store: SqlStore, postgresql: str, open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 50)
    other = open_store(postgresql)
    async with store.write() as work:
        with pytest.raises(Unavailable, match="locked"):
            await add(other, "b")
        assert await stored(other) == set()  # readers are not kept out
        await work.add_submissions([register("a")])
        await work.commit()
    await add(other, "b")
    assert await stored(store) == {"a", "b"}


async def test_a_process_that_stands_still_holds_nobody_up(
    postgresql: str, open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_module, "IDLE_MS", 100)
    still, other = open_store(postgresql), open_store(postgresql)
    with pytest.raises(Unavailable):
        async with still.write() as work:
            await work.add_submissions([register("a")])
            await add(other, "b")  # once the server has ended the transaction that nobody goes on with
            await work.commit()
    await add(still, "c")
    assert await stored(other) == {"b", "c"}


# ---- the server -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_went_and_came_back(store: SqlStore, postgres: Server, how: int) -> None:
    """Committed acts are there, the unit of work under way is not, and no connection has to be mended by hand."""
    await add(store, "before")
    with pytest.raises(Unavailable):
        async with store.read() as reading, store.write() as work:
            await reading.cursor()
            await work.add_submissions([register("lost")])
            postgres.stop(how)
            await work.commit()
    with pytest.raises(Unavailable, match="reached"):
        await add(store, "meanwhile")
    with pytest.raises(Unavailable):
        await stored(store)
    postgres.start()
    await add(store, "after")
    assert await stored(store) == {"before", "after"}


async def test_a_session_that_an_administrator_ended(store: SqlStore, postgres: Server, postgresql: str) -> None:
    with pytest.raises(Unavailable):
        async with store.write() as work:
            await work.add_submissions([register("lost")])
            postgres.end_sessions(name_of(postgresql))
            await work.add_document(DOCUMENT)
    await add(store, "after")
    assert await stored(store) == {"after"}


async def test_a_server_that_neither_answers_nor_goes(
    postgres: Server, postgresql: str, open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_module, "STATEMENT_SECONDS", 0.2)
    monkeypatch.setattr(postgresql_module, "CONNECT_SECONDS", 0.2)
    store = open_store(postgresql)
    await add(store, "before")
    postmaster = psutil.Process(postgres.pid)
    asleep = [postmaster, *postmaster.children()]
    try:
        async with store.read() as work:
            await work.cursor()
            for process in asleep:
                process.suspend()
            with pytest.raises(Unavailable, match="took more than"):
                await work.cursor()
            with pytest.raises(Unavailable, match="reached"):
                await add(store, "meanwhile")
    finally:
        for process in asleep:
            process.resume()
    await add(store, "after")
    assert await stored(store) == {"before", "after"}


async def test_a_server_that_takes_no_writes_is_read(store: SqlStore, postgres: Server, postgresql: str) -> None:
    """As a standby, or the database of a server that is being replaced."""
    await add(store, "before")
    await store.close()
    name = name_of(postgresql)
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(Unavailable, match="takes no writes"):
        await add(store, "meanwhile")
    assert await stored(store) == {"before"}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("53100", "disk is full"),
        ("53300", "connections"),
        ("40001", "another"),
        ("40P01", "another"),
        ("XX000", "fault"),
    ],
)
async def test_what_the_server_reports_is_told_and_undone(
    store: SqlStore, postgres: Server, postgresql: str, state: str, words: str
) -> None:
    raises = f"BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{state}'; END"
    postgres.sql(
        f"CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ {raises} $$",
        "CREATE TRIGGER fails BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION fails()",
        database=name_of(postgresql),
    )
    with pytest.raises(Unavailable, match=words):
        async with store.write() as work:
            await work.add_submissions([register("a")])
            await work.add_document(DOCUMENT)
    postgres.sql("DROP TRIGGER fails ON documents", database=name_of(postgresql))
    assert await stored(store) == set()
    async with store.write() as work:
        await work.add_document(DOCUMENT)
        await work.commit()


async def test_more_at_once_than_there_are_connections(postgresql: str, open_store: Opener) -> None:
    store = open_store(postgresql)
    await asyncio.gather(*(add(store, f"d{number}") for number in range(3 * postgresql_module.MOST_CONNECTIONS)))
    assert len(await stored(store)) == 3 * postgresql_module.MOST_CONNECTIONS


# ---- users and addresses --------------------------------------------------------------------------------------------


async def test_the_product_needs_no_more_than_to_read_and_write_rows(
    postgres: Server, postgresql: str, open_store: Opener
) -> None:
    """The rights that the README grants; the schema is for another user to change."""
    name, user = name_of(postgresql), f"user_of_{name_of(postgresql)}"
    postgres.sql(
        f"CREATE ROLE {user} LOGIN",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}",
        database=name,
    )
    try:
        store = open_store(postgres.url(name, user))
        await add(store, "a")
        async with store.write() as work:
            await work.add_document(DOCUMENT)
            await work.add_document(replace(DOCUMENT, readers=frozenset({"b"})))
            assert await work.lease("courier", "one", 1_000, 500) == 1
            assert await work.claim("caller", "key", "body", 1) is None
            await work.release("caller", "key")
            await work.rewind()
            await work.commit()
        engine = open_engine(postgres.url(name, user))
        await check_schema(engine)
        assert await migrate(engine) == (newest(), newest())
        async with engine.connect() as connection:
            with pytest.raises(sa.exc.DBAPIError, match="must be owner"):
                await connection.exec_driver_sql("ALTER TABLE entries ADD COLUMN note text")
        await engine.dispose()
    finally:
        postgres.sql(f"DROP OWNED BY {user}", f"DROP ROLE {user}", database=name)


async def test_a_user_without_rights_is_told_so(postgres: Server, postgresql: str, open_store: Opener) -> None:
    name, user = name_of(postgresql), f"user_of_{name_of(postgresql)}"
    postgres.sql(f"CREATE ROLE {user} LOGIN")
    try:
        with pytest.raises(NotReady, match="not the right") as raised:
            await stored(open_store(postgres.url(name, user)))
        assert "SHARELEDGER_DATABASE_URL" in raised.value.next_step
    finally:
        postgres.sql(f"DROP ROLE {user}")


async def test_a_database_or_user_that_is_not_there(postgres: Server, postgresql: str, open_store: Opener) -> None:
    with pytest.raises(NotReady, match='database "nowhere" does not exist'):
        await stored(open_store(postgres.url("nowhere")))
    with pytest.raises(NotReady, match='role "nobody-here" does not exist'):
        await stored(open_store(postgres.url(name_of(postgresql), "nobody-here")))
    with pytest.raises(Unavailable, match="reached"):
        await stored(open_store(f"postgresql://{SUPERUSER}@127.0.0.1:1/{name_of(postgresql)}"))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
async def test_each_way_to_write_its_address(postgresql: str, open_store: Opener, scheme: str) -> None:
    await add(open_store(f"{scheme}:{postgresql.partition(':')[2]}"), "a")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:s3cret@host/ledger",
        "postgresql+psycopg://me:s3cret@host/ledger",
        "not an address with s3cret",
        "postgresql://host:notaport/s3cret",
        "postgresql://host/ledger?password=s3cret",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        open_engine(url)
    told = f"{raised.value.detail} {raised.value.next_step} {raised.value.facts}"
    assert "s3cret" not in told and raised.value.__cause__ is None


async def test_no_parameter_and_no_password_is_in_an_error(postgres: Server, postgresql: str) -> None:
    engine = open_engine(postgresql.replace(f"{SUPERUSER}@", f"{SUPERUSER}:s3cret@"))
    async with engine.connect() as connection:
        with pytest.raises(sa.exc.DBAPIError) as raised:
            await connection.execute(sa.text("SELECT * FROM nowhere WHERE secret = :secret"), {"secret": "s3cret"})
    assert "s3cret" not in f"{raised.value} {raised.value!r} {engine!r}"
    await engine.dispose()


# ---- the schema -----------------------------------------------------------------------------------------------------


def test_every_text_is_ordered_by_code_point(postgres: Server, postgresql: str) -> None:
    """By whatever rules the database sorts: else pages by key would leave rows out, or give them twice."""
    query = (
        "SELECT DISTINCT collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'text'"
    )
    assert postgres.sql(query, database=name_of(postgresql)).split() == ["C"]


def test_what_is_numbered_is_numbered_by_the_database(postgres: Server, postgresql: str) -> None:
    query = "SELECT table_name FROM information_schema.columns WHERE column_default LIKE 'nextval%' ORDER BY 1"
    assert postgres.sql(query, database=name_of(postgresql)).split() == ["submission_steps", "submissions", "uses"]


def test_the_server_runs_as_another_user_than_root_and_listens_nowhere(postgres: Server) -> None:
    assert psutil.Process(postgres.pid).uids().effective != 0 or os.geteuid() != 0
    assert postgres.sql("SHOW listen_addresses").strip() == ""
