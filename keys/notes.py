"""Signed notes: a text and the Ed25519 signatures under it (C2SP signed-note; cosignature/v1 of C2SP tlog-cosignature).

text ending in a newline ‖ "\\n" ‖ lines of "— " name " " base64(key id ‖ signature) "\\n"
key id = SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]                type 0x01 a note's signature, 0x04 a witness's
type 0x01 signs the text; type 0x04 signs "cosignature/v1\\ntime T\\n" ‖ text; its signature is u64(T) ‖ 64 bytes
vkey = name "+" key id in hex "+" base64(type ‖ public key)
"""

import base64
import binascii
import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keys.errors import InvalidKey, InvalidNote

NOTE = 0x01
WITNESS = 0x04
MAX_NOTE = 1_000_000  # bytes
MAX_SIGNATURES = 100
MAX_TIME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: whose it says it is, and the bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note, newline included."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. Nothing of it may be believed before `verify_note`."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        return (self.text + "\n" + "".join(signature.line for signature in self.signatures)).encode()


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A public note key: `name`, `kind` (NOTE or WITNESS) and the 32 bytes of an Ed25519 public key."""

    name: str
    public_key: bytes
    kind: int = NOTE

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.kind not in (NOTE, WITNESS):
            raise InvalidNote(f"signature type {self.kind} is not supported")
        if len(self.public_key) != 32:
            raise InvalidNote(f"an Ed25519 public key has 32 bytes, this has {len(self.public_key)}")

    @property
    def key_id(self) -> bytes:
        """The four bytes that name this key in a signature line."""
        return _key_id(self.name, bytes((self.kind,)) + self.public_key)

    @property
    def vkey(self) -> str:
        """The key as one line of text, for a policy file."""
        encoded = base64.b64encode(bytes((self.kind,)) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, vkey: str) -> "NoteVerifier":
        """Reads a vkey. Raises InvalidNote if its parts do not fit together."""
        name, key_id, key = _split_key(vkey)
        verifier = cls(name, key[1:], key[0])
        if verifier.key_id != key_id:
            raise InvalidNote("the key id does not belong to this name and key")
        return verifier

    def verify(self, text: str, signature: NoteSignature) -> bool:
        """Whether the signature is this key's over `text`; for a WITNESS, with the time it claims."""
        if (signature.name, signature.key_id) != (self.name, self.key_id):
            return False
        raw, message = signature.signature, text.encode()
        if self.kind == WITNESS:
            if len(raw) != 72:
                return False
            message = _cosigned(text, int.from_bytes(raw[:8], "big"))
            raw = raw[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(raw, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that holds; `time` is the witness's POSIX time in seconds, None for a note's own key."""

    verifier: NoteVerifier
    time: int | None


class NoteSigner:
    """An Ed25519 note key in memory. It has no representation, copy or pickle that shows the key."""

    __slots__ = ("_key", "name")

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed`: the 32 bytes of RFC 8032. Raises InvalidKey, InvalidNote."""
        check_key_name(name)
        if len(seed) != 32:
            raise InvalidKey(f"an Ed25519 seed has 32 bytes, this has {len(seed)}")
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def parse(cls, skey: str) -> "NoteSigner":
        """Reads `PRIVATE+KEY+name+id+base64(0x01 ‖ seed)`, as Go's note tools write it. Raises InvalidNote."""
        if not skey.startswith("PRIVATE+KEY+"):
            raise InvalidNote("this is not a private note key")
        name, key_id, key = _split_key(skey.removeprefix("PRIVATE+KEY+"))
        if key[0] != NOTE:
            raise InvalidNote("this private note key is not of type 1")
        signer = cls(name, key[1:])
        if signer.verifier().key_id != key_id:
            raise InvalidNote("the key id does not belong to this name and key")
        return signer

    def verifier(self, kind: int = NOTE) -> NoteVerifier:
        """The public key that checks this signer's notes, or as WITNESS its cosignatures."""
        return NoteVerifier(self.name, self._key.public_key().public_bytes_raw(), kind)

    def sign(self, text: str) -> NoteSignature:
        """Signs a note's text. Raises InvalidNote if the text cannot stand in a note."""
        check_text(text)
        return NoteSignature(self.name, self.verifier().key_id, self._key.sign(text.encode()))

    def cosign(self, text: str, time: int) -> NoteSignature:
        """Signs as a witness that saw `text` at POSIX `time` in seconds. Raises InvalidNote."""
        check_text(text)
        if not 0 <= time <= MAX_TIME:
            raise InvalidNote("a cosignature's time is from 0 to 2^63 − 1")
        signature = time.to_bytes(8, "big") + self._key.sign(_cosigned(text, time))
        return NoteSignature(self.name, self.verifier(WITNESS).key_id, signature)

    def __repr__(self) -> str:
        return f"NoteSigner({self.name})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a note signer is neither copied nor pickled: it holds a private key")


def sign_note(text: str, signers: Iterable[NoteSigner]) -> Note:
    """A note over `text` signed by each signer in turn. Raises InvalidNote."""
    note = Note(text, tuple(signer.sign(text) for signer in signers))
    if not note.signatures:
        raise InvalidNote("a note needs a signature")
    return note


def parse_note(content: bytes) -> Note:
    """Reads a note's bytes. Raises InvalidNote for what the specification forbids, naming it."""
    if len(content) > MAX_NOTE:
        raise InvalidNote(f"a note has at most {MAX_NOTE} bytes")
    try:
        whole = content.decode()
    except UnicodeDecodeError as cause:
        raise InvalidNote("the note is not UTF-8") from cause
    body, separator, tail = whole.rpartition("\n\n")  # a text may hold empty lines; the last one ends it
    if not separator or not tail.endswith("\n"):
        raise InvalidNote("the note has no signatures after an empty line")
    text = body + "\n"
    check_text(text)
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise InvalidNote(f"a note has at most {MAX_SIGNATURES} signatures")
    return Note(text, tuple(_parse_line(line) for line in lines))


def verify_note(note: Note, verifiers: Sequence[NoteVerifier]) -> list[VerifiedSignature]:
    """The signatures by known keys, in the note's order; lines by unknown keys are ignored, a repeated one counts once.

    Raises InvalidNote if a known key's signature fails (then nothing of the note counts) or if no known key signed.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: dict[tuple[str, bytes], VerifiedSignature] = {}
    for signature in note.signatures:
        named = (signature.name, signature.key_id)
        verifier = known.get(named)
        if verifier is None or named in verified:
            continue
        if not verifier.verify(note.text, signature):
            raise InvalidNote(f"the signature of {signature.name} does not hold", name=signature.name)
        time = int.from_bytes(signature.signature[:8], "big") if verifier.kind == WITNESS else None
        verified[named] = VerifiedSignature(verifier, time)
    if not verified:
        raise InvalidNote("no known key signed this note")
    return list(verified.values())


def check_key_name(name: str) -> None:
    """Raises InvalidNote unless `name` can stand in a signature line."""
    if not name or "+" in name or any(letter.isspace() or unicodedata.category(letter)[0] == "C" for letter in name):
        raise InvalidNote("a note key's name is not empty and has no spaces, plus signs or control characters")


def check_text(text: str) -> None:
    """Raises InvalidNote unless `text` can be a note's: ends in a newline, no other control character, UTF-8."""
    if not text.endswith("\n"):
        raise InvalidNote("a note's text ends in a newline")
    if any(letter < " " and letter != "\n" for letter in text):
        raise InvalidNote("a note has no control characters but newlines")
    try:
        text.encode()
    except UnicodeEncodeError as cause:
        raise InvalidNote("the note's text is not valid Unicode") from cause


def _parse_line(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise InvalidNote("a signature line is not of the form: dash, name, base64")
    check_key_name(parts[1])
    raw = _base64(parts[2])
    if len(raw) < 5:
        raise InvalidNote("a signature line carries no signature")
    return NoteSignature(parts[1], raw[:4], raw[4:])


def _split_key(text: str) -> tuple[str, bytes, bytes]:
    parts = text.strip().split("+", 2)  # base64 may hold a plus, names and ids may not
    if len(parts) != 3 or len(parts[1]) != 8:
        raise InvalidNote("a note key has the form name+id+key")
    try:
        key_id = bytes.fromhex(parts[1])
    except ValueError:
        raise InvalidNote("a note key's id is 8 hex digits") from None
    key = _base64(parts[2])
    if len(key) != 33:
        raise InvalidNote("a note key has 33 bytes: its type and 32 of Ed25519")
    return parts[0], key_id, key


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # the cause would quote a private key
        raise InvalidNote("this is not standard base64") from None
    if base64.b64encode(raw).decode() != text:
        raise InvalidNote("this base64 is not in its one canonical form")
    return raw


def _key_id(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
