"""Vectors: Go's golang.org/x/mod/sumdb/note (PeterNeumann, EnochRoot); the rest from the C2SP specifications' text."""

import base64
import copy
import hashlib
import pickle
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import InvalidKey, InvalidNote
from keys.notes import (
    WITNESS,
    Note,
    NoteSignature,
    NoteSigner,
    NoteVerifier,
    parse_note,
    sign_note,
    verify_note,
)

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # noqa: S105
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
NOTE = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SEED = bytes(range(32))


def names(note: Note, *vkeys: str) -> list[str]:
    return [signature.verifier.name for signature in verify_note(note, [NoteVerifier.parse(vkey) for vkey in vkeys])]


def test_verifies_the_known_note() -> None:
    note = parse_note(NOTE)
    assert note.text == TEXT
    assert note.encode() == NOTE
    assert names(note, PETER) == ["PeterNeumann"]
    assert names(note, ENOCH) == ["EnochRoot"]
    assert names(note, PETER, ENOCH) == ["PeterNeumann", "EnochRoot"]


def test_signs_the_known_note() -> None:
    signer = NoteSigner.parse(PETER_SECRET)
    assert signer.verifier().vkey == PETER
    assert sign_note(TEXT, [signer]).encode() == f"{TEXT}\n{PETER_LINE}".encode()


def test_a_vkey_round_trips() -> None:
    for vkey in (PETER, ENOCH):
        assert NoteVerifier.parse(vkey).vkey == vkey


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("PeterNeumann", "PeterNewmann"),
        PETER.replace("c74f20a3", "c74f20"),
        PETER.replace("c74f20a3", "c74f20zz"),
        PETER[:-1],
        PETER[:-4],
        PETER.replace("+ARpc", "+BRpc"),
        PETER.replace("PeterNeumann", "Peter Neumann"),
    ],
)
def test_refuses_malformed_vkeys(vkey: str) -> None:
    with pytest.raises(InvalidNote):
        NoteVerifier.parse(vkey)


def test_a_malformed_private_key_is_not_repeated() -> None:
    for skey in (PETER_SECRET[:-3], PETER_SECRET.replace("c74f", "c74e"), "PRIVATE+KEY+x", PETER):
        with pytest.raises(InvalidNote) as caught:
            NoteSigner.parse(skey)
        assert skey[-20:] not in repr(caught.value)
        assert caught.value.__cause__ is None


def test_a_changed_text_or_signature_fails_the_whole_note() -> None:
    for changed in (NOTE.replace(b"answer", b"Answer"), NOTE.replace(b"x08go/ZJ", b"x08go/ZK")):
        with pytest.raises(InvalidNote, match="PeterNeumann does not hold"):
            names(parse_note(changed), ENOCH, PETER)


def test_unknown_keys_are_ignored_and_never_enough() -> None:
    stranger = NoteSigner("PeterNeumann", SEED)  # the name alone is not a key
    note = Note(TEXT, (stranger.sign(TEXT), *parse_note(NOTE).signatures))
    assert names(note, PETER) == ["PeterNeumann"]
    with pytest.raises(InvalidNote, match="no known key"):
        names(sign_note(TEXT, [stranger]), PETER)
    with pytest.raises(InvalidNote, match="no known key"):
        names(note)


def test_a_repeated_signature_counts_once() -> None:
    note = parse_note(NOTE)
    assert names(Note(TEXT, note.signatures * 3), PETER, ENOCH) == ["PeterNeumann", "EnochRoot"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        NOTE[:-1],
        NOTE.replace("— E".encode(), b"- E"),
        NOTE.replace(b"EnochRoot r", b"EnochRoot  r"),
        NOTE.replace(b"EnochRoot r", b"Enoch+Root r"),
        NOTE.replace(b"answer", b"ans\rwer"),
        NOTE.replace(b"answer", b"ans\xffwer"),
        NOTE.replace(b"+QQ=\n", b"+QR=\n"),
        NOTE.replace(b"+QQ=\n", b"+QQ\n"),
        NOTE + b"junk\n",
        NOTE + "— x AAAAAA==\n".encode(),
        TEXT.encode() + b"\n" + PETER_LINE.encode() * 101,
        b"a" * 1_000_001,
    ],
)
def test_refuses_what_is_no_note(content: bytes) -> None:
    with pytest.raises(InvalidNote):
        parse_note(content)


@given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=40))
def test_texts_round_trip(line: str) -> None:
    text = f"{line}\n\n{line}\n"  # a text may hold empty lines
    signer = NoteSigner("a.example/log", SEED)
    note = parse_note(sign_note(text, [signer]).encode())
    assert note.text == text
    assert verify_note(note, [signer.verifier()])[0].time is None


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "nul\x00\n", "\ud800\n"])
def test_signs_only_what_a_note_can_hold(text: str) -> None:
    signer = NoteSigner("a.example", SEED)
    with pytest.raises(InvalidNote):
        signer.sign(text)
    with pytest.raises(InvalidNote):
        signer.cosign(text, 1)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x7fb"])
def test_refuses_names_that_break_a_line(name: str) -> None:
    with pytest.raises(InvalidNote):
        NoteSigner(name, SEED)


def test_a_cosignature_as_the_specification_spells_it() -> None:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    public = key.public_key().public_bytes_raw()
    message = b"cosignature/v1\ntime 1679315147\n" + CHECKPOINT.encode()
    key_id = hashlib.sha256(b"witness.example.com/w1\n\x04" + public).digest()[:4]
    raw = key_id + struct.pack(">Q", 1679315147) + key.sign(message)
    line = f"— witness.example.com/w1 {base64.b64encode(raw).decode()}\n"

    signer = NoteSigner("witness.example.com/w1", SEED)
    assert signer.cosign(CHECKPOINT, 1679315147).line == line
    note = parse_note(f"{CHECKPOINT}\n{line}".encode())
    [verified] = verify_note(note, [NoteVerifier.parse(signer.verifier(WITNESS).vkey)])
    assert verified.time == 1679315147
    assert signer.verifier(WITNESS).key_id != signer.verifier().key_id
    with pytest.raises(InvalidNote, match="no known key"):
        verify_note(note, [signer.verifier()])


def test_a_cosignature_binds_its_time() -> None:
    signer = NoteSigner("w.example", SEED)
    good = signer.cosign(CHECKPOINT, 5)
    later = NoteSignature(good.name, good.key_id, struct.pack(">Q", 6) + good.signature[8:])
    short = NoteSignature(good.name, good.key_id, good.signature[8:])
    verifier = signer.verifier(WITNESS)
    assert verifier.verify(CHECKPOINT, good)
    assert not verifier.verify(CHECKPOINT, later)
    assert not verifier.verify(CHECKPOINT, short)
    with pytest.raises(InvalidNote):
        signer.cosign(CHECKPOINT, 2**63)


def test_never_shows_its_key() -> None:
    signer = NoteSigner("a.example", SEED)
    assert repr(signer) == "NoteSigner(a.example)"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="private key"):
            attempt(signer)
    with pytest.raises(InvalidKey):
        NoteSigner("a.example", b"short")
