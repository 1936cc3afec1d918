"""The HTTP client of the console: one server, one API key, retries that never do a thing twice.

A request that makes an act carries an Idempotency-Key, the same on every retry, so a lost answer is asked for again
instead of acting again.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from ledger.cli.failures import Answered, InvalidOption, NoAnswer, NotOurServer, UnreadableFile

if TYPE_CHECKING:
    import httpx

TRIES: Final = 5
PAUSES: Final = (0.2, 0.5, 1.0, 2.0)  # seconds before the second, third … try
LONGEST_PAUSE: Final = 10.0  # however long Retry-After asks for
AGAIN: Final = frozenset({408, 429, 502, 503, 504})
PAGE: Final = 200
KEY_LIMIT: Final = 512  # bytes of an API key file
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def read_api_key(path: Path) -> str:
    """The API key in a file of mode 0600. Raises UnreadableFile, keys.errors.UnsafePermissions."""
    from keys.private_files import read_private

    try:
        content = read_private(path, KEY_LIMIT, follow=True)
    except OSError as error:
        raise UnreadableFile(f"the API key file {path} cannot be read: {error.strerror}") from error
    key = content.decode("ascii", errors="replace").strip()
    if not key or len(content) > KEY_LIMIT or not all("!" <= character <= "~" for character in key):
        raise UnreadableFile(f"{path} does not hold an API key")
    return key


def segment(text: str) -> str:
    """A code, digest or address as one segment of a path: `/` is written `~`, which no code contains."""
    return quote(text.replace("/", "~"), safe="~")


class Client:
    """Synchronous; one per command. Paths are below `/v1`."""

    def __init__(
        self,
        server: str,
        api_key: str | None,
        *,
        transport: "httpx.BaseTransport | None" = None,
        sleep: Callable[[float], None] = time.sleep,
        retrying: Callable[[str], None] = lambda reason: None,
        timeout: float = 60.0,
    ) -> None:
        """`retrying` is told why, before each pause. Raises InvalidOption for an address that is no server's."""
        import httpx

        self.host = _host(server)
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
        self._http = httpx.Client(
            base_url=server.rstrip("/") + "/v1",
            headers=headers,
            timeout=timeout,
            transport=transport,
            trust_env=self.host not in LOOPBACK,  # a proxy for our own machine would see the API key
        )
        self.plain = bool(api_key) and server.startswith("http:") and self.host not in LOOPBACK
        self._sleep = sleep
        self._retrying = retrying
        self._timeout = timeout

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path; parameters that are None are left out. Raises Answered, NoAnswer, NotOurServer."""
        return _body(self._send("GET", path, params=_query(query)))

    def exactly(self, path: str) -> bytes:
        """The body at a path, byte for byte. Raises Answered, NoAnswer."""
        return self._send("GET", path).content

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """One page of a list after the other, following its links of relation `next`; each gets a member `next`."""
        parameters = _query(query)
        while True:
            response = self._send("GET", path, params=parameters)
            page = _body(response)
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise NotOurServer(f"{path} is not a list")
            following = response.links.get("next", {}).get("url")
            after = parse_qs(urlsplit(following).query).get("after", [None])[0] if following else None
            yield page | {"next": after}
            if after is None or after == parameters.get("after"):
                return
            parameters = {**parameters, "after": after}

    def post(self, path: str, body: Any, *, wait: int | None = None, key: str | None = None, **query: Any) -> Any:
        """Post JSON (None: nothing) and return the answer's.

        With `wait`, the server answers once the act is final or so many seconds are over. `key` is the Idempotency-Key;
        without one a new one is made for this call. Raises Answered, NoAnswer.
        """
        headers = {"Idempotency-Key": key or secrets.token_urlsafe(18)}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        content = {} if body is None else {"json": body}
        timeout = self._timeout + (wait or 0)
        return _body(self._send("POST", path, params=_query(query), headers=headers, timeout=timeout, **content))

    def upload(self, path: str, chunks: Callable[[], Iterator[bytes]], size: int, media: str, **query: Any) -> Any:
        """Stream a body; `chunks` gives it anew for each try. Uploading the same bytes twice is harmless."""
        headers = {"Content-Type": media, "Content-Length": str(size)}
        return _body(self._send("POST", path, params=_query(query), headers=headers, stream=chunks, timeout=3600.0))

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> "Iterator[httpx.Response]":
        """An answer whose body is read piece by piece; not retried. Raises Answered, NoAnswer."""
        import httpx

        try:
            with self._http.stream(
                "GET", path, headers={**headers, "Accept": "*/*", "Accept-Encoding": "identity"}
            ) as response:
                if response.status_code >= 400:
                    response.read()
                _raise_for(response)
                yield response
        except httpx.TransportError as error:
            raise NoAnswer(f"{self.host}: {_reason(error)}") from error

    def pause(self, tried: int) -> bool:
        """Wait before try number `tried` + 1; False once there were enough."""
        if tried >= TRIES:
            return False
        self._sleep(PAUSES[min(tried, len(PAUSES)) - 1])
        return True

    def _send(
        self, method: str, path: str, *, stream: Callable[[], Iterator[bytes]] | None = None, **request: Any
    ) -> "httpx.Response":
        tried = 0
        while True:
            tried += 1
            if stream is not None:
                request["content"] = stream()
            answer = self._once(method, path, request)
            if not isinstance(answer, NoAnswer) and not _asks_again(answer):
                _raise_for(answer)
                return answer
            if tried >= TRIES:
                break
            pause = None if isinstance(answer, NoAnswer) else _retry_after(answer)
            self._retrying(answer.detail if isinstance(answer, NoAnswer) else str(answer.status_code))
            self._sleep(PAUSES[min(tried, len(PAUSES)) - 1] if pause is None else pause)
        if isinstance(answer, NoAnswer):
            raise answer
        _raise_for(answer)
        return answer

    def _once(self, method: str, path: str, request: Mapping[str, Any]) -> "httpx.Response | NoAnswer":
        import httpx

        try:
            return self._http.request(method, path, **request)
        except httpx.TransportError as error:
            return NoAnswer(f"{self.host}: {_reason(error)}")


def _host(server: str) -> str:
    try:
        parts = urlsplit(server)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment or "@" in parts.netloc:
        raise InvalidOption(f"{server!r} is not the address of a server; it looks like http://127.0.0.1:8460")
    return host


def _query(parameters: Mapping[str, Any]) -> dict[str, Any]:
    shown = {True: "true", False: "false"}
    return {
        name: shown[value] if isinstance(value, bool) else value
        for name, value in parameters.items()
        if value is not None
    }


def _asks_again(response: "httpx.Response") -> bool:
    if response.status_code == 409:  # the first request with this Idempotency-Key is still running
        return _problem(response).get("code") == "still-running"
    return response.status_code in AGAIN


def _retry_after(response: "httpx.Response") -> float | None:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdecimal() else None


def _problem(response: "httpx.Response") -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _raise_for(response: "httpx.Response") -> None:
    if response.status_code < 300:
        return
    problem = _problem(response)
    if response.status_code < 400 or "code" not in problem:
        raise NotOurServer(f"{response.request.url.host} answered {response.status_code} {response.reason_phrase}")
    raise Answered(response.status_code, problem)


def _body(response: "httpx.Response") -> Any:
    try:
        return response.json()
    except (ValueError, json.JSONDecodeError):
        raise NotOurServer(f"{response.request.url.host} did not answer in JSON") from None


def _reason(error: "httpx.TransportError") -> str:
    return str(error) or type(error).__name__
