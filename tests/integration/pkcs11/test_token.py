"""Keys in a real PKCS#11 token: they cannot leave it, and what goes wrong is named."""

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pkcs11
import pytest
from eth_hash.auto import keccak
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass

from keys.errors import InvalidSigning, KeyExists, NoPassphrase, NoSuchKey, TokenUnavailable, UnfitToken, WrongPin
from keys.keyring import Keyring
from keys.keystore import Keystore
from keys.passphrases import Passphrase, choose_source
from keys.pkcs11 import SECP256K1, Token, TokenKey, ethereum_signature, point_of
from keys.signer import HALF_ORDER, LocalSigner, recover
from keys.token_session import TokenSession
from tests.harness.tokens import SoftToken, make_token

pytestmark = pytest.mark.needs("hsm")
DIGEST = keccak(b"an act")


def raw_session(token: SoftToken) -> pkcs11.Session:
    """The same token through the library alone, as a thief with the PIN would use it."""
    session = TokenSession(token.module, token.label, token.source)
    return session.run(lambda opened: opened)


def private_half(session: pkcs11.Session, key: TokenKey) -> pkcs11.PrivateKey:
    (found,) = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: key.id}))
    return found


def test_the_key_cannot_be_read_wrapped_or_made_readable(token: Token, office_token: SoftToken) -> None:
    made = token.create()
    session = raw_session(office_token)
    private = private_half(session, made)
    assert private[Attribute.SENSITIVE] and private[Attribute.ALWAYS_SENSITIVE]
    assert private[Attribute.NEVER_EXTRACTABLE] and not private[Attribute.EXTRACTABLE]
    assert private[Attribute.LOCAL], "it was made in the token, not brought there"
    with pytest.raises(pkcs11.AttributeSensitive):
        private[Attribute.VALUE]
    wrapping = session.generate_key(KeyType.AES, 256, capabilities=MechanismFlag.WRAP | MechanismFlag.UNWRAP)
    with pytest.raises(pkcs11.KeyUnextractable):
        wrapping.wrap_key(private, mechanism=Mechanism.AES_KEY_WRAP_PAD)
    for attribute, value in ((Attribute.EXTRACTABLE, True), (Attribute.SENSITIVE, False)):
        with pytest.raises(pkcs11.PKCS11Error):
            private[attribute] = value
    copied = {Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False}
    with pytest.raises(pkcs11.PKCS11Error):
        private.copy(copied)


def test_a_key_that_could_leave_is_not_used(token: Token, office_token: SoftToken) -> None:
    session = raw_session(office_token)
    parameters = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: SECP256K1}, local=True)
    label = f"loose-{secrets.token_hex(4)}"
    parameters.generate_keypair(
        store=True, label=label, id=secrets.token_bytes(8), private_template={Attribute.EXTRACTABLE: True}
    )
    with pytest.raises(UnfitToken, match="can be taken out"):
        token.sign(token.find(label), DIGEST)


def test_every_signature_is_low_and_recovers(token: Token) -> None:
    key = token.create()
    seen: Counter[int] = Counter()
    for number in range(200):
        digest = keccak(number.to_bytes(4, "big"))
        signature = token.sign(key, digest)
        assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER
        assert recover(digest, signature) == key.address
        seen[signature[64]] += 1
    assert set(seen) == {27, 28}
    assert token.sign(key, DIGEST) != token.sign(key, DIGEST), "tokens draw their nonces"


def test_many_threads_and_two_openings_sign_at_once(token: Token, office_token: SoftToken) -> None:
    """The library is loaded without locks of its own: ours must keep all callers apart."""
    key = token.create()
    other = office_token.open()
    digests = [keccak(number.to_bytes(4, "big")) for number in range(120)]
    with ThreadPoolExecutor(8) as pool:
        half = pool.map(lambda digest: token.sign(key, digest), digests)
        signatures = list(pool.map(lambda digest: other.sign(other.find(key.address), digest), digests))
        assert [recover(*pair) for pair in zip(digests, signatures, strict=True)] == [key.address] * len(digests)
        assert [recover(*pair) for pair in zip(digests, half, strict=True)] == [key.address] * len(digests)
    other.close()
    assert recover(DIGEST, token.sign(key, DIGEST)) == key.address, "another's closing does not log us out"


