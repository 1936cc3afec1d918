import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from keys.errors import KeysError, NoPassphrase, UnsafePermissions, WeakPassphrase
from keys.passphrases import LONGEST, Passphrase, choose_source, from_descriptor, from_file, from_prompt, generate

ASK = """
import sys, fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from keys.errors import NoPassphrase
from keys.passphrases import from_prompt
try:
    print("GOT", from_prompt(confirm=True).reveal().decode(), flush=True)
except NoPassphrase as error:
    print("REFUSED", error, flush=True)
"""


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "read"),
    [(b"secret", b"secret"), (b"secret\n", b"secret"), (b"secret\r\n", b"secret"), (b" a b \n\n", b" a b \n")],
)
def test_drops_one_newline(tmp_path: Path, content: bytes, read: bytes) -> None:
    assert from_file(write(tmp_path / "passphrase", content)).reveal() == read
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    assert from_descriptor(reader).reveal() == read
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(reader)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_refuses_files_others_could_read(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnsafePermissions):
        from_file(write(tmp_path / "passphrase", b"secret", mode))


def test_reads_a_mounted_link_but_checks_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(write(tmp_path / "passphrase", b"secret", 0o400))
    assert from_file(link).reveal() == b"secret"
    (tmp_path / "passphrase").chmod(0o444)
    with pytest.raises(UnsafePermissions):
        from_file(link)


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * (LONGEST + 1)])
def test_refuses_empty_and_oversized(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NoPassphrase):
        from_file(write(tmp_path / "passphrase", content))


def test_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NoPassphrase):
        from_file(tmp_path / "missing")
    with pytest.raises(NoPassphrase):
        from_descriptor(9999)
    with pytest.raises(NoPassphrase):
        Passphrase("\ud800")


def test_never_asks_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
    with pytest.raises(NoPassphrase, match="no terminal"):
        from_prompt()
    with pytest.raises(NoPassphrase, match="no terminal"):
        choose_source()()


def test_chooses_one_source(tmp_path: Path) -> None:
    path = write(tmp_path / "passphrase", b"secret")
    assert choose_source(file=path)() == Passphrase("secret")
    with pytest.raises(NoPassphrase, match="both"):
        choose_source(descriptor=0, file=path)


def ask_in_terminal(*answers: str) -> str:
    """What a program that asks prints, when a person at a real pseudo-terminal types the answers."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASK], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ):
        os.close(theirs)
        seen, waiting = "", list(answers)
        try:
            while chunk := os.read(ours, 1024).decode():
                seen += chunk
                if waiting and seen.count(": ") > len(answers) - len(waiting):
                    os.write(ours, (waiting.pop(0) + "\n").encode())
        except OSError:  # a pseudo-terminal's end
            pass
        finally:
            os.close(ours)
    return seen


def test_asks_twice_without_echo_in_a_terminal() -> None:
    seen = ask_in_terminal("correct horse", "correct horse")
    assert seen.count("correct horse") == 1, seen  # the program's own print, no echo
    assert "GOT correct horse" in seen
    assert "REFUSED the two passphrases differ" in ask_in_terminal("correct horse", "correct house")


def test_generated_passphrases_are_told_from_chosen_ones() -> None:
    passphrase = generate()
    assert passphrase.is_generated
    assert passphrase != generate()
    text = passphrase.reveal().decode()
    assert Passphrase(text).is_generated
    for other in (text[:-1] + ("0" if text[-1] != "0" else "1"), text + " ", text.upper(), "correct horse"):
        assert not Passphrase(other).is_generated
    passphrase.require_strength()


def test_strength_counts_characters_not_bytes() -> None:
    with pytest.raises(WeakPassphrase):
        Passphrase("六安市数据").require_strength()
    Passphrase("六安市数据资源管理局的口令").require_strength()


def test_never_shows_itself() -> None:
    passphrase = Passphrase("correct horse")
    assert "horse" not in f"{passphrase} {passphrase!r} {[passphrase]}"
    with pytest.raises(TypeError):
        pickle.dumps(passphrase)
    with pytest.raises(TypeError):
        hash(passphrase)


def test_every_error_has_its_own_code_and_remedy() -> None:
    classes = [KeysError, *KeysError.__subclasses__()]
    assert len({error.code for error in classes}) == len(classes)
    assert all(error.remedy and error.title and error.title_zh for error in classes)
