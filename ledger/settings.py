"""Every setting, from environment variables `SHARELEDGER_…` only. None of them is a secret.

`shareledger config show` prints this table with the values in force.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger.errors import InvalidSettings
from ledger.s3_addresses import MOST_MIB, bucket_and_prefix, check_bucket_url, check_endpoint

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
    rpc_seconds: float = Field(default=10.0, gt=0, le=300, description="longest time for a node to answer one request")
    compare_url: str = Field(
        default="", description="JSON-RPC address of a second node to compare with, none of SHARELEDGER_RPC_URLS"
    )
    compare_seconds: float = Field(default=5.0, gt=0, le=3600, description="pause between two comparisons of the nodes")
    chain_id: int = Field(default=20250801, gt=0, description="chain id of the local chain")
    confirmations: int = Field(default=0, ge=0, le=1000, description="blocks on top before a block is final; 0 on QBFT")
    database_url: str = Field(default="", description="postgresql://user@host/database; empty: SQLite in the home")
    payloads_url: str = Field(default="", description="s3://bucket/prefix where payloads lie; empty: in the home")
    s3_endpoint: str = Field(default="", description="https:// address of the S3 server; empty: Amazon's")
    s3_region: str = Field(default="", description="region of the bucket, if its server knows any")
    s3_credentials_file: Path | None = Field(
        default=None,
        description="file like ~/.aws/credentials, mode 0600; without it the AWS_ variables or the machine's own role",
    )
    s3_plain_http: bool = Field(
        default=False, description="whether SHARELEDGER_S3_ENDPOINT may be http:// beyond this machine"
    )
    orphan_hours: int = Field(
        default=24, ge=1, le=10_000, description="age at which a stored payload that no version names is removed"
    )
    host: str = Field(default="127.0.0.1", description="address the API listens on")
    port: int = Field(default=8460, ge=0, le=65535, description="port the API listens on; 0: any")
    poll_ms: int = Field(default=5, ge=1, le=60_000, description="pause between two looks while acts are under way")
    idle_ms: int = Field(default=500, ge=10, le=60_000, description="pause between two looks while nothing is")
    payload_limit_mib: int = Field(default=4096, ge=1, description="largest payload accepted, in MiB")
    json_limit_kib: int = Field(default=1024, ge=16, description="largest JSON body, in KiB")
    bulk_limit_kib: int = Field(
        default=8192, ge=16, description="largest JSON body of many acts, or of a fingerprint's manifest, in KiB"
    )
    request_seconds: int = Field(
        default=90, ge=70, description="longest time to answer a request, `Prefer: wait` included"
    )
    transfer_seconds: int = Field(
        default=3600, ge=70, description="longest time for an upload, a verification, a measurement or an audit"
    )
    header_seconds: int = Field(default=10, ge=1, description="longest time to wait for a request's headers")
    body_seconds: int = Field(
        default=20, ge=1, description="longest time to wait for a request's body, beside a second for each KiB of it"
    )
    requests_per_second: int = Field(
        default=400, ge=0, description="requests of one API key, with bursts of five seconds' worth; 0: any number"
    )
    failures_per_minute: int = Field(
        default=60, ge=0, description="refused API keys from one address before it has to wait; 0: any number"
    )
    connections: int = Field(default=1000, ge=8, description="connections held open at once")
    bulk_at_once: int = Field(
        default=8, ge=1, description="POSTs of many acts read and judged at once; half of them for one API key"
    )
    costly_at_once: int = Field(
        default=4, ge=1, description="proofs, tiles, measurements and evidence made at once; half for one API key"
    )
    transfers_at_once: int = Field(
        default=32, ge=1, description="uploads, downloads and verified copies at once; half of them for one API key"
    )
    waits_at_once: int = Field(
        default=256, ge=1, description="requests that wait for an act to be final; half of them for one API key"
    )
    trusted_proxies: str = Field(
        default="",
        description="addresses, separated by commas, whose X-Forwarded-For says who calls; empty: nobody's",
    )
    watch_ms: int = Field(default=500, ge=50, le=60_000, description="pause between two looks at the product's health")
    alarm_node_seconds: float = Field(default=1.0, gt=0, description="a node silent for so long is gone")
    alarm_lag_seconds: float = Field(
        default=10.0, gt=0, description="a final block that is not followed for so long is an alarm"
    )
    alarm_lag_blocks: int = Field(default=1000, ge=1, description="so many final blocks not followed are an alarm")
    alarm_waiting_seconds: float = Field(
        default=60.0, gt=0, description="an act that is neither final nor returned after so long is an alarm"
    )
    alarm_disk_mib: int = Field(
        default=512, ge=1, description="less free disk than this, in MiB, where we write is an alarm"
    )
    alarm_clock_seconds: float = Field(
        default=15.0, gt=0, description="a newest block so far ahead of our clock is an alarm"
    )
    metrics_from: str = Field(
        default="127.0.0.0/8,::1/128", description="networks, by comma, that may read /metrics; empty: nobody"
    )
    pkcs11_module: Path | None = Field(
        default=None,
        description="library of a PKCS#11 token; with it, keys made here are made in the token and stay there",
    )
    pkcs11_token: str = Field(default="", description="label of that token; its PIN comes from --pin-file or --pin-fd")
    anvil_bin: Path | None = Field(default=None, description="anvil to use instead of the one from set-up")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="lowest level logged")
    log_format: str = Field(default="text", pattern="^(text|json)$", description="how log lines look")

    @field_validator("metrics_from")
    @classmethod
    def _networks(cls, value: str) -> str:
        for network in value.split(","):
            if network.strip():
                ip_network(network.strip())  # a ValueError names what is wrong with it
        return value

    @model_validator(mode="after")
    def _second_node(self) -> Self:
        if self.compare_url.strip() in self.nodes():
            raise ValueError("SHARELEDGER_COMPARE_URL is one of SHARELEDGER_RPC_URLS: a node agrees with itself")
        return self

    @model_validator(mode="after")
    def _payload_place(self) -> Self:
        if not self.payloads_url:
            if self.s3_endpoint or self.s3_region or self.s3_credentials_file or self.s3_plain_http:
                raise ValueError("SHARELEDGER_S3_… say nothing without SHARELEDGER_PAYLOADS_URL")
            return self
        check_bucket_url(self.payloads_url)
        if self.s3_endpoint:
            check_endpoint(self.s3_endpoint, plain=self.s3_plain_http)
        if self.payload_limit_mib > MOST_MIB:
            raise ValueError(f"SHARELEDGER_PAYLOAD_LIMIT_MIB: S3 names objects of at most {MOST_MIB} MiB")
        return self

    @model_validator(mode="after")
    def _orphans_are_old(self) -> Self:
        if self.orphan_hours * 3600 < 2 * self.transfer_seconds:
            raise ValueError("SHARELEDGER_ORPHAN_HOURS must be twice SHARELEDGER_TRANSFER_SECONDS at least")
        return self

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
            if not first["loc"]:  # of several settings together; the words name them
                raise InvalidSettings(first["msg"].removeprefix("Value error, ")) from None
            name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
            raise InvalidSettings(f"{name}: {first['msg']}", setting=name) from None

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.home / 'store' / 'ledger.sqlite3'}"

    @property
    def database_file(self) -> Path | None:
        """SQLite's file; None for another database, or one in memory."""
        scheme, _, rest = self.database.partition("///")
        name = rest.partition("?")[0]
        return Path(name) if scheme.startswith("sqlite") and name and ":memory:" not in name else None

    def places(self) -> dict[str, Path]:
        """Where we write to, by name."""
        folders = {"home": self.home, "scratch": self.scratch}
        if not self.payloads_url:
            folders["payloads"] = self.payloads
        return folders | ({"database": self.database_file.parent} if self.database_file else {})

    def metrics_networks(self) -> tuple[str, ...]:
        """Who may read the metrics."""
        return tuple(network.strip() for network in self.metrics_from.split(",") if network.strip())

    @property
    def manifest_file(self) -> Path:
        return self.home / "manifest.json"

    @property
    def courier_file(self) -> Path:
        return self.home / "courier"

    @property
    def keystore(self) -> Path:
        return self.home / "keystore"

    @property
    def chain(self) -> Path:
        return self.home / "chain"

    @property
    def payloads(self) -> Path:
        """Where they lie unless `payloads_url` names another place."""
        return self.home / "payloads"

    def bucket(self) -> tuple[str, str]:
        """Bucket and prefix of `payloads_url`; the prefix may be empty."""
        return bucket_and_prefix(self.payloads_url)

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
