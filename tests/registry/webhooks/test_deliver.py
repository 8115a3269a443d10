"""Messages: recorded with what they tell, tried again with longer waits, given up after three days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from register_desk import OPERATOR, Desk, people

from certs.errors import KezhengError
from certs.status import State
from registry.data_keys import rotate_data_key
from registry.store.states import MessageState
from registry.store.webhook_store import (
    WebhookMessageRecord,
    due_messages,
    messages_of_webhook,
    webhooks_of_institution,
    webhooks_with_due,
)
from registry.webhooks.deliver import WAITS, after_attempt, deliver_due
from registry.webhooks.hooks import MOST, NewWebhook, enter_webhook, ping, remove_webhook, secret_of
from registry.webhooks.post import Answer, Message

CODE, OTHER = "P000115000001", "P000215000002"
URL = "https://hooks.example.cn/kezheng"
SECOND = timedelta(seconds=1)


class Recorder:
    """A receiver that remembers and answers as it is told."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers) or [Answer(200)]
        self.got: list[tuple[str, str, Message]] = []

    def __call__(self, url: str, secret: str, message: Message, _now: datetime) -> Answer:
        self.got.append((url, secret, message))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def enter(desk: Desk, code: str = CODE) -> NewWebhook:
    return enter_webhook(desk.home, code, URL, OPERATOR, desk.now)


def deliver(desk: Desk, made: NewWebhook, post: Recorder) -> int:
    sent: list[int] = []
    deliver_due(desk.home, made.webhook.id, post, desk.clock, sent.append)
    return sum(sent)


def messages(desk: Desk, made: NewWebhook) -> list[WebhookMessageRecord]:
    with desk.home.store.reading() as tx:
        return messages_of_webhook(tx, made.webhook.id, 100)


def due(desk: Desk, at: datetime) -> list[int]:
    with desk.home.store.reading() as tx:
        return webhooks_with_due(tx, at)


def test_a_new_webhook_is_tried(desk: Desk) -> None:
    made, post = enter(desk), Recorder()
    assert due(desk, desk.now - SECOND) == []
    assert due(desk, desk.now) == [made.webhook.id]
    assert deliver(desk, made, post) == 1
    [(url, secret, message)] = post.got
    assert (url, secret) == (URL, made.secret)
    assert orjson.loads(message.body) == {
        "type": "ping", "timestamp": "2026-11-20T10:00:00+08:00", "data": {"institution": CODE},
    }
    [kept] = messages(desk, made)
    assert (kept.state, kept.attempts, kept.last_status) == (MessageState.TAKEN, 1, 200)
    assert deliver(desk, made, post) == 0


def test_what_an_institution_is_told(desk: Desk) -> None:
    made, stranger, post = enter(desk), enter(desk, OTHER), Recorder()
    [certificate] = desk.certify(people(1), CODE)
    desk.change(certificate.number, State.REVOKED, "exam_misconduct")
    deliver(desk, made, post)
    told = [orjson.loads(message.body) for _, _, message in post.got]
    assert [(each["type"], each["data"]) for each in told[1:]] == [
        ("batch.released", {"batch": certificate.batch_id, "institution": CODE, "certificates": 1}),
        (
            "certificate.status_changed",
            {"number": certificate.number, "state": "revoked", "reason": "exam_misconduct"},
        ),
    ]
    assert len(messages(desk, stranger)) == 1


def test_what_was_undone_is_not_told(desk: Desk) -> None:
    made = enter(desk)
    [certificate] = desk.certify(people(1), CODE)
    before = len(messages(desk, made))
    with pytest.raises(KezhengError, match=r"^status_not_suspended"):
        desk.change(certificate.number, State.VALID, "review_closed")
    assert len(messages(desk, made)) == before


