"""As a city would do it: a server whose keys are in its token, and a department that keeps its own key in another."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from keys.keystore import Keystore
from keys.passphrases import generate
from keys.private_files import create_private
from ledger.cli.main import run
from tests.harness.tokens import SoftToken, make_token

pytestmark = pytest.mark.needs("hsm")
SHARELEDGER = Path(sys.executable).with_name("shareledger")
ROOT, OFFICE = "341500", "341500.tjj"


@contextmanager
def up(environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """A running server; its address."""
    command = [SHARELEDGER, "up", "--json", *arguments]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with server:
        try:
            assert server.stdout is not None and server.stderr is not None
            told = server.stdout.readline()
            assert told, server.stderr.read()
            yield str(json.loads(told)["address"])
        finally:
            server.terminate()
            _, said = server.communicate(timeout=60)
    assert server.returncode == 0, said


def test_a_city_and_a_department_with_tokens(
    office_token: SoftToken, token_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(environment: dict[str, str], *arguments: str, code: int = 0) -> Any:
        with patch.dict(os.environ, environment, clear=True):
            done = run([*arguments, "--json"])
        captured = capsys.readouterr()
        assert done == code, captured.err
        return json.loads(captured.out)

    own = make_token(token_folder, "tjj")
    create_private(tmp_path / "passphrase", generate().reveal())
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SHARELEDGER_")}
    host = plain | office_token.environment() | {"SHARELEDGER_HOME": str(tmp_path / "home"), "SHARELEDGER_PORT": "0"}
    secrets = ("--passphrase-file", str(tmp_path / "passphrase"), "--pin-file", str(office_token.pin_file(tmp_path)))
    with up(host, "--root", ROOT, "--roles", "authority,provider,consumer", *secrets) as address:
        assert Keystore(tmp_path / "home" / "keystore").addresses() == []
        issued = ("--department", ROOT, "--duty", "director", "--roles", "authority,provider,consumer")
        ask(host, "api-key", "issue", *issued, "-o", str(tmp_path / "root.key"))
        office = plain | own.environment() | {"SHARELEDGER_SERVER": address}
        root, pin = ("--api-key-file", str(tmp_path / "root.key")), ("--pin-file", str(own.pin_file(tmp_path)))

        placed = ("--parent", ROOT, "--level", "city", "--roles", "provider,consumer")
        ask(office, "department", "register", OFFICE, *placed, *root)
        made = ask(office, "key", "create", "--pkcs11", "--label", "局长", *pin)
        assert [row["address"] for row in ask(office, "key", "find")["items"]] == [made["address"]]
        told = ("--duty", "director", "--holder", "局长", "--purpose", "数据共享")
        enrolled = ask(office, "key", "enrol", OFFICE, *told, "--new-pkcs11-key", "局长", *pin, *root)
        assert enrolled["state"] == "final" and enrolled["act"]["custody"] == 1

        issued = ("--department", OFFICE, "--duty", "director", "--roles", "provider,consumer")
        ask(host, "api-key", "issue", *issued, "-o", str(tmp_path / "tjj.key"))
        mine = ("--api-key-file", str(tmp_path / "tjj.key"))
        told = ("--duty", "officer", "--holder", "经办人", "--purpose", "数据共享")
        second = ask(office, "key", "create", "--pkcs11", "--label", "经办人", *pin)
        both = ("--pkcs11-key", "局长", "--new-pkcs11-key", second["address"], *pin, *mine)
        enrolled = ask(office, "key", "enrol", OFFICE, *told, *both)
        assert enrolled["state"] == "final" and enrolled["act"]["signer"] == made["address"]
        assert len(ask(office, "key", "list", "--department", OFFICE, *mine)["items"]) == 2
    without = {name: value for name, value in host.items() if not name.startswith("SHARELEDGER_PKCS11")}
    refused = ask(without, "serve", *secrets[:2], code=2)
    assert refused["error"]["code"] == "not-ready" and "courier" in refused["error"]["detail"]
