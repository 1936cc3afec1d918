"""A real S3 server (moto) on a loopback port, its buckets, and a proxy before it that fails as networks do."""

import http.client
import itertools
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from obstore.store import ObjectStore

from ledger.store.s3 import s3_store

if TYPE_CHECKING:
    from obstore.store import S3Credential

_NUMBERS = itertools.count(1)
CREDENTIALS = "[default]\naws_access_key_id = AKIDTEST\naws_secret_access_key = not-a-secret\n"


def credentials() -> "S3Credential":
    return {"access_key_id": "AKIDTEST", "secret_access_key": "not-a-secret", "token": None, "expires_at": None}


@dataclass(frozen=True)
class Bucket:
    """One of a server's, empty at first; `url` of the server, or of a proxy before it."""

    url: str
    name: str

    def store(self, *, prefix: str = "some/prefix", retries: int = 0) -> ObjectStore:
        return s3_store(
            self.name,
            prefix,
            endpoint=self.url,
            region="us-east-1",
            credentials=credentials,
            plain_http=True,
            retries=retries,
        )

    def settings(self, folder: Path, prefix: str = "ledger") -> dict[str, str]:
        """SHARELEDGER_ variables, the credentials in a file of their own in `folder`."""
        file = folder / "s3-credentials"
        if not file.exists():
            file.touch(0o600)
            file.write_text(CREDENTIALS)
        return {
            "SHARELEDGER_PAYLOADS_URL": f"s3://{self.name}/{prefix}",
            "SHARELEDGER_S3_ENDPOINT": self.url,
            "SHARELEDGER_S3_REGION": "us-east-1",
            "SHARELEDGER_S3_CREDENTIALS_FILE": str(file),
        }

    def fill(self, keys: Iterable[str]) -> None:
        """Empty objects of these keys, many at once."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        for key in keys:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(self.name, key, b"")

    def uploads(self) -> list[str]:
        """Keys of multipart uploads that were begun and neither completed nor ended."""
        listed = httpx.get(f"{self.url}/{self.name}?uploads", trust_env=False).text
        return re.findall(r"<Upload>.*?<Key>(.*?)</Key>", listed, re.DOTALL)


@dataclass(frozen=True)
class S3Server:
    url: str
    address: tuple[str, int]

    def bucket(self) -> Bucket:
        """A new one."""
        name = f"bucket-{next(_NUMBERS)}"
        httpx.put(f"{self.url}/{name}", trust_env=False).raise_for_status()
        return Bucket(self.url, name)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield S3Server(f"http://{host}:{port}", (host, port))
    finally:
        server.stop()


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    return s3_server.bucket()


# ---- the proxy -------------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    method: str
    path: str  # with its query
    headers: dict[str, str]  # names in lower case

    @property
    def key(self) -> str:
        return self.path.partition("?")[0]


@dataclass
class Fault:
    """What is done in place of, or to, the server's answer."""

    status: int | None = None  # answered without asking the server
    code: str = "InternalError"
    cut: int | None = None  # so many bytes of the body, then the connection is closed
    dropped: bool = False  # the connection is closed without an answer, after the server did what was asked
    change: Callable[[bytes], bytes] | None = None  # of the body
    without: str | None = None  # a header that the server does not get to see


Rule = Callable[[Asked], Fault | None]


@dataclass
class Proxy:
    """`rule` is asked for each request. `seen` is what came."""

    url: str
    rule: Rule = lambda asked: None
    seen: list[Asked] = field(default_factory=list)

    def of(self, bucket: Bucket) -> Bucket:
        return Bucket(self.url, bucket.name)


@contextmanager
def proxy_before(server: S3Server) -> Iterator[Proxy]:
    """Until the block ends."""
    made = Proxy("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: Any) -> None:
            """Says nothing."""

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            made.seen.append(asked)
            fault = made.rule(asked) or Fault()
            if fault.status is not None:
                told = f"<Error><Code>{fault.code}</Code><Message>told to fail</Message></Error>".encode()
                self.answer(fault.status, {"Content-Type": "application/xml"}, told, fault)
                return
            status, headers, answer = _ask(server.address, asked, body, fault.without)
            if fault.dropped:
                self.close_connection = True
                return
            self.answer(status, headers, fault.change(answer) if fault.change else answer, fault)

        def answer(self, status: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
            self.send_response(status)
            length = headers.pop("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            for name, value in {**headers, "Content-Length": length}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body[: fault.cut])
            if fault.cut is not None:
                self.close_connection = True

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    made.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), name="s3-proxy")
    thread.start()
    try:
        yield made
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.fixture
def s3_proxy(s3_server: S3Server) -> Iterator[Proxy]:
    with proxy_before(s3_server) as proxy:
        yield proxy


def _ask(address: tuple[str, int], asked: Asked, body: bytes, without: str | None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(*address, timeout=30)
    try:
        hop = {"connection", "transfer-encoding", "content-length", without}
        headers = {name: value for name, value in asked.headers.items() if name not in hop}
        connection.request(asked.method, asked.path, body, headers | {"content-length": str(len(body))})
        answer = connection.getresponse()
        told = {n.title(): v for n, v in answer.getheaders() if n.lower() not in hop | {"date", "server"}}
        told["Content-Length"] = answer.getheader("Content-Length", "0")
        return answer.status, told, answer.read()
    finally:
        connection.close()
