"""Webhooks and their messages: which are wanted, which wait, what became of an attempt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from certs.errors import KezhengError
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.rows import insert_records, records, select_record
from registry.store.states import MessageState
from registry.store.webhook_tables import IS_WAITING, WEBHOOK, WEBHOOK_MESSAGE


class WebhookRecord(NamedTuple):
    """A webhook. ``id`` from ``take_ids(tx, "webhook", 1)``; the secret is bound to it."""

    id: int
    institution_code: str
    url: str
    secret_ciphertext: bytes
    key_id: bytes
    created_by: str
    created_at: datetime
    ended_at: datetime | None = None


class WebhookMessageRecord(NamedTuple):
    """A message. ``attempts`` were made so far; the next one is due at ``next_at`` while it waits."""

    id: int
    webhook_id: int
    message_id: str
    body: bytes
    recorded_at: datetime
    state: MessageState
    attempts: int
    next_at: datetime
    last_status: int | None = None
    last_refusal: str | None = None


_WEBHOOK = select_record(WEBHOOK, WebhookRecord)
_MESSAGE = select_record(WEBHOOK_MESSAGE, WebhookMessageRecord)


def add_webhook(tx: WriteTransaction, webhook: WebhookRecord) -> None:
    """Store a webhook."""
    insert_records(tx.connection, WEBHOOK, [webhook])


def webhook_by_id(tx: ReadTransaction, webhook_id: int) -> WebhookRecord:
    """A webhook, ended ones too. Raises KezhengError ``webhook_unknown``."""
    row = tx.connection.execute(_WEBHOOK.where(WEBHOOK.c.id == webhook_id)).first()
    if row is None:
        raise KezhengError("webhook_unknown", webhook=webhook_id)
    return WebhookRecord._make(row)


def webhooks_of_institution(tx: ReadTransaction, institution_code: str) -> list[WebhookRecord]:
    """The webhooks that an institution has now, oldest first."""
    query = _WEBHOOK.where(WEBHOOK.c.institution_code == institution_code, WEBHOOK.c.ended_at.is_(None))
    return records(tx.connection.execute(query.order_by(WEBHOOK.c.id)), WebhookRecord)


def end_webhook(tx: WriteTransaction, webhook_id: int, at: datetime) -> None:
    """Send nothing there any more; what waits is given up. Raises KezhengError ``webhook_unknown``."""
    mine = (WEBHOOK.c.id == webhook_id) & WEBHOOK.c.ended_at.is_(None)
    if tx.connection.execute(WEBHOOK.update().where(mine).values(ended_at=at)).rowcount != 1:
        raise KezhengError("webhook_unknown", webhook=webhook_id)
    waiting = (WEBHOOK_MESSAGE.c.webhook_id == webhook_id) & (WEBHOOK_MESSAGE.c.state == MessageState.WAITING)
    tx.connection.execute(WEBHOOK_MESSAGE.update().where(waiting).values(state=MessageState.GIVEN_UP))


def add_messages(tx: WriteTransaction, messages: Sequence[WebhookMessageRecord]) -> None:
    """Store messages in the transaction of what they tell."""
    insert_records(tx.connection, WEBHOOK_MESSAGE, messages)


def due_messages(tx: ReadTransaction, webhook_id: int, now: datetime) -> list[WebhookMessageRecord]:
    """The messages of a webhook whose next attempt is due, oldest first."""
    query = _MESSAGE.where(WEBHOOK_MESSAGE.c.webhook_id == webhook_id, *_due(now))
    return records(tx.connection.execute(query.order_by(WEBHOOK_MESSAGE.c.id)), WebhookMessageRecord)


def webhooks_with_due(tx: ReadTransaction, now: datetime) -> list[int]:
    """The webhooks that have something to be sent now."""
    query = select(WEBHOOK_MESSAGE.c.webhook_id).where(*_due(now)).distinct()
    return sorted(tx.connection.scalars(query))


def count_waiting_messages(tx: ReadTransaction, webhook_id: int) -> int:
    """How many messages of a webhook are not taken yet, due or not."""
    mine = (WEBHOOK_MESSAGE.c.webhook_id == webhook_id) & (WEBHOOK_MESSAGE.c.state == MessageState.WAITING)
    return tx.connection.scalar(select(func.count()).select_from(WEBHOOK_MESSAGE).where(mine)) or 0


def count_messages_waiting(tx: ReadTransaction) -> int:
    """How many messages of all webhooks are not taken yet, due or not."""
    return tx.connection.scalar(select(func.count()).select_from(WEBHOOK_MESSAGE).where(IS_WAITING)) or 0


def messages_of_webhook(tx: ReadTransaction, webhook_id: int, limit: int) -> list[WebhookMessageRecord]:
    """The newest messages of a webhook, newest first."""
    query = _MESSAGE.where(WEBHOOK_MESSAGE.c.webhook_id == webhook_id).order_by(WEBHOOK_MESSAGE.c.id.desc())
    return records(tx.connection.execute(query.limit(limit)), WebhookMessageRecord)


def record_attempt(tx: WriteTransaction, before: WebhookMessageRecord, after: WebhookMessageRecord) -> bool:
    """Keep what became of an attempt; False when another process has recorded one since ``before`` was read."""
    same = (WEBHOOK_MESSAGE.c.id == before.id) & (WEBHOOK_MESSAGE.c.attempts == before.attempts)
    waits = WEBHOOK_MESSAGE.c.state == MessageState.WAITING
    changed = {name: getattr(after, name) for name in ("state", "attempts", "next_at", "last_status", "last_refusal")}
    return tx.connection.execute(WEBHOOK_MESSAGE.update().where(same, waits).values(changed)).rowcount == 1


def postpone_waiting(tx: WriteTransaction, webhook_id: int, until: datetime) -> None:
    """Let nothing of a webhook be due before a time."""
    early = (WEBHOOK_MESSAGE.c.webhook_id == webhook_id) & (WEBHOOK_MESSAGE.c.next_at < until)
    waits = WEBHOOK_MESSAGE.c.state == MessageState.WAITING
    tx.connection.execute(WEBHOOK_MESSAGE.update().where(early, waits).values(next_at=until))


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (WEBHOOK_MESSAGE.c.state == MessageState.WAITING, WEBHOOK_MESSAGE.c.next_at <= now)
