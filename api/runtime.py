"""What the API needs from whoever starts it. It starts nothing itself and keeps no state of its own."""

from collections.abc import Sequence
from typing import Any, Protocol

from ledger.ports import Ports


class Settings(Protocol):
    @property
    def payload_limit_mib(self) -> int:
        """The largest payload, or copy to verify, in MiB."""
        ...

    @property
    def confirmations(self) -> int:
        """Blocks on top before a block is final."""
        ...

    def metrics_networks(self) -> Sequence[str]:
        """Who may read the metrics: networks in CIDR notation."""
        ...

    # the limits: `ledger.settings` says what each means
    @property
    def json_limit_kib(self) -> int: ...
    @property
    def bulk_limit_kib(self) -> int: ...
    @property
    def request_seconds(self) -> int: ...
    @property
    def transfer_seconds(self) -> int: ...
    @property
    def header_seconds(self) -> int: ...
    @property
    def body_seconds(self) -> int: ...
    @property
    def requests_per_second(self) -> int: ...
    @property
    def failures_per_minute(self) -> int: ...
    @property
    def connections(self) -> int: ...
    @property
    def bulk_at_once(self) -> int: ...
    @property
    def costly_at_once(self) -> int: ...
    @property
    def transfers_at_once(self) -> int: ...
    @property
    def waits_at_once(self) -> int: ...


class Runtime(Protocol):
    """The running product."""

    @property
    def ports(self) -> Ports: ...

    @property
    def settings(self) -> Settings: ...

    def status(self) -> dict[str, Any]:
        """Health: `ready` (bool), `reasons` (texts: why not), `alarms` (JSON objects, those that stop us first)."""
        ...

    def check_writable(self) -> None:
        """Raises Diverged while the node contradicts what was final: then nothing more is taken."""
        ...

    def wake(self) -> None:
        """Something was queued: submitter and follower should look now."""
        ...

    async def create_key(self) -> str:
        """A new key in the host's keystore; its address."""
        ...
