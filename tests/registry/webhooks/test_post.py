"""Sending: signed as Standard Webhooks says, under the host's name, to the address that was looked at, no further."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from receiving_system import HOST, Receiver, receiving_system

from registry.webhooks.post import Answer, HttpsPost, Message
from registry.webhooks.signature import new_secret, signature_of

NOW = datetime(2026, 11, 20, 2, 0, 0, 900_000, tzinfo=UTC)
MESSAGE = Message("msg_1", b'{"type":"ping"}')
SECRET = new_secret()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving_system(tmp_path) as running:
        yield running


def posting(receiver: Receiver, trusted: ssl.SSLContext | None = None) -> HttpsPost:
    return HttpsPost(trusted or receiver.trusted, lambda *_: ["127.0.0.1"], lambda _: True)


def test_what_arrives(receiver: Receiver) -> None:
    assert posting(receiver)(receiver.url, SECRET, MESSAGE, NOW) == Answer(204)
    [(path, headers, body)] = receiver.requests
    assert (path, body) == ("/kezheng?from=register", MESSAGE.body)
    assert headers["host"] == f"{HOST}:{receiver.port}"
    assert headers["content-type"] == "application/json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", str(int(NOW.timestamp())))
    # As a receiver checks it, from the specification alone.
    key = base64.b64decode(SECRET[len("whsec_") :])
    signed = b".".join([b"msg_1", headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_example_of_the_specification() -> None:
    """The test vector that Standard Webhooks' own libraries share."""
    signature = signature_of(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_differ() -> None:
    assert len({new_secret() for _ in range(50)}) == 50


@pytest.mark.parametrize(("status", "taken", "gone"), [(200, True, False), (301, False, False), (410, False, True)])
def test_what_answers_mean(receiver: Receiver, status: int, taken: bool, gone: bool) -> None:
    receiver.status = status
    answer = posting(receiver)(receiver.url, SECRET, MESSAGE, NOW)
    assert (answer.status, answer.is_taken, answer.is_gone) == (status, taken, gone)


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    receiver.status, receiver.location = 307, f"https://{HOST}:{receiver.port}/elsewhere"
    assert posting(receiver)(receiver.url, SECRET, MESSAGE, NOW) == Answer(307)
    assert len(receiver.requests) == 1


def test_a_certificate_of_nobody_is_refused(receiver: Receiver) -> None:
    answer = posting(receiver, ssl.create_default_context())(receiver.url, SECRET, MESSAGE, NOW)
    assert answer == Answer(None, "webhook_unreachable")
    other = receiver.url.replace(HOST, "other.example.cn")
    assert posting(receiver)(other, SECRET, MESSAGE, NOW) == Answer(None, "webhook_unreachable")
    assert receiver.requests == []


def test_a_name_is_resolved_once(receiver: Receiver) -> None:
    """DNS rebinding: what is asked a second time could say another address."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    post = HttpsPost(receiver.trusted, lambda *_: next(answers), lambda _: True)
    assert post(receiver.url, SECRET, MESSAGE, NOW).is_taken
    assert next(answers) == ["10.0.0.1"]


def test_our_own_network_is_not_called(receiver: Receiver) -> None:
    post = HttpsPost(receiver.trusted, lambda *_: ["127.0.0.1"])
    assert post(receiver.url, SECRET, MESSAGE, NOW) == Answer(None, "webhook_address_refused")
    assert post("http://hooks.example.cn", SECRET, MESSAGE, NOW) == Answer(None, "webhook_url_invalid")
    assert receiver.requests == []


def test_nobody_listens() -> None:
    post = HttpsPost(None, lambda *_: ["127.0.0.1"], lambda _: True)
    assert post(f"https://{HOST}:9", SECRET, MESSAGE, NOW) == Answer(None, "webhook_unreachable")
