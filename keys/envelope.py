"""32 secret bytes under a passphrase: Web3 Secret Storage version 3, written by eth_keyfile, read with limits.

Cost of the key derivation (scrypt, RFC 7914, r = 8, p = 1). A passphrase a person chose gets n = 2^18, the format's
standard: 256 MiB and about a second for each guess. A generated one has 256 random bits, so no number of guesses finds
it and n = 2^12 (4 MiB, some milliseconds) gives nothing away; one passphrase can then open hundreds of keys while a
host starts.

The format's checksum covers the ciphertext but not its initial counter (`iv`), so a caller must compare what was
opened with something known: the address, or a check value of its own.
"""

import json
import re
from typing import Any

from keys.errors import InvalidKey, InvalidKeyFile, WrongPassphrase
from keys.passphrases import Passphrase

STANDARD_COST = 2**18
GENERATED_COST = 2**12
MAX_FILE = 16 * 1024  # bytes; a real file has some 500
MAX_MEMORY = 512 * 1024**2  # bytes that a file's scrypt parameters may ask for
MAX_WORK = 4 * STANDARD_COST * 8  # n·r·p: four times the standard, some four seconds
MAX_ITERATIONS = 10_000_000  # of PBKDF2
HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


def cost_for(passphrase: Passphrase) -> int:
    """scrypt's n for a new file under this passphrase."""
    return GENERATED_COST if passphrase.is_generated else STANDARD_COST


def seal(secret: bytes, passphrase: Passphrase, *, cost: int | None = None) -> dict[str, Any]:
    """A version 3 document of a 32-byte secret, with the `address` the secret has as a private key.

    `cost` is scrypt's n; None chooses by the passphrase. Raises WeakPassphrase, InvalidKey.
    """
    from eth_keyfile.keyfile import create_keyfile_json  # late: it takes 0.8 s, which listing need not pay

    passphrase.require_strength()
    if len(secret) != 32:
        raise InvalidKey(f"a secret has 32 bytes, this has {len(secret)}")
    try:
        document: dict[str, Any] = create_keyfile_json(
            secret, passphrase.reveal(), version=3, kdf="scrypt", iterations=cost or cost_for(passphrase)
        )
    except ValueError:
        raise InvalidKey("these 32 bytes are outside the range the file format can hold") from None
    return document


def unseal(document: dict[str, Any], passphrase: Passphrase) -> bytes:
    """The 32 secret bytes of a checked document. Takes as long as its key derivation; releases the GIL meanwhile.

    Raises WrongPassphrase, InvalidKeyFile.
    """
    from eth_keyfile.keyfile import decode_keyfile_json

    try:
        return bytes(decode_keyfile_json(document, passphrase.reveal()))
    except ValueError:  # after `parse` only the checksum is left to fail
        raise WrongPassphrase() from None
    except MemoryError as cause:
        raise InvalidKeyFile("there is not enough memory for this file's key derivation") from cause


def parse(content: bytes, *, name: str) -> dict[str, Any]:
    """A key file's bytes as a document safe to give to `unseal`: known members only, and no cost beyond the limits.

    Raises InvalidKeyFile, naming the file `name` and what is wrong.
    """
    if len(content) > MAX_FILE:
        raise _invalid(name, f"it is larger than {MAX_FILE} bytes")
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as cause:
        raise _invalid(name, "it is not JSON") from cause
    document = _lower(raw, name, "the file")
    if document.get("version") != 3 or type(document["version"]) is not int:
        raise _invalid(name, "its version is not 3")
    crypto = _lower(document.get("crypto"), name, "crypto")
    if crypto.get("cipher") != "aes-128-ctr":
        raise _invalid(name, "its cipher is not aes-128-ctr")
    kdf = crypto.get("kdf")
    return {
        "version": 3,
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": _hex(_lower(crypto.get("cipherparams"), name, "cipherparams"), "iv", name, 16)},
            "ciphertext": _hex(crypto, "ciphertext", name, 32),
            "mac": _hex(crypto, "mac", name, 32),
            "kdf": kdf,
            "kdfparams": _derivation(kdf, _lower(crypto.get("kdfparams"), name, "kdfparams"), name),
        },
    } | {member: document[member] for member in ("address", "public", "check") if member in document}


def _derivation(kdf: object, parameters: dict[str, Any], name: str) -> dict[str, Any]:
    """The key derivation's parameters within limits: a file is somebody else's input, and n costs memory."""
    checked: dict[str, Any] = {"dklen": _number(parameters, "dklen", name, 32, 32)}
    checked["salt"] = _hex(parameters, "salt", name, None)
    if kdf == "scrypt":
        n = _number(parameters, "n", name, 2, 2**24)
        r = _number(parameters, "r", name, 1, 1024)
        p = _number(parameters, "p", name, 1, 1024)
        if n & (n - 1):
            raise _invalid(name, "its scrypt n is not a power of two")
        if 128 * n * r > MAX_MEMORY or n * r * p > MAX_WORK:
            raise _invalid(name, f"its key derivation (n={n}, r={r}, p={p}) asks for too much memory or time")
        return checked | {"n": n, "r": r, "p": p}
    if kdf == "pbkdf2":
        if parameters.get("prf") != "hmac-sha256":
            raise _invalid(name, "its PBKDF2 function is not hmac-sha256")
        return checked | {"c": _number(parameters, "c", name, 1, MAX_ITERATIONS), "prf": "hmac-sha256"}
    raise _invalid(name, "its key derivation is neither scrypt nor pbkdf2")


def _lower(value: object, name: str, part: str) -> dict[str, Any]:
    """Member names in lower case (some wallets write `Crypto`), each once."""
    if not isinstance(value, dict):
        raise _invalid(name, f"{part} is not a JSON object")
    lowered = {str(member).lower(): content for member, content in value.items()}
    if len(lowered) != len(value):
        raise _invalid(name, f"{part} names a member twice")
    return lowered


def _hex(members: dict[str, Any], member: str, name: str, size: int | None) -> str:
    text = members.get(member)
    if not isinstance(text, str) or not HEX.fullmatch(text.removeprefix("0x")):
        raise _invalid(name, f"its {member} is not hex")
    plain = text.removeprefix("0x")
    if (size is not None and len(plain) != 2 * size) or len(plain) > 256:
        raise _invalid(name, f"its {member} has the wrong length")
    return plain


def _number(members: dict[str, Any], member: str, name: str, least: int, most: int) -> int:
    number = members.get(member)
    if type(number) is not int or not least <= number <= most:
        raise _invalid(name, f"its {member} is not a whole number from {least} to {most}")
    return number


def _invalid(name: str, problem: str) -> InvalidKeyFile:
    return InvalidKeyFile(f"{name} is not a usable key file: {problem}", file=name)