def test_keys_are_listed_and_found_without_a_pin(token: Token, office_token: SoftToken) -> None:
    label = f"lead-{secrets.token_hex(4)}"
    made = token.create(label)
    token.close()
    unopened = Token(office_token.module, office_token.label)
    assert made in unopened.listed() and unopened.find(label) == made == unopened.find(made.address.upper())
    with pytest.raises(NoSuchKey, match="no secp256k1 key"):
        unopened.find("nobody")
    with pytest.raises(TokenUnavailable, match="no PIN"):
        unopened.sign(made, DIGEST)
    with pytest.raises(KeyExists):
        token.create(label)


def test_a_wrong_pin_is_tried_once(office_token: SoftToken) -> None:
    asked: list[int] = []

    def wrong() -> Passphrase:
        asked.append(1)
        return Passphrase("not the pin")

    pkcs11.lib(str(office_token.module)).reinitialize()  # nobody in this process is logged in: a login is a trial
    token = Token(office_token.module, office_token.label, wrong)
    for _ in range(3):
        with pytest.raises(WrongPin) as caught:
            token.open()
    assert len(asked) == 1
    assert "not the pin" not in str(caught.value) + repr(caught.value.facts) + repr(token)
    good = office_token.open()
    good.open()
    good.close()


def test_a_pin_comes_from_a_file_and_never_from_elsewhere(office_token: SoftToken, tmp_path: Path) -> None:
    token = Token(office_token.module, office_token.label, choose_source(file=office_token.pin_file(tmp_path)))
    token.open()
    token.close()
    with pytest.raises(NoPassphrase):
        Token(office_token.module, office_token.label, choose_source(file=tmp_path / "none")).open()


def test_a_lost_session_is_opened_again(token: Token, office_token: SoftToken) -> None:
    key = token.create()
    assert recover(DIGEST, token.sign(key, DIGEST)) == key.address
    pkcs11.lib(str(office_token.module)).reinitialize()  # every handle of this process is void
    assert recover(DIGEST, token.sign(key, DIGEST)) == key.address


def test_a_token_that_is_gone_is_named_and_its_return_noticed(token_folder: Path, keystore: Keystore) -> None:
    soft = make_token(token_folder, "travelling")
    token = soft.open()
    key = token.create()
    keyring = Keyring(keystore, soft.source, token)
    soft.remove()
    pkcs11.lib(str(soft.module)).reinitialize()
    assert keyring.holds(key.address), "what it held is known without asking"
    with pytest.raises(TokenUnavailable, match="there is no token travelling"):
        keyring.signer(key.address).sign(DIGEST)
    make_token(token_folder, "travelling")
    with pytest.raises(WrongPin):  # another token under that name, with a PIN of its own
        keyring.signer(key.address).sign(DIGEST)


def test_a_token_without_the_key_says_so(token_folder: Path) -> None:
    soft = make_token(token_folder, "short-lived")
    token = soft.open()
    key = token.create()
    private_half(raw_session(soft), key).destroy()
    token.close()
    with pytest.raises(NoSuchKey, match="private half"):
        token.sign(key, DIGEST)


def test_no_library_and_no_token_are_named(tmp_path: Path, office_token: SoftToken) -> None:
    with pytest.raises(TokenUnavailable, match="cannot be loaded"):
        Token(tmp_path / "none.so", "office").listed()
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(TokenUnavailable, match="cannot be loaded"):
        Token(text, "office").listed()
    with pytest.raises(TokenUnavailable, match="there is no token elsewhere"):
        Token(office_token.module, "elsewhere").listed()


def test_the_shape_ethereum_wants() -> None:
    signer = LocalSigner(secrets.token_bytes(32))
    wanted = signer.sign(DIGEST)
    public_key = signer._key.public_key()
    order = 2 * HALF_ORDER + 1
    high = wanted[:32] + (order - int.from_bytes(wanted[32:64], "big")).to_bytes(32, "big")
    assert ethereum_signature(wanted[:64], DIGEST, public_key) == wanted
    assert ethereum_signature(high, DIGEST, public_key) == wanted
    for bad in (b"", wanted[:63], bytes(64), b"\xff" * 64):
        with pytest.raises(InvalidSigning):
            ethereum_signature(bad, DIGEST, public_key)
    with pytest.raises(InvalidSigning, match="not of its own public key"):
        ethereum_signature(wanted[:64], keccak(b"another"), public_key)
    point = b"\x04" + public_key
    assert point_of(point) == point_of(b"\x04\x41" + point) == public_key
    assert point_of(b"\x02" + public_key[:32]) is None and point_of(b"\x04" + bytes(64)) is None
