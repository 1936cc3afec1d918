"""What the API needs from whoever starts it. It starts nothing itself and keeps no state of its own."""

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


class Runtime(Protocol):
    """The running product."""

    @property
    def ports(self) -> Ports: ...

    @property
    def settings(self) -> Settings: ...

    def status(self) -> dict[str, Any]:
        """Health facts: `ready` (bool), `reasons` (texts: why not), and whatever else is known."""
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
