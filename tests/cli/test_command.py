"""What every command has in common: JSON and nothing else, exit codes, languages, quick help."""

import subprocess
import sys

import httpx
import pytest
from typer.main import get_group

from ledger.cli.failures import class_of
from ledger.cli.main import CLIENT_NOUNS, HOME_NOUNS, LOCAL_NOUNS, VERBS, commands

from .conftest import SHARE, Console, FakeServer, problem

HEAVY = {"web3", "sqlalchemy", "fastapi", "httpx", "uvicorn", "eth_account", "eth_keyfile", "structlog", "cryptography"}
HEAVY |= {"numba", "pyarrow", "duckdb"}


def test_help_imports_nothing_heavy_and_answers_at_once() -> None:
    probe = (
        "import sys, time; started = time.perf_counter(); from ledger.cli.main import run; "
        "code = run(sys.argv[1:]); "
        f"print(code, time.perf_counter() - started, *({HEAVY} & sys.modules.keys()), file=sys.stderr)"
    )
    for arguments in (["--help"], ["share", "request", "--help"], ["fingerprint", "--help"], ["--version"]):
        command = [sys.executable, "-c", probe, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        code, seconds, *imported = done.stderr.split()
        assert (code, imported) == ("0", []), done.stderr
        assert float(seconds) < 2  # some 0.2 s on an idle machine


@pytest.mark.parametrize("noun", [*CLIENT_NOUNS, *(noun for noun in HOME_NOUNS if noun not in VERBS)])
def test_every_noun_lists_its_verbs_and_every_verb_takes_json(noun: str) -> None:
    group = commands([noun]).commands[noun]
    assert group.commands
    for verb, command in group.commands.items():
        names = {name for parameter in command.params for name in parameter.opts}
        assert {"--json", "--lang", "--debug"} <= names, verb
        assert command.help, verb


def test_the_help_line_of_a_noun_is_the_one_of_its_module() -> None:
    from importlib import import_module

    for name in (*LOCAL_NOUNS, *CLIENT_NOUNS, *HOME_NOUNS):
        app = import_module(f"ledger.cli.{name.replace('-', '_')}").app
        if name not in VERBS:
            told = {**CLIENT_NOUNS, **HOME_NOUNS}[name]
            assert set(get_group(app).commands) == {verb.strip() for verb in _verbs(told)} or name == "share", name


def _verbs(help: str) -> list[str]:
    return help.rstrip(".").partition(": ")[2].split(",")


def test_json_is_one_value_and_messages_go_to_stderr(console: Console, server: FakeServer) -> None:
    server.answers["GET", f"/authorisations/{SHARE}"] = {"id": SHARE, "stage": 3}
    shown = console("share", "show", SHARE, "--json")
    assert (shown.code, shown.value, shown.err) == (0, {"id": SHARE, "stage": 3}, "")
    made = console("share", "suspend", SHARE, "--reasons", "misuse", "--json")
    assert made.value["state"] == "final"
    assert "entry 5" in made.err


def test_an_error_is_told_with_code_detail_and_next_step(console: Console) -> None:
    told = console("share", "show", SHARE)
    assert (told.code, told.out) == (2, "")
    assert told.err.splitlines() == ["Not-Found [not-found]", "  it is not-found", "  Next: do"]
    assert console("share", "show", SHARE, "--json").value["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "authorisations-suspended", 1),
        (409, "conflict", 1),
        (403, "not-permitted", 1),
        (403, "share-expired", 1),
        (404, "not-found", 2),
        (401, "not-authenticated", 2),
        (422, "invalid-input", 2),
        (422, "idempotency-mismatch", 2),
        (500, "internal-error", 2),
    ],
)
def test_exit_codes(console: Console, server: FakeServer, status: int, code: str, expected: int) -> None:
    server.answers["POST", f"/authorisations/{SHARE}/confirmation"] = problem(status, code)
    assert console("share", "confirm", SHARE).code == expected


def test_an_act_that_failed_or_was_returned_exits_with_1(console: Console, server: FakeServer) -> None:
    for state, code in (("failed", 1), ("returned", 1), ("final", 0)):
        server.state = state
        assert console("share", "confirm", SHARE, "--json").code == code


def test_chinese_by_option_and_by_environment(
    console: Console, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["GET", f"/authorisations/{SHARE}"] = {"consumer": "341500.gjj", "stage": 4}
    assert "需求部门" in console("share", "show", SHARE, "--lang", "zh").out
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    told = console("share", "show", SHARE)
    assert "已交付" in told.out
    assert "consumer" in console("share", "show", SHARE, "--lang", "en").out
    failed = console("share", "show", "cd" * 32)
    assert class_of("not-found").title_zh in failed.err
    assert "下一步" in failed.err


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("share", "nonsense"), ("share", "request"), ("share", "list", "--limit", "0"), ("share", "--bad")],
)
def test_a_wrong_command_line_is_told_like_any_error(console: Console, arguments: tuple[str, ...]) -> None:
    told = console(*arguments, "--json")
    assert told.code == 2
    assert told.value["error"]["code"] == "invalid-option"


def test_an_unknown_language_is_refused(console: Console) -> None:
    assert console("share", "list", "--lang", "fr", "--json").value["error"]["code"] == "invalid-option"


def test_a_defect_shows_no_traceback_unless_asked_for(console: Console, server: FakeServer) -> None:
    server.answers["GET", f"/authorisations/{SHARE}"] = RuntimeError("holds a secret")
    told = console("share", "show", SHARE)
    assert told.code == 2
    assert "Traceback" not in told.err and "secret" not in told.err and "--debug" in told.err
    with pytest.raises(RuntimeError):
        console("share", "show", SHARE, "--debug")


def test_what_others_wrote_cannot_steer_the_terminal(console: Console, server: FakeServer) -> None:
    server.answers["GET", f"/authorisations/{SHARE}"] = {"detail": "a\x1b[2Jb\u202ec"}
    assert "a\\u001b[2Jb\\u202ec" in console("share", "show", SHARE).out


def test_a_list_follows_pages_up_to_its_limit(console: Console, server: FakeServer) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        after, limit = int(request.url.params.get("after", 0)), int(request.url.params["limit"])
        items = [{"id": str(number)} for number in range(after + 1, min(after + limit, 450) + 1)]
        last = items[-1]["id"]
        headers = {} if last == "450" else {"Link": f'</v1/authorisations?after={last}&limit={limit}>; rel="next"'}
        return httpx.Response(200, json={"items": items, "as_of": {"entry": 9}}, headers=headers)

    server.answers["GET", "/authorisations"] = page
    every = console("share", "list", "--all", "--json").value
    assert [item["id"] for item in every["items"]] == [str(number) for number in range(1, 451)]
    assert every["next"] is None and every["as_of"] == {"entry": 9}
    some = console("share", "list", "--limit", "3", "--json")
    assert [item["id"] for item in some.value["items"]] == ["1", "2", "3"]
    assert some.value["next"] == "3" and "--after 3" in some.err
    server.answers["GET", "/authorisations"] = {"items": [], "as_of": None}
    assert "nothing to show" in console("share", "list").out


def test_version(console: Console) -> None:
    assert console("--version").out.startswith("shareledger ")
    assert console("--version").code == 0
