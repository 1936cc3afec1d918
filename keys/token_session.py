"""One logged-in session with one PKCS#11 token (OASIS PKCS #11 v2.40), opened when first needed and again when lost.

A wrong PIN is tried once and never again by the same process, since tokens lock themselves after a few; and the last
try that a token says is left is not taken at all, so that no service restarted by a supervisor can use it up.
The library is loaded without locks of its own, so one lock a library keeps all callers in this process apart.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from keys.errors import KeysError, PinLocked, TokenUnavailable, UnfitToken, WrongPin
from keys.passphrases import Passphrase, PassphraseSource

if TYPE_CHECKING:
    from pkcs11.types import Session, Token

Found = TypeVar("Found")

_LOCKS: dict[str, threading.RLock] = {}
_LOCKS_GUARD = threading.Lock()


class TokenSession:
    """A session with the token of this label. `run` blocks, may be called from any thread, one call at a time."""

    def __init__(self, module: Path, label: str, pin: PassphraseSource | None) -> None:
        """Touches nothing yet. Without `pin` only what the token shows to everybody can be read."""
        self.module, self.label = module, label
        self._pin_source = pin
        self._pin: Passphrase | None = None
        self._refused = False
        self._session: Session | None = None
        self.logged_in = False
        with _LOCKS_GUARD:
            self._lock = _LOCKS.setdefault(str(module), threading.RLock())

    def run(self, work: Callable[["Session"], Found], *, login: bool = True, again: bool = True) -> Found:
        """`work` on the open session; once more on a new one if the first was lost, unless it must not be done twice.

        Raises TokenUnavailable, WrongPin, PinLocked, UnfitToken, NoPassphrase.
        """
        from pkcs11.exceptions import PKCS11Error

        with self._lock:
            try:
                return work(self._open(login))
            except PKCS11Error as first:
                error = self._explained(first)
                self._drop()
                if not again or isinstance(error, UnfitToken):
                    raise error from first
            try:
                return work(self._open(login))
            except PKCS11Error as second:
                self._drop()
                raise self._explained(second) from second

    def close(self) -> None:
        """Ends the session, which logs out; the PIN is forgotten. The next `run` asks for it again."""
        with self._lock:
            self._drop()
            self._pin = None

    def _open(self, login: bool) -> "Session":
        from pkcs11.exceptions import PKCS11Error

        if self._session is not None and (self.logged_in or not login):
            return self._session
        self._drop()
        try:
            token = self._library().get_token(token_label=self.label)
            self._session = self._log_in(token) if login else token.open()
        except PKCS11Error as error:
            raise self._explained(error) from error
        self.logged_in = login
        return self._session

    def _library(self) -> Any:
        import pkcs11

        try:
            return pkcs11.lib(str(self.module))
        except (RuntimeError, OSError) as error:  # the wrapper's word for a file that is missing or no such library
            raise TokenUnavailable(
                f"the PKCS#11 library {self.module} cannot be loaded: {str(error) or type(error).__name__}",
                remedy="Set SHARELEDGER_PKCS11_MODULE to the library of the token's maker.",
            ) from error

    def _log_in(self, token: "Token") -> "Session":
        from pkcs11 import PROTECTED_AUTH, TokenFlag, UserAlreadyLoggedIn
        from pkcs11.exceptions import PinIncorrect, PinInvalid, PinLenRange

        if self._refused:
            raise self._wrong_pin()
        if token.flags & (TokenFlag.USER_PIN_LOCKED | TokenFlag.USER_PIN_FINAL_TRY):
            locked = bool(token.flags & TokenFlag.USER_PIN_LOCKED)
            raise PinLocked(f"the token {self.label} " + ("is locked" if locked else "has one try of its PIN left"))
        pin: Any
        if token.flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
            pin = PROTECTED_AUTH  # the token has keys of its own to type it on
        else:
            pin = self._ask().reveal().decode(errors="strict")
        try:
            return token.open(rw=True, user_pin=pin)
        except UserAlreadyLoggedIn:  # another session of this process did, with the right PIN
            return token.open(rw=True)
        except (PinIncorrect, PinInvalid, PinLenRange) as error:
            self._refused, self._pin = True, None
            raise self._wrong_pin() from error

    def _wrong_pin(self) -> WrongPin:
        return WrongPin(f"the token {self.label} refused the PIN, which is not tried again", token=self.label)

    def _ask(self) -> Passphrase:
        if self._pin is None:
            if self._pin_source is None:
                raise TokenUnavailable(
                    f"no PIN was given for the token {self.label}", remedy="Give --pin-file or --pin-fd."
                )
            self._pin = self._pin_source()
        return self._pin

    def _drop(self) -> None:
        from pkcs11.exceptions import PKCS11Error

        session, self._session, self.logged_in = self._session, None, False
        if session is not None:
            try:
                session.close()
            except PKCS11Error:
                return  # it was lost: there is nothing left to close

    def _explained(self, error: Exception) -> KeysError:
        from pkcs11 import exceptions as told

        reason = f"{type(error).__name__}{': ' if str(error) else ''}{error}"
        if isinstance(error, told.NoSuchToken | told.TokenNotPresent | told.SlotIDInvalid | told.DeviceRemoved):
            return TokenUnavailable(f"there is no token {self.label} ({reason})", token=self.label)
        if isinstance(error, told.MultipleTokensReturned):
            remedy = "Give the token a label of its own, or remove the other."
            return TokenUnavailable(f"more than one token is called {self.label}", remedy=remedy, token=self.label)
        if isinstance(error, told.PinLocked | told.PinExpired | told.UserPinNotInitialized):
            return PinLocked(f"the token {self.label} takes no PIN: {reason}", token=self.label)
        unfit = (
            told.MechanismInvalid | told.FunctionNotSupported | told.DomainParamsInvalid | told.TemplateInconsistent
            | told.AttributeValueInvalid | told.AttributeTypeInvalid | told.TokenWriteProtected | told.DeviceMemory
        )  # fmt: skip
        if isinstance(error, unfit):
            return UnfitToken(f"the token {self.label} cannot do this: {reason}", token=self.label)
        return TokenUnavailable(f"the token {self.label} failed: {reason}", token=self.label)
