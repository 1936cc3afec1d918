"""Every setting, from environment variables `SHARELEDGER_…` only. None of them is a secret.

`shareledger config show` prints this table with the values in force.
"""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger.errors import InvalidSettings

PREFIX = "SHARELEDGER_"
# read by the command-line client, which may run where there is no home at all, and by the tests
CLIENT_NAMES = frozenset({"SERVER", "API_KEY_FILE", "LEDGER_FILE", "REQUIRE"})


class Settings(BaseSettings):
    """The configuration of one home: a folder with the manifest, the keystore, the store and, by default, the chain."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Path = Field(default=Path("~/.shareledger"), description="folder of this ledger's own files, mode 0700")
    rpc_urls: str = Field(
        default="",
        description="JSON-RPC addresses of the chain, separated by commas, tried in order; empty: the local chain",
    )
    chain_id: int = Field(default=20250801, gt=0, description="chain id of the local chain")
    confirmations: int = Field(default=0, ge=0, le=1000, description="blocks on top before a block is final; 0 on QBFT")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the home")
    host: str = Field(default="127.0.0.1", description="address the API listens on")
    port: int = Field(default=8460, ge=0, le=65535, description="port the API listens on; 0: any")
    poll_ms: int = Field(default=5, ge=1, le=60_000, description="pause between two looks while acts are under way")
    idle_ms: int = Field(default=500, ge=10, le=60_000, description="pause between two looks while nothing is")
    payload_limit_mib: int = Field(default=4096, ge=1, description="largest payload accepted, in MiB")
    anvil_bin: Path | None = Field(default=None, description="anvil to use instead of the one from set-up")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="lowest level logged")
    log_format: str = Field(default="text", pattern="^(text|json)$", description="how log lines look")

    @model_validator(mode="after")
    def _absolute(self) -> Self:
        object.__setattr__(self, "home", self.home.expanduser().absolute())
        return self

    @classmethod
    def load(cls, **given: object) -> Self:
        """From the environment; `given` wins. Raises InvalidSettings: a bad value, an unknown SHARELEDGER_ name."""
        known = {name.upper() for name in cls.model_fields} | CLIENT_NAMES
        unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name[len(PREFIX) :] not in known)
        if unknown:
            raise InvalidSettings(f"unknown setting {', '.join(unknown)}", unknown=unknown)
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
            raise InvalidSettings(f"{name}: {first['msg']}", setting=name) from None

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.home / 'store' / 'ledger.sqlite3'}"

    @property
    def manifest_file(self) -> Path:
        return self.home / "manifest.json"

    @property
    def keystore(self) -> Path:
        return self.home / "keystore"

    @property
    def chain(self) -> Path:
        return self.home / "chain"

    @property
    def payloads(self) -> Path:
        return self.home / "payloads"

    @property
    def scratch(self) -> Path:
        return self.home / "scratch"

    def nodes(self) -> tuple[str, ...]:
        """The chain's addresses; none: the local chain."""
        return tuple(url.strip() for url in self.rpc_urls.split(",") if url.strip())


def reference() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, in order."""
    return [
        (PREFIX + name.upper(), "" if field.default is None else str(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
