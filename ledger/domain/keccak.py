"""Keccak-256, Ethereum's hash (not FIPS 202's SHA3-256: another padding)."""

from Crypto.Hash import keccak


def keccak256(payload: bytes) -> bytes:
    """The 32-byte Keccak-256 digest of `payload`."""
    return keccak.new(data=payload, digest_bits=256).digest()
