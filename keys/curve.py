"""The secp256k1 arithmetic behind signing, from one of two libraries.

coincurve (libsecp256k1: constant time, tens of thousands of signatures a second) where it is installed; else the pure
Python of eth_keys, which signs the same bytes, some hundred times slower and not in constant time. Both derive nonces
by RFC 6979 and return low s, so the choice never shows in a signature.
"""

import importlib.util
from typing import Protocol

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141  # SEC 2, section 2.4.1


class SecretKey(Protocol):
    """A loaded private key."""

    def public_key(self) -> bytes:
        """The public key, x ‖ y, 64 bytes."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """r ‖ s ‖ recovery id, 65 bytes, over a 32-byte digest."""
        ...


class Curve(Protocol):
    """What a library must offer. Callers have checked ranges before."""

    def load(self, secret: bytes) -> SecretKey:
        """A private key from its 32 bytes, in 1 … ORDER − 1."""
        ...

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        """The public key, 64 bytes, that made `signature` (r ‖ s ‖ recovery id). Raises ValueError if none did."""
        ...


class CoincurveKey:
    """A private key held by libsecp256k1."""

    __slots__ = ("_key",)

    def __init__(self, secret: bytes) -> None:
        import coincurve

        self._key = coincurve.PrivateKey(secret)

    def public_key(self) -> bytes:
        return bytes(self._key.public_key.format(compressed=False)[1:])

    def sign(self, digest: bytes) -> bytes:
        return bytes(self._key.sign_recoverable(digest, hasher=None))


class CoincurveCurve:
    """libsecp256k1 through coincurve."""

    def __init__(self) -> None:
        import coincurve

        self._recover = coincurve.PublicKey.from_signature_and_message

    def load(self, secret: bytes) -> SecretKey:
        return CoincurveKey(secret)

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        try:
            key = self._recover(signature, digest, hasher=None)
        except Exception as cause:  # the library raises bare Exception for a point that is not on the curve
            raise ValueError("no public key made this signature") from cause
        return bytes(key.format(compressed=False)[1:])


class NativeKey:
    """A private key used by eth_keys' pure Python arithmetic."""

    __slots__ = ("_key",)

    def __init__(self, secret: bytes) -> None:
        from eth_keys.backends.native.main import NativeECCBackend
        from eth_keys.main import KeyAPI

        self._key = KeyAPI(NativeECCBackend()).PrivateKey(secret)

    def public_key(self) -> bytes:
        return bytes(self._key.public_key.to_bytes())

    def sign(self, digest: bytes) -> bytes:
        return bytes(self._key.sign_msg_hash(digest).to_bytes())


class NativeCurve:
    """eth_keys' pure Python arithmetic."""

    def load(self, secret: bytes) -> SecretKey:
        return NativeKey(secret)

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        from eth_keys.backends.native.main import NativeECCBackend
        from eth_keys.exceptions import BadSignature
        from eth_keys.main import KeyAPI

        api = KeyAPI(NativeECCBackend())
        try:
            return bytes(api.Signature(signature).recover_public_key_from_msg_hash(digest).to_bytes())
        except BadSignature as cause:
            raise ValueError("no public key made this signature") from cause


def choose_curve() -> Curve:
    """The fastest curve installed."""
    return CoincurveCurve() if importlib.util.find_spec("coincurve") else NativeCurve()


CURVE: Curve = choose_curve()
