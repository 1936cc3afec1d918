"""How the ledger's names are written: codes, digests, addresses, signatures.

In Python a digest is 64 lower-case hex digits without `0x`, an address is `0x` and 40 lower-case hex digits (no
checksum case), a code is its text; these are also the JSON forms. Raw bytes appear only where something is hashed or
sent.
"""

import re
from typing import Final

from ledger.errors import InvalidCode, InvalidDigest, InvalidInput, TooLarge

ZERO_DIGEST: Final = "0" * 64
ZERO_ADDRESS: Final = "0x" + "0" * 40
MAX_SIGNATURE: Final = 4096  # bytes; the contracts refuse longer ones

CODE_PATTERN: Final = re.compile(r"[0-9A-Za-z./_-]{1,32}", re.ASCII)
DIGEST_PATTERN: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
ADDRESS_PATTERN: Final = re.compile(r"0x[0-9a-f]{40}", re.ASCII)
_ANY_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_SIGNATURE: Final = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def parse_code(text: object) -> str:
    """A code of 1 to 32 ASCII characters. Raises InvalidCode."""
    if not isinstance(text, str) or not CODE_PATTERN.fullmatch(text):
        raise InvalidCode(f"{_shown(text)} is not a code")
    return text


def code_to_bytes(code: str) -> bytes:
    """bytes32 of a code, zero padded to the right; "" is 32 zero bytes. Raises InvalidCode."""
    return (parse_code(code) if code else "").encode("ascii").ljust(32, b"\0")


def code_from_bytes(word: bytes) -> str:
    """The code in a bytes32; 32 zero bytes are "". Raises InvalidCode if anything follows the first zero byte."""
    text = word.rstrip(b"\0")
    if len(word) != 32 or (text and not CODE_PATTERN.fullmatch(text.decode("latin-1"))):
        raise InvalidCode(f"0x{word.hex()} holds no code")
    return text.decode("ascii")


def parse_digest(text: object) -> str:
    """64 lower-case hex digits. Raises InvalidDigest."""
    if not isinstance(text, str) or not DIGEST_PATTERN.fullmatch(text):
        raise InvalidDigest(f"{_shown(text)} is not a digest")
    return text


def digest_to_bytes(digest: str) -> bytes:
    """The 32 bytes of a digest. Raises InvalidDigest."""
    return bytes.fromhex(parse_digest(digest))


def digest_from_bytes(raw: bytes) -> str:
    """The hex form of 32 bytes. Raises InvalidDigest."""
    if len(raw) != 32:
        raise InvalidDigest(f"{len(raw)} bytes are not a digest; it has 32")
    return raw.hex()


def parse_address(text: object) -> str:
    """`0x` and 40 lower-case hex digits. Raises InvalidInput."""
    if not isinstance(text, str) or not ADDRESS_PATTERN.fullmatch(text):
        raise InvalidInput(f"{_shown(text)} is not an address: 0x and 40 lower-case hex digits")
    return text


def any_address(text: object) -> str:
    """The lower-case form of an address in any letter case, as wallets and nodes print it. Raises InvalidInput."""
    if not isinstance(text, str) or not _ANY_ADDRESS.fullmatch(text):
        raise InvalidInput(f"{_shown(text)} is not an address: 0x and 40 hex digits")
    return text.lower()


def address_to_bytes(address: str) -> bytes:
    """The 20 bytes of an address. Raises InvalidInput."""
    return bytes.fromhex(parse_address(address)[2:])


def address_from_bytes(raw: bytes) -> str:
    """The text of 20 bytes. Raises InvalidInput."""
    if len(raw) != 20:
        raise InvalidInput(f"{len(raw)} bytes are not an address; it has 20")
    return "0x" + raw.hex()


def parse_signature(text: object) -> bytes:
    """The bytes of a signature in lower-case 0x hex; 65 for an account's key. Raises InvalidInput, TooLarge."""
    if not isinstance(text, str) or not _SIGNATURE.fullmatch(text):
        raise InvalidInput(f"{_shown(text)} is not a signature: 0x and an even number of lower-case hex digits")
    if len(text) > 2 + 2 * MAX_SIGNATURE:
        raise TooLarge(f"a signature has at most {MAX_SIGNATURE} bytes")
    return bytes.fromhex(text[2:])


def format_signature(signature: bytes) -> str:
    return "0x" + signature.hex()