def test_attempts_wait_longer_and_longer(desk: Desk) -> None:
    made, post = enter(desk), Recorder(Answer(500))
    for number, wait in enumerate(WAITS, 1):
        assert deliver(desk, made, post) == 1
        [message] = messages(desk, made)
        assert (message.state, message.attempts, message.last_status) == (MessageState.WAITING, number, 500)
        assert message.next_at == desk.now + wait
        desk.now += wait - SECOND
        assert deliver(desk, made, post) == 0
        desk.now += SECOND
    assert deliver(desk, made, post) == 1
    [message] = messages(desk, made)
    assert (message.state, message.attempts) == (MessageState.GIVEN_UP, len(WAITS) + 1)
    assert deliver(desk, made, post) == 0
    assert len({sent.id for _, _, sent in post.got}) == 1
    assert timedelta(days=3) < sum(WAITS, timedelta()) < timedelta(days=4)


def test_an_attempt_without_an_answer_is_told_with_its_code(desk: Desk) -> None:
    made = enter(desk)
    deliver(desk, made, Recorder(Answer(None, "webhook_address_refused")))
    [message] = messages(desk, made)
    assert (message.state, message.last_refusal) == (MessageState.WAITING, "webhook_address_refused")


def test_a_receiver_that_is_down_costs_one_attempt(desk: Desk) -> None:
    made = enter(desk)
    for _ in range(3):
        ping(desk.home, made.webhook.id, desk.now)
    assert deliver(desk, made, Recorder(Answer(None, "webhook_unreachable"))) == 1
    assert due(desk, desk.now + WAITS[0] - SECOND) == []
    desk.now += WAITS[0]
    assert deliver(desk, made, Recorder(Answer(200))) == 4
    assert {message.state for message in messages(desk, made)} == {MessageState.TAKEN}


def test_gone_ends_a_webhook(desk: Desk) -> None:
    made, post = enter(desk), Recorder(Answer(410))
    ping(desk.home, made.webhook.id, desk.now)
    assert deliver(desk, made, post) == 1
    assert {message.state for message in messages(desk, made)} == {MessageState.GIVEN_UP}
    with desk.home.store.reading() as tx:
        assert webhooks_of_institution(tx, CODE) == []
    with pytest.raises(KezhengError, match=r"^webhook_unknown"):
        ping(desk.home, made.webhook.id, desk.now)


def test_of_two_attempts_at_once_one_is_recorded(desk: Desk) -> None:
    made = enter(desk)

    class SlowerThanAnother(Recorder):
        def __call__(self, url: str, secret: str, message: Message, now: datetime) -> Answer:
            if not self.got:
                self.got.append((url, secret, message))
                deliver(desk, made, Recorder(Answer(200)))
                return Answer(500)
            return super().__call__(url, secret, message, now)

    deliver(desk, made, SlowerThanAnother())
    [message] = messages(desk, made)
    assert (message.state, message.attempts, message.last_status) == (MessageState.TAKEN, 1, 200)


def test_removed_and_bounded(desk: Desk) -> None:
    made = [enter(desk) for _ in range(MOST)]
    with pytest.raises(KezhengError, match=r"^webhooks_too_many"):
        enter(desk)
    remove_webhook(desk.home, made[0].webhook.id, OPERATOR, desk.now)
    assert due(desk, desk.now) == [each.webhook.id for each in made[1:]]
    with pytest.raises(KezhengError, match=r"^webhook_unknown"):
        remove_webhook(desk.home, made[0].webhook.id, OPERATOR, desk.now)
    enter(desk)


def test_the_secret_is_ciphertext_and_survives_a_new_data_key(desk: Desk) -> None:
    made = enter(desk)
    rotate_data_key(desk.home, OPERATOR, desk.now, lambda _: None)
    with desk.home.store.reading() as tx:
        [kept] = webhooks_of_institution(tx, CODE)
        assert due_messages(tx, kept.id, desk.now)
    assert kept.key_id != made.webhook.key_id
    assert made.secret.encode() not in kept.secret_ciphertext
    assert secret_of(desk.home, kept) == made.secret


@pytest.mark.parametrize(("attempts", "ended"), [(len(WAITS) - 1, False), (len(WAITS), True)])
def test_the_last_attempt(attempts: int, ended: bool) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    message = WebhookMessageRecord(1, 1, "m", b"{}", now, MessageState.WAITING, attempts, now)
    after = after_attempt(message, Answer(503), now)
    assert (after.state is MessageState.GIVEN_UP) is ended
