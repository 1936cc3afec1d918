"""Signing 32-byte digests with an account's key, and naming who signed (Ethereum yellow paper, appendix F; EIP-2).

A signer signs digests only. What the digest stands for (an act, a transaction) is the caller's, so a hardware token
that offers no more than ECDSA over a digest can take a `LocalSigner`'s place (`keys.pkcs11`).
"""

from typing import ClassVar, NoReturn, Protocol

from eth_hash.auto import keccak

from keys.curve import CURVE, ORDER, Curve
from keys.errors import InvalidKey, InvalidSigning

HALF_ORDER = ORDER // 2


class Signer(Protocol):
    """One account that can sign. `waits`: `sign` asks a device and blocks for it, so it belongs in a thread."""

    @property
    def waits(self) -> bool: ...

    @property
    def address(self) -> str:
        """Lower case, `0x` and 40 hex digits."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """r ‖ s ‖ v over a 32-byte digest: 65 bytes, s in the lower half, v 27 or 28. Raises InvalidSigning."""
        ...


class LocalSigner:
    """A private key in this process's memory. It has no representation, copy or pickle that shows the key."""

    __slots__ = ("_address", "_key")
    waits: ClassVar[bool] = False

    def __init__(self, private_key: bytes, *, curve: Curve = CURVE) -> None:
        """`private_key`: 32 bytes in 1 … order − 1. Raises InvalidKey."""
        check_private_key(private_key)
        self._key = curve.load(bytes(private_key))
        self._address = address_of_public_key(self._key.public_key())

    @property
    def address(self) -> str:
        return self._address

    def sign(self, digest: bytes) -> bytes:
        check_digest(digest)
        signature = self._key.sign(bytes(digest))
        if signature[64] > 1:  # r overflowed the order: one in 2^127, and no Ethereum signature can say so
            raise InvalidSigning("this digest has no signature that Ethereum accepts; sign another")
        return signature[:64] + bytes((27 + signature[64],))

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a signer is neither copied nor pickled: it holds a private key")


def recover(digest: bytes, signature: bytes, *, curve: Curve = CURVE) -> str:
    """The address, lower case, that signed `digest` (32 bytes) with `signature` (r ‖ s ‖ v, 65 bytes).

    Raises InvalidSigning for a signature no honest signer makes: wrong length, v other than 27 or 28, r or s out of
    range, s in the upper half (EIP-2: it would be a second signature over the same digest), or a point not on the
    curve.
    """
    check_digest(digest)
    if len(signature) != 65:
        raise InvalidSigning(f"a signature has 65 bytes, this one {len(signature)}")
    v = signature[64]
    if v not in (27, 28):
        raise InvalidSigning(f"v must be 27 or 28, not {v}")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not 0 < r < ORDER:
        raise InvalidSigning("r is out of range")
    if not 0 < s <= HALF_ORDER:
        raise InvalidSigning("s is out of range or in the upper half")
    try:
        public_key = curve.recover(bytes(digest), bytes(signature[:64]) + bytes((v - 27,)))
    except ValueError as cause:
        raise InvalidSigning("no key made this signature") from cause
    return address_of_public_key(public_key)


def address_of(private_key: bytes) -> str:
    """The address, lower case, of a 32-byte private key. Raises InvalidKey."""
    return LocalSigner(private_key).address


def address_of_public_key(public_key: bytes) -> str:
    """The address, lower case, of a 64-byte public key x ‖ y."""
    return "0x" + keccak(public_key)[12:].hex()


def check_private_key(private_key: bytes) -> None:
    """Raises InvalidKey unless `private_key` is 32 bytes in 1 … order − 1; the message never repeats it."""
    if len(private_key) != 32:
        raise InvalidKey(f"a private key has 32 bytes, this has {len(private_key)}")
    if not 0 < int.from_bytes(private_key, "big") < ORDER:
        raise InvalidKey("a private key is neither zero nor at or above the curve's order")


def check_digest(digest: bytes) -> None:
    """Raises InvalidSigning unless `digest` is 32 bytes: signing anything longer would need a hash chosen here."""
    if len(digest) != 32:
        raise InvalidSigning(f"a digest has 32 bytes, this has {len(digest)}")
