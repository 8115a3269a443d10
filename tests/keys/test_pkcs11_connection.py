"""The session with the module: lost and found again, one call at a time, and no PIN shown twice that was refused."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import KeyType
from pkcs11.exceptions import (
    DeviceRemoved,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    SessionHandleInvalid,
    UserPinNotInitialized,
)
from pkcs11.types import Session
from soft_token import PIN, SECURITY_OFFICER_PIN, SoftToken, make_token

from certs.errors import KezhengError
from certs.signing_key import verify_signature
from keys import hsm_pin, pkcs11_connection
from keys.hsm_pin import forget_secrets, pin_file, read_hsm_pin
from keys.key_record import KeyRecord, KeyRole
from keys.pkcs11_connection import TokenConnection, connect
from keys.pkcs11_keys import HsmKeystore, open_hsm

WRONG_PIN = "000000"


def refusal(code: str) -> Any:
    return pytest.raises(KezhengError, match=f"^{code}( |$)")


@pytest.fixture
def keystore(token: SoftToken) -> HsmKeystore:
    return open_hsm(*token)


@pytest.fixture
def record(keystore: HsmKeystore, now: datetime) -> KeyRecord:
    return keystore.generate_signing_key(KeyRole.LIST, None, now)


@pytest.fixture(autouse=True)
def _connections_of_the_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(pkcs11_connection, "_connections", {})
        yield


def change_pin(token: SoftToken, new: str) -> None:
    """As an administrator does it in another process."""
    command = ["softhsm2-util", "--show-slots"]
    assert token.label in subprocess.run(command, check=True, capture_output=True, text=True).stdout
    session = token_session(token)
    session.set_pin(token.pin, new)
    session.close()


def token_session(token: SoftToken) -> Session:
    library = pkcs11.lib(str(token.module))
    library.reinitialize()
    return token.session()


# --- a session that is lost


def finalise(token: SoftToken) -> None:
    pkcs11.lib(str(token.module)).finalize()


def reinitialise(token: SoftToken) -> None:
    pkcs11.lib(str(token.module)).reinitialize()


def log_out(token: SoftToken) -> None:
    """Close the program's own session, which logs out, and leave it one that is not logged in."""
    connection = pkcs11_connection._connections[token.module, token.label]
    assert connection._session is not None
    connection._session.close()
    connection._session = pkcs11.lib(str(token.module)).get_token(token_label=token.label).open(rw=True)


def close_session(token: SoftToken) -> None:
    connection = pkcs11_connection._connections[token.module, token.label]
    assert connection._session is not None
    connection._session.close()


LOSSES = [finalise, reinitialise, log_out, close_session]


@pytest.mark.parametrize("lose", LOSSES)
def test_signing_goes_on(
    token: SoftToken, keystore: HsmKeystore, record: KeyRecord, lose: Callable[[SoftToken], None]
) -> None:
    signer = keystore.signer(record)
    before = signer.sign(b"message")
    for _ in range(2):
        lose(token)
        assert signer.sign(b"message") == before


@pytest.mark.parametrize("lose", LOSSES)
def test_a_lost_login_is_not_an_empty_token(
    token: SoftToken, keystore: HsmKeystore, record: KeyRecord, lose: Callable[[SoftToken], None]
) -> None:
    lose(token)
    assert keystore.records() == [record]
    lose(token)
    assert keystore.newest(KeyRole.LIST) == record


@pytest.mark.parametrize("lose", LOSSES)
def test_a_key_can_be_made_after_a_loss(
    token: SoftToken, keystore: HsmKeystore, record: KeyRecord, now: datetime, lose: Callable[[SoftToken], None]
) -> None:
    lose(token)
    made = keystore.generate_signing_key(KeyRole.LOG, None, now)
    assert {each.kid for each in keystore.records()} == {made.kid, record.kid}


def test_a_second_keystore_of_the_token_shares_its_session(
    token: SoftToken, keystore: HsmKeystore, record: KeyRecord
) -> None:
    other = open_hsm(*token)
    first, second = keystore.signer(record), other.signer(record)
    sessions = {id(connection_session(each)) for each in (keystore, other)}
    assert first.sign(b"message") == second.sign(b"message")
    assert {id(connection_session(each)) for each in (keystore, other)} == sessions
    assert len(sessions) == 1


def connection_session(keystore: HsmKeystore) -> Session:
    return keystore._connection.open()


def test_two_tokens_of_one_module(softhsm: Path, keystore: HsmKeystore, record: KeyRecord, now: datetime) -> None:
    """The second is made after the first was opened: the library is initialised anew, and the first goes on."""
    other = open_hsm(*make_token(softhsm))
    made = other.generate_signing_key(KeyRole.LOG, None, now)
    assert (keystore.records(), other.records()) == ([record], [made])


def test_threads_sign_the_same(keystore: HsmKeystore, record: KeyRecord) -> None:
    signer, start = keystore.signer(record), threading.Barrier(2)

    def sign_many(number: int) -> list[bytes]:
        start.wait(timeout=10)
        return [signer.sign(b"%d" % (each % 50)) for each in range(number, number + 100)]

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(sign_many, (0, 50))
    assert first == second
    assert len(set(first)) == 50
    assert all(verify_signature(signer.public_key, each, b"%d" % at) for at, each in enumerate(first[:50]))


def test_no_two_calls_are_in_the_library_at_once(keystore: HsmKeystore) -> None:
    inside, most, start = [0], [0], threading.Barrier(2)

    def call(_session: Session) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1

    def many(_number: int) -> None:
        start.wait(timeout=10)
        for _ in range(5):
            keystore._connection.run(call)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(many, range(2)))
    assert most == [1]


