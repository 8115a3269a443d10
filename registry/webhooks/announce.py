"""What institutions are told, recorded in the transaction of what it tells: never lost, never told of what was undone.

A message holds codes, numbers and counts; no name and no ID number ever leaves this way.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import orjson

from certs.timestamps import format_instant
from registry.store.counter_store import take_ids
from registry.store.engine import WriteTransaction
from registry.store.states import MessageState
from registry.store.webhook_store import WebhookMessageRecord, WebhookRecord, add_messages, webhooks_of_institution


class EventType(StrEnum):
    """What can be told."""

    BATCH_RELEASED = "batch.released"
    STATUS_CHANGED = "certificate.status_changed"
    PING = "ping"


def announce(
    tx: WriteTransaction, institution_code: str, event: EventType, data: Mapping[str, str | int], now: datetime
) -> None:
    """Record a message for every webhook of an institution."""
    add_announcement(tx, webhooks_of_institution(tx, institution_code), event, data, now)


def add_announcement(
    tx: WriteTransaction,
    webhooks: list[WebhookRecord],
    event: EventType,
    data: Mapping[str, str | int],
    now: datetime,
) -> None:
    """Record a message for these webhooks, due at once."""
    body = orjson.dumps({"type": event.value, "timestamp": format_instant(now), "data": dict(data)})
    ids = take_ids(tx, "webhook_message", len(webhooks)) if webhooks else ()
    messages = [
        WebhookMessageRecord(each, hook.id, f"msg_{secrets.token_hex(12)}", body, now, MessageState.WAITING, 0, now)
        for each, hook in zip(ids, webhooks, strict=True)
    ]
    add_messages(tx, messages)
