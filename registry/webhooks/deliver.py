"""Sending what is due, with longer and longer waits between attempts; after three days a message is given up.

Safe when two processes do it at once: a receiver may then get a message twice, under the same id, and one of the two
attempts is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from registry.home import Home
from registry.store.states import MessageState
from registry.store.webhook_store import (
    WebhookMessageRecord,
    due_messages,
    end_webhook,
    postpone_waiting,
    record_attempt,
    webhook_by_id,
)
from registry.webhooks.hooks import secret_of
from registry.webhooks.post import Answer, Message, Post

WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between one attempt and the next, as Standard Webhooks recommends; with the last one a message has had its chance."""


def deliver_due(
    home: Home, webhook_id: int, post: Post, clock: Callable[[], datetime], progress: Callable[[int], None]
) -> None:
    """Make one attempt at everything that a webhook has due; ``progress`` gets 1 for each.

    After one that fails the others wait as long as that one does: a receiver that is down costs one attempt, not one
    for each message. A receiver that answers 410 (Gone) wants nothing any more: its webhook is ended.
    """
    with home.store.reading() as tx:
        webhook, due = webhook_by_id(tx, webhook_id), due_messages(tx, webhook_id, clock())
    secret = secret_of(home, webhook)
    for message in due:
        answer = post(webhook.url, secret, Message(message.message_id, message.body), clock())
        with home.store.transaction() as tx:
            after = after_attempt(message, answer, clock())
            record_attempt(tx, message, after)
            if answer.is_gone and webhook.ended_at is None:
                end_webhook(tx, webhook_id, clock())
            elif not answer.is_taken:
                postpone_waiting(tx, webhook_id, after.next_at)
        progress(1)
        if not answer.is_taken:
            return


def after_attempt(message: WebhookMessageRecord, answer: Answer, now: datetime) -> WebhookMessageRecord:
    """A message as it stands after an attempt at it."""
    attempts = message.attempts + 1
    tried = message._replace(attempts=attempts, last_status=answer.status, last_refusal=answer.refusal)
    if answer.is_taken:
        return tried._replace(state=MessageState.TAKEN)
    if answer.is_gone or attempts > len(WAITS):
        return tried._replace(state=MessageState.GIVEN_UP)
    return tried._replace(next_at=now + WAITS[attempts - 1])
