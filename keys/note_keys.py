"""Note keys in a keystore: a file per key, its seed encrypted, its name and public key readable.

The file's name is taken from a digest of the key's name, which may hold slashes.
"""

import hashlib

from keys.errors import InvalidKeyFile
from keys.keystore import Keystore, random_secret
from keys.notes import NoteSigner, NoteVerifier, check_key_name
from keys.passphrases import Passphrase

PREFIX = "note-"


def create_note_key(
    keystore: Keystore, name: str, passphrase: Passphrase, *, seed: bytes | None = None
) -> NoteVerifier:
    """A new note key under `name`, random unless its 32-byte `seed` is given; one name has one key.

    Raises KeyExists, InvalidNote, InvalidKey, WeakPassphrase, OSError.
    """
    seed = random_secret() if seed is None else seed
    verifier = NoteSigner(name, seed).verifier()
    keystore.add_secret(file_name(name), seed, passphrase, public={"vkey": verifier.vkey})
    return verifier


def note_keys(keystore: Keystore) -> list[NoteVerifier]:
    """The public halves of all note keys kept here, by name; needs no passphrase. Raises InvalidKeyFile."""
    names = (name for name in keystore.secrets() if name.startswith(PREFIX))
    return sorted((_public(keystore, name) for name in names), key=lambda verifier: verifier.name)


def open_note_key(keystore: Keystore, name: str, passphrase: Passphrase) -> NoteSigner:
    """The note key kept under `name`. Raises NoSuchKey, WrongPassphrase, InvalidKeyFile, UnsafePermissions."""
    check_key_name(name)
    signer = NoteSigner(name, keystore.secret(file_name(name), passphrase))
    if signer.verifier() != _public(keystore, file_name(name)):  # the public part is not covered by the passphrase
        raise InvalidKeyFile(f"the public key beside the note key of {name} is not its own", name=name)
    return signer


def file_name(name: str) -> str:
    """The keystore's name for the note key called `name`."""
    return PREFIX + hashlib.sha256(name.encode()).hexdigest()[:16]


def _public(keystore: Keystore, file: str) -> NoteVerifier:
    return NoteVerifier.parse(keystore.public_of(file).get("vkey", ""))
