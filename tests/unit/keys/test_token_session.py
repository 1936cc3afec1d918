"""What a token says of its PIN is heeded before one is sent. The token is a stand-in: a real one would lock."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import TokenFlag

from keys.errors import NoPassphrase, PinLocked, TokenUnavailable, UnfitToken
from keys.passphrases import Passphrase, choose_source
from keys.token_session import TokenSession


class Session:
    def close(self) -> None:
        """Nothing to close."""


@dataclass
class StandIn:
    """As much of the wrapper's library and token as a session asks for."""

    flags: TokenFlag = TokenFlag.LOGIN_REQUIRED
    error: Exception | None = None
    pins: list[Any] = field(default_factory=list)

    def get_token(self, token_label: str) -> "StandIn":
        return self

    def open(self, rw: bool = False, user_pin: Any = None) -> Session:
        self.pins.append(user_pin)
        if self.error is not None:
            raise self.error
        return Session()


def session_with(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, pin: str | None = "1234") -> TokenSession:
    monkeypatch.setattr(pkcs11, "lib", lambda path: stand_in)
    source = choose_source() if pin is None else lambda: Passphrase(pin)
    return TokenSession(Path("/a/library.so"), "office", source)


@pytest.mark.parametrize("flag", [TokenFlag.USER_PIN_LOCKED, TokenFlag.USER_PIN_FINAL_TRY])
def test_a_locked_token_and_its_last_try_are_left_alone(flag: TokenFlag, monkeypatch: pytest.MonkeyPatch) -> None:
    token = StandIn(TokenFlag.LOGIN_REQUIRED | flag)
    with pytest.raises(PinLocked):
        session_with(token, monkeypatch).run(lambda session: None)
    assert token.pins == []


def test_a_token_with_its_own_pin_pad_is_sent_none(monkeypatch: pytest.MonkeyPatch) -> None:
    token = StandIn(TokenFlag.LOGIN_REQUIRED | TokenFlag.PROTECTED_AUTHENTICATION_PATH)
    session_with(token, monkeypatch, pin=None).run(lambda session: None)
    assert token.pins == [pkcs11.PROTECTED_AUTH]


def test_without_a_terminal_no_pin_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    token = StandIn()
    with pytest.raises(NoPassphrase):
        session_with(token, monkeypatch, pin=None).run(lambda session: None)
    assert token.pins == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (pkcs11.PinLocked(), PinLocked),
        (pkcs11.PinExpired(), PinLocked),
        (pkcs11.MultipleTokensReturned(), TokenUnavailable),
        (pkcs11.DeviceRemoved(), TokenUnavailable),
        (pkcs11.DeviceError(), TokenUnavailable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_each_refusal_is_told_with_what_to_do(
    error: Exception, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(expected) as caught:
        session_with(StandIn(error=error), monkeypatch).run(lambda session: None)
    assert caught.value.next_step and "1234" not in str(caught.value)  # type: ignore[attr-defined]


def test_work_is_done_once_more_on_a_new_session_unless_it_must_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    token, done = StandIn(), []

    def lost(session: object) -> None:
        done.append(session)
        raise pkcs11.SessionHandleInvalid

    with pytest.raises(TokenUnavailable):
        session_with(token, monkeypatch).run(lost)
    assert len(done) == 2 and done[0] is not done[1] and token.pins == ["1234", "1234"]
    with pytest.raises(TokenUnavailable):
        session_with(token, monkeypatch).run(lost, again=False)
    assert len(done) == 3

    def unable(session: object) -> None:
        done.append(session)
        raise pkcs11.MechanismInvalid

    with pytest.raises(UnfitToken):
        session_with(token, monkeypatch).run(unable)
    assert len(done) == 4, "what the token cannot do at all is not tried again"
