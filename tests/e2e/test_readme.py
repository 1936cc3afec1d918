"""What the READMEs show is run: the two commands with quick options, the rest as it stands, in a home of its own."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
PAGES = (*READMES, "SECURITY.md", "CHANGELOG.md", *sorted(str(path) for path in REPOSITORY.glob("*/README.md")))
QUICK = {"./scripts/demo": "--help", "./scripts/test": "--version"}


def blocks(readme: str) -> list[str]:
    """Every shell block, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", (REPOSITORY / readme).read_text(), re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    """A home directory of our own, and a port that is free now, in place of the usual one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHARELEDGER_")}
    port = str(free_port())
    ours = {"HOME": str(home), "SHARELEDGER_PORT": port, "SHARELEDGER_SERVER": f"http://127.0.0.1:{port}"}
    return kept | ours | {"LANG": "en_GB.UTF-8"}


def run(script: str, settings: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euc", script], cwd=REPOSITORY, env=settings, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def left_running(script: str, settings: dict[str, str]) -> Iterator[None]:
    """As in a terminal of its own, until its address is told."""
    server = subprocess.Popen(
        ["bash", "-euc", script],
        cwd=REPOSITORY,
        env=settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with server:
        try:
            assert server.stderr is not None
            told = ""
            for line in server.stderr:
                told += line
                if settings["SHARELEDGER_SERVER"] in line:
                    break
            else:
                raise AssertionError(told)
            yield
        finally:
            os.killpg(server.pid, signal.SIGINT)
            server.communicate(timeout=60)


@pytest.mark.parametrize("readme", READMES)
def test_the_two_commands_are_there(readme: str, tmp_path: Path) -> None:
    shown = [line.split()[0] for line in blocks(readme)[0].splitlines()]
    assert shown == list(QUICK)
    for command, option in QUICK.items():
        assert run(f"{command} {option}", environment(tmp_path) | {"HOME": os.environ["HOME"]})


def test_both_languages_show_the_same_commands() -> None:
    english, chinese = ([re.sub(r"\s+#.*", "", block) for block in blocks(readme)] for readme in READMES)
    assert english == chinese


def test_a_ledger_of_your_own(tmp_path: Path) -> None:
    _, found, leave_running, work, _ = blocks("README.md")
    settings = environment(tmp_path)
    run(found, settings)
    assert (tmp_path / "my-ledger.passphrase").stat().st_mode & 0o777 == 0o600
    with left_running(leave_running, settings | {"SHARELEDGER_HOME": str(tmp_path / "my-ledger")}):
        told = run(work, settings)
    assert "341500-TJJ" in told


def test_a_fingerprint(tmp_path: Path) -> None:
    told = run(blocks("README.md")[-1], environment(tmp_path))
    assert "share-record/1" in told


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = REPOSITORY / page
    for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
        assert "://" in target or (path.parent / target).exists(), f"{page}: {target}"
