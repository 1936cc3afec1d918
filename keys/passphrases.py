"""Passphrases: where they come from, and how strong the key derivation must be for them.

A passphrase comes from a file descriptor, from a file of mode 0600, or from a prompt in a terminal; never from an
argument or the value of an environment variable, which other processes can read.

A *generated* passphrase carries 256 random bits and a checksum, so it is recognised as such: there is nothing to
guess, and deriving a key from it may be cheap (milliseconds instead of a second each, which matters to a host that
holds hundreds of keys). Nobody types one by accident, so whatever a person chose keeps the full cost.
"""

import getpass
import hashlib
import os
import re
import secrets
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from keys.errors import NoPassphrase, WeakPassphrase
from keys.private_files import read_private

MINIMUM = 12  # characters, of a passphrase that protects a new key
LONGEST = 1024  # bytes
GENERATED = re.compile(rb"slp1-([0-9a-f]{64})-([0-9a-f]{8})")


class Passphrase:
    """A passphrase that shows itself only when asked. Its bytes are used as given, not normalised."""

    __slots__ = ("_secret",)

    def __init__(self, text: str | bytes) -> None:
        """Raises NoPassphrase if it is empty, over 1024 bytes or not encodable."""
        try:
            secret = text.encode() if isinstance(text, str) else bytes(text)
        except UnicodeEncodeError:
            raise NoPassphrase("the passphrase is not valid Unicode") from None  # the cause would carry the text
        if not secret:
            raise NoPassphrase("the passphrase is empty")
        if len(secret) > LONGEST:
            raise NoPassphrase(f"the passphrase is longer than {LONGEST} bytes")
        self._secret = secret

    def reveal(self) -> bytes:
        """The passphrase itself."""
        return self._secret

    @property
    def is_generated(self) -> bool:
        """Whether `generate` made it: 256 random bits, told by form and checksum."""
        match = GENERATED.fullmatch(self._secret)
        return match is not None and secrets.compare_digest(match[2], _checksum(match[1]))

    def require_strength(self) -> None:
        """Raises WeakPassphrase if it is too short to protect a new key (shorter ones still open old files)."""
        length = len(self._secret.decode(errors="replace"))
        if length < MINIMUM:
            raise WeakPassphrase(f"the passphrase has {length} characters; a new key needs {MINIMUM}", minimum=MINIMUM)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Passphrase):
            return NotImplemented
        return secrets.compare_digest(self._secret, other._secret)

    __hash__ = None  # type: ignore[assignment]  # a secret is no dictionary key

    def __repr__(self) -> str:
        return "Passphrase(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a passphrase is neither copied nor pickled")


PassphraseSource = Callable[[], Passphrase]


def generate() -> Passphrase:
    """A new passphrase of 256 random bits, in letters, digits and dashes."""
    random = secrets.token_hex(32).encode()
    return Passphrase(b"slp1-" + random + b"-" + _checksum(random))


def from_descriptor(descriptor: int) -> Passphrase:
    """Reads the passphrase from an open descriptor to its end, drops one newline, closes it. Raises NoPassphrase."""
    try:
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LONGEST + 3)
    except (OSError, ValueError) as cause:
        raise NoPassphrase(f"file descriptor {descriptor} cannot be read") from cause
    return Passphrase(_without_newline(content))


def from_file(path: Path) -> Passphrase:
    """Reads the passphrase from a file of mode 0600 or stricter, dropping one newline at its end.

    Raises NoPassphrase, UnsafePermissions.
    """
    try:
        content = read_private(path, LONGEST + 2, follow=True)
    except OSError as cause:
        raise NoPassphrase(f"the passphrase file {path} cannot be read: {cause.strerror}", path=str(path)) from cause
    return Passphrase(_without_newline(content))


def from_prompt(*, confirm: bool = False, question: str = "Passphrase 口令") -> Passphrase:
    """Asks in the terminal without echo, twice if `confirm` (for a new key). Raises NoPassphrase without a terminal."""
    if not sys.stdin.isatty():
        raise NoPassphrase(f"there is no terminal to ask in: {question}")
    first = _ask(f"{question}: ")
    if confirm and _ask("The same again 再次输入: ") != first:
        raise NoPassphrase("the two passphrases differ", remedy="Type the same passphrase twice.")
    return first


def choose_source(
    *,
    descriptor: int | None = None,
    file: Path | None = None,
    confirm: bool = False,
    question: str = "Passphrase 口令",
) -> PassphraseSource:
    """The source to use: the descriptor or the file if given, else the prompt. Nothing is read yet.

    Raises NoPassphrase if both are given: which one was meant is not ours to guess.
    """
    if descriptor is not None and file is not None:
        raise NoPassphrase("both a passphrase descriptor and a passphrase file are given", remedy="Give one.")
    if descriptor is not None:
        return lambda: from_descriptor(descriptor)
    if file is not None:
        return lambda: from_file(file)
    return lambda: from_prompt(confirm=confirm, question=question)


def _ask(question: str) -> Passphrase:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return Passphrase(getpass.getpass(question))
        except (getpass.GetPassWarning, EOFError) as cause:  # a terminal that cannot hide what is typed is none
            raise NoPassphrase("the terminal cannot be asked without showing the passphrase") from cause


def _without_newline(content: bytes) -> bytes:
    if content.endswith(b"\r\n"):
        return content[:-2]
    return content.removesuffix(b"\n")


def _checksum(random: bytes) -> bytes:
    return hashlib.sha256(b"slp1-" + random).hexdigest()[:8].encode()
