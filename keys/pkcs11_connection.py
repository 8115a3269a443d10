"""One logged-in session with a hardware module (PKCS#11), opened again when it is lost.

The library is told of no threads when it is initialised (C_Initialize without arguments, PKCS#11 §5.4), so one call
at a time enters it. Login belongs to the whole process (§5.6): there is one connection for each token of a process.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import NoReturn, TypeVar

import pkcs11
from pkcs11.exceptions import (
    NoSuchKey,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserPinNotInitialized,
)
from pkcs11.types import Session

from certs.errors import KezhengError

Result = TypeVar("Result")
Action = Callable[[Session], Result]
_PIN_REFUSED = (PinIncorrect, PinInvalid, PinLenRange)
_PIN_UNUSABLE = (PinLocked, PinExpired, UserPinNotInitialized)
_ONE_AT_A_TIME = RLock()
_connections: dict[tuple[Path, str], TokenConnection] = {}
_initialisations: Counter[Path] = Counter()
"""How often each library was initialised anew. That ends all sessions, and their numbers are given out again, be it
for another token: a session of an earlier time must not be used, not even to be closed."""


class TokenConnection:
    """A read-write session of the module's user. Use ``connect``; not to be carried across a fork."""

    def __init__(self, module: Path, token: str, pin: str) -> None:
        """Take the module's library, the token's label and the user's PIN; nothing is opened yet."""
        self._module = module
        self._token = token
        self._pin = pin
        self._session: Session | None = None
        self._initialisation = 0
        self._pin_refusal: PKCS11Error | None = None

    def run(self, action: Action[Result]) -> Result:
        """What an action gives, which may be repeated: after a failure it is tried once more in a new session.

        Raises KezhengError ``hsm_refused`` when it fails again, ``hsm_key_missing`` when a key that it looks for is
        not there, and as ``open`` does.
        """
        with _ONE_AT_A_TIME:
            try:
                return action(self.open())
            except PKCS11Error:
                self.close()
            return self.run_once(action)

    def run_once(self, action: Action[Result]) -> Result:
        """What an action gives that must not happen twice; after a failure the next call opens a new session.

        Raises as ``run`` does.
        """
        with _ONE_AT_A_TIME:
            session = self.open()
            try:
                return action(session)
            except PKCS11Error as error:
                self.close()
                if isinstance(error, NoSuchKey):
                    raise KezhengError("hsm_key_missing", key=str(error)) from error
                raise KezhengError("hsm_refused", detail=_name(error)) from error

    def open(self) -> Session:
        """The session, logged in.

        Raises KezhengError ``hsm_unavailable`` without module or token, ``hsm_pin_wrong``, ``hsm_pin_locked``.
        """
        with _ONE_AT_A_TIME:
            if self._pin_refusal is not None:
                # A module counts wrong PINs and locks: one that it refused is never shown to it again.
                _refuse_pin(self._pin_refusal)
            if self._session is None or self._initialisation != _initialisations[self._module]:
                self._session = self._log_in()
                self._initialisation = _initialisations[self._module]
            return self._session

    def close(self) -> None:
        """Log out and end the session, whatever is left of it; the next call opens another."""
        with _ONE_AT_A_TIME:
            session, self._session = self._session, None
            if session is not None and self._initialisation == _initialisations[self._module]:
                # A session that was lost cannot be ended any more, and need not be.
                with suppress(PKCS11Error):
                    session.close()

    def has_pin(self, pin: str) -> bool:
        """Whether this connection logs in with a PIN."""
        return hmac.compare_digest(pin.encode(), self._pin.encode())

    def _log_in(self) -> Session:
        try:
            return self._attempt(reinitialise=False)
        except PKCS11Error:
            # A module that was restarted, or a token made since, shows itself to a library initialised anew.
            pass
        try:
            return self._attempt(reinitialise=True)
        except PKCS11Error as error:
            raise KezhengError("hsm_unavailable", detail=_name(error)) from error

    def _attempt(self, *, reinitialise: bool) -> Session:
        library = pkcs11.lib(str(self._module))
        if reinitialise:
            _initialisations[self._module] += 1
            library.reinitialize()
        token = library.get_token(token_label=self._token)
        try:
            return token.open(rw=True, user_pin=self._pin)
        except (*_PIN_REFUSED, *_PIN_UNUSABLE) as error:
            self._pin_refusal = error
            _refuse_pin(error)


def connect(module: Path, token: str, pin: str) -> TokenConnection:
    """The process's connection to a token, logged in with this PIN. Raises as ``TokenConnection.open`` does."""
    with _ONE_AT_A_TIME:
        known = _connections.get((module, token))
        if known is not None and not known.has_pin(pin):
            # While a user is logged in the module looks at no PIN; another one is put to the module itself.
            known.close()
            known = None
        connection = known or TokenConnection(module, token, pin)
        connection.open()
        _connections[module, token] = connection
        return connection


def _refuse_pin(error: PKCS11Error) -> NoReturn:
    if isinstance(error, _PIN_UNUSABLE):
        raise KezhengError("hsm_pin_locked") from error
    raise KezhengError("hsm_pin_wrong") from error


def _name(error: PKCS11Error) -> str:
    return type(error).__name__
