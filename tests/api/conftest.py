import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import settings

from api.app import create_app
from ledger.domain.acts import Duty, Role
from tests.api.world import Template, World, build
from tests.harness.databases import POSTGRESQL, SQLITE, Copies, Databases

LONG = "long"
settings.register_profile(LONG, max_examples=25)  # pytest tests/api/test_schemathesis.py --hypothesis-profile=long


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(build(tmp_path_factory.mktemp("world")))


@pytest.fixture
def kind() -> str:
    """SQLite alone; what the database has a part in imports `kind` from tests.harness.databases, and runs on both."""
    return SQLITE


@pytest.fixture(scope="session")
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, databases: Callable[[str], Databases]
) -> tuple[Template, Copies]:
    """The template on the other database, and its rows."""
    of = databases(POSTGRESQL)
    url = of.empty()
    return asyncio.run(build(tmp_path_factory.mktemp("world"), url)), of.copies(url)


@pytest.fixture
def copied(kind: str, template: Template, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if kind == SQLITE:
        yield template.copy(tmp_path)
        return
    there, copies = request.getfixturevalue("on_postgresql")
    with copies.copy(tmp_path) as url:
        yield there.copy(tmp_path, url)


@pytest.fixture
async def world(copied: World) -> AsyncIterator[World]:
    yield copied
    await copied.close()


@pytest.fixture
def share(kind: str, template: Template, request: pytest.FixtureRequest) -> str:
    return (template if kind == SQLITE else request.getfixturevalue("on_postgresql")[0]).share


@pytest.fixture
def app(world: World) -> FastAPI:
    return create_app(world)


class Clients:
    """HTTP clients that speak for departments."""

    def __init__(self, app: FastAPI, world: World) -> None:
        self._app, self._world, self._open = app, world, list[httpx.AsyncClient]()

    def anonymous(self, **headers: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app, raise_app_exceptions=False),
            base_url="http://shareledger.test",
            headers=headers,
        )
        self._open.append(client)
        return client

    async def of(self, department: str, duty: Duty = Duty.DIRECTOR, roles: Role | None = None) -> httpx.AsyncClient:
        token = await self._world.token(department, duty, roles)
        return self.anonymous(Authorization=f"Bearer {token}")

    async def close(self) -> None:
        for client in self._open:
            await client.aclose()


@pytest.fixture
async def clients(app: FastAPI, world: World) -> AsyncIterator[Clients]:
    made = Clients(app, world)
    yield made
    await made.close()
