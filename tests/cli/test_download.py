"""Downloads: whole or not there, taken up where they broke off, never over another file."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import SHARE, Console, FakeServer, problem

CONTENT = bytes(range(256)) * 2000
TAG = '"' + "ab" * 32 + '"'
AT = ("GET", f"/authorisations/{SHARE}/payload")


class Broken(httpx.SyncByteStream):
    """A body that ends with a broken connection."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        raise httpx.ReadError("reset")


def streamed(status: int, content: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.Response(
        status, stream=httpx.ByteStream(content), headers={"Content-Length": str(len(content)), **headers}
    )


def whole(tag: str = TAG) -> httpx.Response:
    return streamed(200, CONTENT, {"ETag": tag})


def broken(size: int) -> httpx.Response:
    headers = {"ETag": TAG, "Content-Length": str(len(CONTENT))}
    return httpx.Response(200, stream=Broken(CONTENT[:size]), headers=headers)


def rest(request: httpx.Request) -> httpx.Response:
    assert request.headers["If-Range"] == TAG
    start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    headers = {"ETag": TAG, "Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"}
    return streamed(206, CONTENT[start:], headers)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "codes.csv"


def test_a_download_is_private_and_leaves_nothing_else(console: Console, server: FakeServer, target: Path) -> None:
    server.answers[AT] = whole()
    told = console("share", "download", SHARE, "-o", str(target), "--json")
    assert told.value == {"share": SHARE, "file": str(target), "size": len(CONTENT)}
    assert target.read_bytes() == CONTENT and target.stat().st_mode & 0o777 == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_a_broken_one_is_taken_up_again_at_once(console: Console, server: FakeServer, target: Path) -> None:
    answers = iter([broken(1000), None])
    server.answers[AT] = lambda request: next(answers) or rest(request)
    assert console("share", "download", SHARE, "-o", str(target)).code == 0
    assert target.read_bytes() == CONTENT
    assert server.requests[1].headers["Range"] == "bytes=1000-"


def test_or_by_the_next_run(console: Console, server: FakeServer, target: Path) -> None:
    server.answers[AT] = [broken(700), *(httpx.ConnectError("refused") for _ in range(4))]
    assert console("share", "download", SHARE, "-o", str(target)).code == 2
    assert not target.exists() and len(list(target.parent.iterdir())) == 1
    server.answers[AT] = rest
    told = console("share", "download", SHARE, "-o", str(target))
    assert "700" in told.err and target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_another_version_meanwhile_starts_anew(console: Console, server: FakeServer, target: Path) -> None:
    server.answers[AT] = [broken(700), *(httpx.ConnectError("refused") for _ in range(4))]
    console("share", "download", SHARE, "-o", str(target))
    server.answers[AT] = whole('"other"')
    assert console("share", "download", SHARE, "-o", str(target)).code == 0
    assert target.read_bytes() == CONTENT and list(target.parent.iterdir()) == [target]


def test_a_server_that_sends_another_range_is_not_believed(console: Console, server: FakeServer, target: Path) -> None:
    wrong = streamed(206, CONTENT[5:10], {"ETag": TAG, "Content-Range": "bytes 5-9/10"})
    server.answers[AT] = [broken(700), wrong]
    assert console("share", "download", SHARE, "-o", str(target), "--json").value["error"]["code"] == "not-our-server"
    assert not target.exists()


def test_a_file_that_is_there_is_kept_unless_forced(console: Console, server: FakeServer, target: Path) -> None:
    target.write_text("mine")
    server.answers[AT] = lambda request: whole()
    assert console("share", "download", SHARE, "-o", str(target)).code == 2
    assert target.read_text() == "mine" and not server.requests
    assert console("share", "download", SHARE, "-o", str(target), "--force").code == 0
    assert target.read_bytes() == CONTENT


def test_a_refused_download_says_why_and_writes_nothing(console: Console, server: FakeServer, target: Path) -> None:
    server.answers[AT] = problem(403, "share-expired")
    told = console("share", "download", SHARE, "-o", str(target), "--json")
    assert (told.code, told.value["error"]["code"]) == (1, "share-expired")
    assert not list(target.parent.iterdir())


def test_documents_are_hashed_before_they_are_saved(console: Console, server: FakeServer, target: Path) -> None:
    import hashlib

    body = b'{"kind":"scope"}'
    digest = hashlib.sha256(body).hexdigest()
    server.answers["GET", f"/documents/{digest}"] = lambda request: httpx.Response(200, content=body)
    assert console("document", "get", digest, "-o", str(target)).code == 0
    assert target.read_bytes() == body
    assert console("document", "show", digest, "--json").value == {"kind": "scope"}
    other = "00" * 32
    server.answers["GET", f"/documents/{other}"] = lambda request: httpx.Response(200, content=body)
    assert console("document", "show", other).code == 1
    assert console("document", "show", "xyz").code == 2


def test_evidence_can_be_kept(console: Console, server: FakeServer, target: Path) -> None:
    server.answers["GET", f"/authorisations/{SHARE}/evidence"] = {"statements": ["未经提供部门同意"]}
    assert console("share", "evidence", SHARE, "-o", str(target), "--json").value["statements"]
    assert "未经提供部门同意" in target.read_text()
