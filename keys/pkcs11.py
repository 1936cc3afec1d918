"""secp256k1 keys that are made in a PKCS#11 token and cannot leave it (OASIS PKCS #11 v2.40, CKM_ECDSA).

A token signs the 32 bytes it is given and answers r ‖ s. What Ethereum wants beyond that is added here: s in the lower
half of the order (EIP-2; order − s over the same digest is as good a signature), and v, found by trying which of the
two recovers the public key that is known. A signature that recovers neither way is not handed out.

Tokens choose their nonces as they like, so the same digest signed twice gives different bytes, both good.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from keys.curve import CURVE, ORDER
from keys.errors import InvalidSigning, KeyExists, NoSuchKey, UnfitToken
from keys.passphrases import PassphraseSource
from keys.signer import address_of_public_key, check_digest
from keys.token_session import TokenSession

if TYPE_CHECKING:
    from pkcs11.types import Session

SECP256K1 = bytes.fromhex("06052b8104000a")  # DER of the object identifier 1.3.132.0.10 (SEC 2, A.2.1)
POINT = 65  # 04 ‖ x ‖ y


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A secp256k1 key pair in a token. `id` is the token's (CKA_ID), the same for both halves."""

    address: str
    label: str
    id: bytes
    public_key: bytes  # x ‖ y


class Token:
    """The secp256k1 keys of one token. Every call may block for the device; any thread may make it."""

    def __init__(self, module: Path, label: str, pin: PassphraseSource | None = None) -> None:
        """`module`: the token maker's library; `label`: the token's. Touches nothing yet."""
        self._session = TokenSession(module, label, pin)
        self._keys: dict[str, TokenKey] | None = None
        self._ready: tuple[object, dict[bytes, Any]] = (None, {})  # a session, and its private keys by CKA_ID
        self._kept: set[bytes] = set()  # CKA_IDs of keys found to be unable to leave

    @property
    def label(self) -> str:
        return self._session.label

    def open(self) -> None:
        """Logs in now, so that what is wrong shows at the start. Raises TokenUnavailable, WrongPin, PinLocked."""
        self._session.run(lambda session: None)
        self._known()

    def listed(self) -> list[TokenKey]:
        """All keys here, by label; needs no PIN. Read once: others' keys made later are not seen.

        Raises TokenUnavailable.
        """
        return sorted(self._known().values(), key=lambda key: (key.label, key.address))

    def addresses(self) -> list[str]:
        """The addresses of all keys here, sorted. Raises TokenUnavailable."""
        return sorted(self._known())

    def holds(self, address: str) -> bool:
        """Whether a key of this address (any letter case) is here. Raises TokenUnavailable the first time."""
        return address.lower() in self._known()

    def find(self, name: str) -> TokenKey:
        """The key with this address or label. Raises NoSuchKey, also if two keys have the label."""
        matching = [key for key in self.listed() if name.lower() == key.address or name == key.label]
        if len(matching) != 1:
            problem = f"{len(matching)} keys are called" if matching else "there is no secp256k1 key"
            raise NoSuchKey(
                f"in the token {self.label} {problem} {name}",
                remedy="List the token's keys with `shareledger key find`, and name one by its address.",
                token=self.label,
            )
        return matching[0]

    def create(self, label: str | None = None) -> TokenKey:
        """A new key pair that the token keeps: sensitive, not extractable, for signing only.

        Raises KeyExists if the label is taken, UnfitToken if the token cannot do this or does not keep the key so.
        """
        if label is not None and any(key.label == label for key in self.listed()):
            raise KeyExists(f"the token {self.label} has a key called {label}", remedy="Give another label.")
        id = secrets.token_bytes(16)
        name = label or f"shareledger-{id.hex()[:8]}"
        made = self._session.run(lambda session: self._generated(session, name, id), again=False)
        self._known()[made.address] = made
        return made

    def signer(self, address: str) -> "TokenSigner":
        """The signer of a key here. Raises NoSuchKey, TokenUnavailable."""
        return TokenSigner(self, self.find(address))

    def sign(self, key: TokenKey, digest: bytes) -> bytes:
        """r ‖ s ‖ v over a 32-byte digest, as `keys.signer.Signer` asks.

        Raises InvalidSigning, NoSuchKey, UnfitToken, TokenUnavailable, WrongPin, PinLocked, NoPassphrase.
        """
        from pkcs11 import Mechanism

        check_digest(digest)
        raw = self._session.run(lambda session: self._private(session, key).sign(digest, mechanism=Mechanism.ECDSA))
        return ethereum_signature(bytes(raw), bytes(digest), key.public_key)

    def close(self) -> None:
        """Logs out; a later use asks for the PIN again."""
        self._session.close()

    def _known(self) -> dict[str, TokenKey]:
        if self._keys is None:
            found = self._session.run(_public_keys, login=self._session.logged_in)
            self._keys = {key.address: key for key in found}
        return self._keys

    def _generated(self, session: "Session", label: str, id: bytes) -> TokenKey:
        handles = self._handles(session)
        made, handles[id] = _generate(session, label, id)
        return made

    def _private(self, session: "Session", key: TokenKey) -> Any:
        private = self._handles(session).get(key.id)
        if private is None:
            raise NoSuchKey(f"the private half of {key.address} is not in the token", address=key.address)
        if key.id not in self._kept:
            _require_kept(private, key.label)
            self._kept.add(key.id)
        return private

    def _handles(self, session: "Session") -> dict[bytes, Any]:
        """The private keys, as this session calls them. Looked for while it is new: a search that a lost session
        breaks off leaves the wrapper with something it cannot end."""
        if self._ready[0] is not session:
            self._ready = (session, _private_keys(session))
        return self._ready[1]

    def __repr__(self) -> str:
        return f"Token({self.label})"


