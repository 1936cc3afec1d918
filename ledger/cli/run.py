"""One run of a command: where it prints, which server it speaks to, whose key signs."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.cli.client import Client, read_api_key
from ledger.cli.failures import InvalidOption
from ledger.cli.output import Output
from ledger.cli.texts import say

if TYPE_CHECKING:
    import httpx

    from keys.passphrases import PassphraseSource
    from keys.pkcs11 import Token

LONGEST_WAIT: Final = 60  # seconds one answer may take; longer waits ask again
PIN_QUESTION: Final = "PIN"
SERVER: Final = "http://127.0.0.1:8460"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command touches besides files: exchanged by tests."""

    transport: "httpx.BaseTransport | None" = None
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


@dataclass
class Run:
    """`options` are the shared options the command was given, by name (`ledger.cli.options`)."""

    out: Output
    options: dict[str, Any]
    surroundings: Surroundings = field(default_factory=Surroundings)
    _sources: "dict[str, PassphraseSource]" = field(default_factory=dict)

    @cached_property
    def client(self) -> Client:
        """Opened when first used. Raises InvalidOption, UnreadableFile, keys.errors.UnsafePermissions."""
        key_file: Path | None = self.options.get("api_key_file")
        client = Client(
            self.options.get("server") or SERVER,
            read_api_key(key_file) if key_file else None,
            transport=self.surroundings.transport,
            sleep=self.surroundings.sleep,
            retrying=lambda reason: self.out.say("retrying", reason=reason),
        )
        if client.plain:
            self.out.say("plain-http", host=client.host)
        return client

    @property
    def wait(self) -> int | None:
        """Seconds the server is asked to wait for an act to be final; None for not at all."""
        return min(int(self.deadline - self.surroundings.now()), LONGEST_WAIT) or None

    @cached_property
    def deadline(self) -> float:
        """When waiting ends; counted from the first time it is asked for."""
        return self.surroundings.now() + (self.options.get("wait") or 0)

    @property
    def now(self) -> int:
        return int(self.surroundings.now())

    def passphrase(self, *, confirm: bool = False, prefix: str = "") -> "PassphraseSource":
        """Where the passphrase comes from: descriptor, file or prompt. It is read once, however often it is asked for.

        Raises keys.errors.NoPassphrase.
        """
        from keys.passphrases import choose_source

        if prefix not in self._sources:
            source = choose_source(
                descriptor=self.options.get(f"{prefix}passphrase_fd"),
                file=self.options.get(f"{prefix}passphrase_file"),
                confirm=confirm,
            )
            self._sources[prefix] = cache(source)
        return self._sources[prefix]

    def pin(self) -> "PassphraseSource":
        """Where a token's PIN comes from: descriptor, file or prompt; read once. Raises keys.errors.NoPassphrase."""
        from keys.passphrases import choose_source

        if "pin" not in self._sources:
            descriptor, file = self.options.get("pin_fd"), self.options.get("pin_file")
            self._sources["pin"] = cache(choose_source(descriptor=descriptor, file=file, question=PIN_QUESTION))
        return self._sources["pin"]

    @cached_property
    def token(self) -> "Token":
        """The PKCS#11 token at hand, touched when first used. Raises InvalidOption if none is named."""
        from keys.pkcs11 import Token

        module, label = self.options.get("pkcs11_module"), self.options.get("pkcs11_token")
        if module is None or not label:
            raise InvalidOption(
                "no PKCS#11 token is named",
                remedy="Give --pkcs11-module and --pkcs11-token, or set SHARELEDGER_PKCS11_MODULE and …_TOKEN.",
            )
        return Token(module, label, self.pin())

    def agrees(self) -> bool:
        """Ask before signing, where there is a terminal to ask in."""
        if self.options.get("yes") or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return True
        print(f"{say(self.out.lang, 'sign-question')} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes", "是")

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()
        if "token" in self.__dict__:
            self.token.close()