def test_an_action_is_tried_twice_and_no_more(keystore: HsmKeystore) -> None:
    calls = []

    def fail(session: Session) -> None:
        calls.append(session)
        raise SessionHandleInvalid

    with refusal("hsm_refused"):
        keystore._connection.run(fail)
    assert len(calls) == 2
    assert calls[0] is not calls[1]
    with refusal("hsm_refused"):
        keystore._connection.run_once(fail)
    assert len(calls) == 3


def test_what_the_module_refuses_is_named(keystore: HsmKeystore) -> None:
    with refusal("hsm_refused") as caught:
        keystore._connection.run(lambda session: session.generate_key(KeyType.AES, 8))
    assert caught.value.params["detail"] not in ("", "PKCS11Error")


# --- what cannot be opened


@pytest.mark.parametrize("module", ["/nowhere/module.so", "/etc/hostname"])
def test_no_module(module: str) -> None:
    with refusal("hsm_unavailable"):
        open_hsm(Path(module), "token", PIN)


def test_no_token(softhsm: Path) -> None:
    with refusal("hsm_unavailable") as caught:
        open_hsm(softhsm, "another", PIN)
    assert caught.value.params == {"detail": "NoSuchToken"}


def test_wrong_pin(token: SoftToken) -> None:
    with refusal("hsm_pin_wrong"):
        open_hsm(token.module, token.label, WRONG_PIN)
    with refusal("hsm_pin_wrong"):
        open_hsm(token.module, token.label, "1")
    assert open_hsm(*token).records() == []


def test_wrong_pin_beside_an_open_session(token: SoftToken, keystore: HsmKeystore, record: KeyRecord) -> None:
    """The module looks at no PIN while the process is logged in: the program must not take that for a right one."""
    with refusal("hsm_pin_wrong"):
        open_hsm(token.module, token.label, WRONG_PIN)
    assert keystore.signer(record).sign(b"message") == open_hsm(*token).signer(record).sign(b"message")


def test_a_changed_pin(token: SoftToken, keystore: HsmKeystore, record: KeyRecord) -> None:
    change_pin(token, "717171")
    reinitialise(token)
    again = open_hsm(token.module, token.label, "717171")
    assert again.records() == [record]
    with refusal("hsm_pin_wrong"):
        open_hsm(*token)
    keystore._connection.close()
    again._connection.close()
    with refusal("hsm_pin_wrong"):
        keystore.records()


class Token:
    """A token that refuses every login in one way and counts them."""

    def __init__(self, error: type[PKCS11Error]) -> None:
        self.error, self.logins = error, 0

    def open(self, **_given: object) -> Session:
        self.logins += 1
        raise self.error


class Library:
    def __init__(self, token: Token) -> None:
        self.token = token

    def get_token(self, **_given: object) -> Token:
        return self.token

    def reinitialize(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PinIncorrect, "hsm_pin_wrong"),
        (PinInvalid, "hsm_pin_wrong"),
        (PinLenRange, "hsm_pin_wrong"),
        (PinLocked, "hsm_pin_locked"),
        (PinExpired, "hsm_pin_locked"),
        (UserPinNotInitialized, "hsm_pin_locked"),
    ],
)
def test_a_refused_pin_is_shown_once(
    monkeypatch: pytest.MonkeyPatch, error: type[PKCS11Error], code: str
) -> None:
    token = Token(error)
    monkeypatch.setattr(pkcs11, "lib", lambda _path: Library(token))
    connection = TokenConnection(Path("module.so"), "token", PIN)
    for _ in range(3):
        with refusal(code):
            connection.run(lambda session: session)
    assert token.logins == 1


def test_a_token_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    token = Token(DeviceRemoved)
    monkeypatch.setattr(pkcs11, "lib", lambda _path: Library(token))
    with refusal("hsm_unavailable") as caught:
        connect(Path("module.so"), "token", PIN)
    assert caught.value.params == {"detail": "DeviceRemoved"}
    assert token.logins == 2


# --- the PIN


def test_pin_of_the_environment_comes_first(tmp_path: Path) -> None:
    path = pin_file(tmp_path)
    path.parent.mkdir()
    path.write_text("135790\r\n")
    path.chmod(0o600)
    assert read_hsm_pin(tmp_path, {}) == "135790"
    assert read_hsm_pin(tmp_path, {"KEZHENG_HSM_PIN": ""}) == "135790"
    assert read_hsm_pin(tmp_path, {"KEZHENG_HSM_PIN": "口令24"}) == "口令24"


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_pin_file_that_others_may_read(tmp_path: Path, mode: int) -> None:
    path = pin_file(tmp_path)
    path.parent.mkdir()
    path.write_text(SECURITY_OFFICER_PIN)
    path.chmod(mode)
    with refusal("keystore_permissions"):
        read_hsm_pin(tmp_path, {})


def test_no_pin(tmp_path: Path) -> None:
    with refusal("hsm_pin_missing"):
        read_hsm_pin(tmp_path, {})
    path = pin_file(tmp_path)
    path.parent.mkdir()
    path.write_text("\n")
    path.chmod(0o600)
    with refusal("hsm_pin_missing"):
        read_hsm_pin(tmp_path, {})


def test_a_process_without_keys_gets_no_secrets() -> None:
    environ = {"KEZHENG_HSM_PIN": "1", "KEZHENG_PASSPHRASE": "2", "KEZHENG_HOME": "home"}
    forget_secrets(environ)
    forget_secrets(environ)
    assert environ == {"KEZHENG_HOME": "home"}
    assert set(hsm_pin.SECRET_VARIABLES) == {"KEZHENG_HSM_PIN", "KEZHENG_PASSPHRASE"}
