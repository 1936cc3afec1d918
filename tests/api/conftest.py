import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from ledger.domain.acts import Duty, Role
from tests.api.world import Template, World, build


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(build(tmp_path_factory.mktemp("world")))


@pytest.fixture
async def world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    copy = template.copy(tmp_path)
    yield copy
    await copy.close()


@pytest.fixture
def share(template: Template) -> str:
    return template.share


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
