"""Retries that act once, keys that stay private, answers that are not ours."""

from pathlib import Path

import httpx
import pytest

from ledger.cli.client import Client, segment
from ledger.cli.failures import InvalidOption

from .conftest import SHARE, Console, FakeServer, problem

CONFIRM = ("share", "confirm", SHARE, "--json")
PATH = ("POST", f"/authorisations/{SHARE}/confirmation")


def test_a_broken_connection_is_tried_again_with_the_same_idempotency_key(console: Console, server: FakeServer) -> None:
    done = httpx.Response(201, json={"digest": "cd" * 32, "state": "final", "entry": 7})
    server.answers[PATH] = [httpx.ConnectError("refused"), httpx.ReadError("reset"), problem(503, "unavailable"), done]
    told = console(*CONFIRM)
    assert (told.code, told.value["entry"]) == (0, 7)
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 1
    assert len(server.requests) == 4 and console.slept == [0.2, 0.5, 1.0]
    server.answers[PATH] = [done]
    console(*CONFIRM)
    assert server.requests[-1].headers["Idempotency-Key"] != server.requests[0].headers["Idempotency-Key"]


def test_it_gives_up_after_a_few_tries(console: Console, server: FakeServer) -> None:
    server.answers[PATH] = httpx.ConnectError("refused")
    told = console(*CONFIRM)
    assert (told.code, told.value["error"]["code"], len(server.requests)) == (2, "no-answer", 5)
    server.answers[PATH] = problem(503, "not-ready")
    assert console(*CONFIRM).value["error"]["code"] == "not-ready"


def test_retry_after_is_kept_to(console: Console, server: FakeServer) -> None:
    running = problem(409, "still-running")
    running.headers["Retry-After"] = "3"
    server.answers[PATH] = [running, httpx.Response(201, json={"state": "final", "entry": 1})]
    assert console(*CONFIRM).code == 0
    assert console.slept == [3.0]


def test_a_refusal_is_not_tried_again(console: Console, server: FakeServer) -> None:
    server.answers[PATH] = problem(409, "authorisations-stage")
    assert console(*CONFIRM).code == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>hello</html>"),
        httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
        httpx.Response(404, text="nginx"),
        httpx.Response(500, json=["?"]),
    ],
)
def test_whatever_is_not_our_api_is_said_to_be_so(console: Console, server: FakeServer, answer: httpx.Response) -> None:
    server.answers["GET", f"/authorisations/{SHARE}"] = answer
    told = console("share", "show", SHARE, "--json")
    assert (told.code, told.value["error"]["code"], len(server.requests)) == (2, "not-our-server", 1)


def test_the_api_key_comes_from_a_private_file_only(console: Console, server: FakeServer, api_key: Path) -> None:
    server.answers["GET", "/entries/1"] = {"index": 1}
    assert console("entry", "show", "1", "--api-key-file", str(api_key)).code == 0
    assert server.requests[0].headers["Authorization"] == f"Bearer {api_key.read_text().strip()}"
    api_key.chmod(0o640)
    told = console("entry", "show", "1", "--api-key-file", str(api_key), "--json")
    assert (told.code, told.value["error"]["code"]) == (2, "unsafe-permissions")
    assert len(server.requests) == 1
    api_key.chmod(0o600)
    api_key.write_text("two words")
    assert console("entry", "show", "1", "--api-key-file", str(api_key), "--json").code == 2
    missing = console("entry", "show", "1", "--api-key-file", str(api_key.with_name("none")), "--json")
    assert missing.value["error"]["code"] == "unreadable-file"


def test_a_key_over_plain_http_is_warned_of(console: Console, server: FakeServer, api_key: Path) -> None:
    server.answers["GET", "/entries/1"] = {"index": 1}
    options = ("entry", "show", "1", "--api-key-file", str(api_key), "--server")
    assert "unencrypted" in console(*options, "http://ledger.example").err
    assert "unencrypted" not in console(*options, "https://ledger.example").err
    assert "unencrypted" not in console(*options, "http://127.0.0.1:1").err


@pytest.mark.parametrize(
    "address", ["", "ledger.example", "ftp://x", "http://", "http://u:p@x", "http://x/?a=1", "http://["]
)
def test_an_address_that_is_no_servers(address: str) -> None:
    with pytest.raises(InvalidOption):
        Client(address, None)


def test_codes_are_one_segment_of_a_path() -> None:
    assert segment("341500/tjj/codes") == "341500~tjj~codes"
    assert segment("a b?#%") == "a%20b%3F%23%25"


def test_waiting_asks_the_server_and_then_asks_again(console: Console, server: FakeServer) -> None:
    digest = "cd" * 32
    server.answers[PATH] = httpx.Response(202, json={"digest": digest, "state": "sent"})
    server.answers["GET", f"/submissions/{digest}"] = [
        httpx.Response(200, json={"digest": digest, "state": "included"}),
        httpx.Response(200, json={"digest": digest, "state": "final", "entry": 3}),
    ]
    assert console(*CONFIRM, "--wait", "90").value["entry"] == 3
    assert server.requests[0].headers["Prefer"] == "wait=60"

    server.answers["GET", f"/submissions/{digest}"] = {"digest": digest, "state": "queued"}
    told = console(*CONFIRM, "--wait", "2")
    assert (told.code, told.value["state"]) == (0, "queued") and "submission wait" in told.err
    server.requests.clear()
    assert console(*CONFIRM, "--wait", "0").code == 0
    assert "Prefer" not in server.requests[0].headers and len(server.requests) == 1
    assert console("submission", "wait", digest, "--wait", "1", "--json").value["error"]["code"] == "not-final-yet"
    server.answers["GET", f"/submissions/{digest}"] = {"digest": digest, "state": "failed"}
    assert console("submission", "wait", digest).code == 1