class TokenSigner:
    """`keys.signer.Signer` over a key in a token."""

    __slots__ = ("_key", "_token")
    waits: ClassVar[bool] = True

    def __init__(self, token: Token, key: TokenKey) -> None:
        self._token, self._key = token, key

    @property
    def address(self) -> str:
        return self._key.address

    def sign(self, digest: bytes) -> bytes:
        return self._token.sign(self._key, digest)

    def __repr__(self) -> str:
        return f"TokenSigner({self._key.address} in {self._token.label})"


def ethereum_signature(raw: bytes, digest: bytes, public_key: bytes) -> bytes:
    """r ‖ s ‖ v of what a token answered, r ‖ s, for the 64-byte public key. Raises InvalidSigning if it is not its."""
    if len(raw) != 64:
        raise InvalidSigning(f"the token answered {len(raw)} bytes, not r and s of 32 bytes each")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise InvalidSigning("the token's signature is out of range")
    low = raw[:32] + min(s, ORDER - s).to_bytes(32, "big")
    for parity in (0, 1):
        try:
            if CURVE.recover(digest, low + bytes((parity,))) == public_key:
                return low + bytes((27 + parity,))
        except ValueError:
            continue
    raise InvalidSigning("the token's signature is not of its own public key", remedy="Have the token examined.")


def point_of(value: bytes) -> bytes | None:
    """x ‖ y of a CKA_EC_POINT: an OCTET STRING around the point or, from some tokens, the bare point; else None."""
    if len(value) == POINT + 2 and value[:2] == bytes((4, POINT)):
        value = value[2:]
    return value[1:] if len(value) == POINT and value[0] == 4 and int.from_bytes(value[1:]) else None


def _public_keys(session: "Session") -> list[TokenKey]:
    from pkcs11 import Attribute, KeyType, ObjectClass

    found = []
    for key in list(session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.KEY_TYPE: KeyType.EC})):
        if bytes(key[Attribute.EC_PARAMS]) == SECP256K1 and (point := point_of(bytes(key[Attribute.EC_POINT]))):
            label = str(key[Attribute.LABEL] or "")
            found.append(TokenKey(address_of_public_key(point), label, bytes(key[Attribute.ID]), point))
    return found


def _private_keys(session: "Session") -> dict[bytes, Any]:
    from pkcs11 import Attribute, KeyType, ObjectClass

    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.KEY_TYPE: KeyType.EC}
    return {bytes(private[Attribute.ID]): private for private in list(session.get_objects(wanted))}


def _require_kept(private: Any, label: str) -> None:
    """Raises UnfitToken if the token would give the private key away."""
    from pkcs11 import Attribute

    if private[Attribute.EXTRACTABLE] or not private[Attribute.SENSITIVE]:
        raise UnfitToken(
            f"the key {label} can be taken out of its token",
            remedy="Make a key with `shareledger key create --pkcs11`, enrol it, and retire this one.",
        )


def _generate(session: "Session", label: str, id: bytes) -> tuple[TokenKey, Any]:
    from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag

    parameters = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: SECP256K1}, local=True)
    public, private = parameters.generate_keypair(
        mechanism=Mechanism.EC_KEY_PAIR_GEN,
        store=True,
        label=label,
        id=id,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        private_template={Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )
    try:
        _require_kept(private, label)
        point = point_of(bytes(public[Attribute.EC_POINT]))
        if point is None:
            raise UnfitToken("the token does not tell the public half of the key it made")
    except BaseException:
        public.destroy()
        private.destroy()
        raise
    return TokenKey(address_of_public_key(point), label, id, point), private
