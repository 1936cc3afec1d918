"""Both databases, for tests that hold on either: a test that asks for `database` runs once on each."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import make_url

from ledger.store.engine import open_engine
from ledger.store.schema import migrate
from tests.harness.postgres import Server

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


class Copies(Protocol):
    """A database as it was at one moment."""

    def copy(self, folder: Path) -> AbstractContextManager[str]:
        """The URL of a copy of it, gone afterwards. `folder`: for the file, if it is one."""
        ...


@dataclass(frozen=True)
class FileCopies:
    file: Path

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        yield url_of(Path(shutil.copy(self.file, folder / "ledger.sqlite3")))


@dataclass(frozen=True)
class ServerCopies:
    """Loaded into one database that is wiped each time: ten times as fast as a new one."""

    server: Server
    shared: str
    rows: str

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        self.server.load(self.shared, self.rows)
        yield self.server.url(self.shared)
        self.server.wipe(self.shared)


@dataclass
class Databases:
    """One kind of database. What it makes lasts as long as the session."""

    folder: Path
    server: Server | None  # none: SQLite
    shared: str = ""  # a database with the present schema and nothing in it

    def empty(self) -> str:
        """The URL of a new one."""
        if self.server is not None:
            return self.server.url(self.server.create())
        return url_of(self._file())

    def copies(self, url: str) -> Copies:
        """Of the database at the URL, as it is now. Nobody may be connected to it."""
        if self.server is not None:
            return ServerCopies(self.server, self.shared, self.server.dump(str(make_url(url).database)))
        kept = self._file()
        with closing(sqlite3.connect(str(make_url(url).database))) as database:
            database.execute("VACUUM INTO ?", (str(kept),))
        return FileCopies(kept)

    def _file(self) -> Path:
        return self.folder / f"{len(list(self.folder.iterdir()))}.sqlite3"


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Databases]:
    """By kind."""

    def of(kind: str) -> Databases:
        folder = tmp_path_factory.mktemp("databases")
        if kind == SQLITE:
            return Databases(folder, None)
        return Databases(folder, request.getfixturevalue("postgres"), request.getfixturevalue("shared_database"))

    return of


async def migrated(url: str) -> None:
    engine = open_engine(url)
    await migrate(engine)
    await engine.dispose()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with the present schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.sqlite3"
    asyncio.run(migrated(url_of(path)))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres: Server) -> str:
    """A PostgreSQL database with the present schema, to be a template."""
    name = postgres.create()
    asyncio.run(migrated(postgres.url(name)))
    return name


@pytest.fixture(scope="session")
def shared_database(postgres: Server, migrated_template: str) -> str:
    """The one that tests use after one another, each finding it empty."""
    return postgres.create(migrated_template)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database for the test alone. Its schema is not to be changed."""
    if kind == SQLITE:
        yield url_of(Path(shutil.copy(request.getfixturevalue("migrated_file"), tmp_path)))
        return
    server, name = request.getfixturevalue("postgres"), request.getfixturevalue("shared_database")
    yield server.url(name)
    server.wipe(name)


@pytest.fixture
def empty_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without anything in it."""
    if kind == SQLITE:
        yield url_of(tmp_path / "empty.sqlite3")
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url


@pytest.fixture
def sqlite_file(migrated_file: Path, tmp_path: Path) -> Path:
    """For what only SQLite has: a file."""
    return Path(shutil.copy(migrated_file, tmp_path))


@pytest.fixture
def postgresql(postgres: Server, migrated_template: str) -> Iterator[str]:
    """For what only PostgreSQL has: the URL of a migrated database of the test's own."""
    with postgres.database(migrated_template) as url:
        yield url
