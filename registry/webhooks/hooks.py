"""An institution's webhooks: entered with a secret that is shown once, tried, ended."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from certs.errors import KezhengError
from registry.directory import require_institution
from registry.home import Home
from registry.store.audit_store import record_act
from registry.store.counter_store import take_ids
from registry.store.webhook_store import (
    WebhookRecord,
    add_webhook,
    end_webhook,
    webhook_by_id,
    webhooks_of_institution,
)
from registry.webhooks.announce import EventType, add_announcement
from registry.webhooks.signature import new_secret
from registry.webhooks.target import parse_target

SECRET_PLACE = ("webhook", "secret_ciphertext")
MOST = 5
"""Webhooks of one institution."""


class NewWebhook(NamedTuple):
    """A webhook and its secret, which is nowhere to be read afterwards."""

    webhook: WebhookRecord
    secret: str


def enter_webhook(home: Home, institution_code: str, url: str, by: str, now: datetime) -> NewWebhook:
    """Enter a webhook and let it be tried with a ping.

    Raises KezhengError ``webhook_url_invalid``, ``institution_unknown``, ``webhooks_too_many``.
    """
    parse_target(url)
    secret, cipher = new_secret(), home.keyring.cipher
    with home.store.transaction() as tx:
        require_institution(tx, institution_code)
        if len(webhooks_of_institution(tx, institution_code)) >= MOST:
            raise KezhengError("webhooks_too_many", limit=MOST)
        hook_id = take_ids(tx, "webhook", 1).start
        sealed = cipher.seal(*SECRET_PLACE, hook_id, secret)
        webhook = WebhookRecord(hook_id, institution_code, url, sealed, cipher.current_key_id, by, now)
        add_webhook(tx, webhook)
        add_announcement(tx, [webhook], EventType.PING, {"institution": institution_code}, now)
        record_act(tx, now, by, "webhook_added", institution_code, webhook=hook_id)
    return NewWebhook(webhook, secret)


def remove_webhook(home: Home, webhook_id: int, by: str, now: datetime) -> None:
    """Send nothing there any more. Raises KezhengError ``webhook_unknown``."""
    with home.store.transaction() as tx:
        webhook = webhook_by_id(tx, webhook_id)
        end_webhook(tx, webhook_id, now)
        record_act(tx, now, by, "webhook_removed", webhook.institution_code, webhook=webhook_id)


def ping(home: Home, webhook_id: int, now: datetime) -> None:
    """Let a webhook be tried. Raises KezhengError ``webhook_unknown``, of an ended one too."""
    with home.store.transaction() as tx:
        webhook = webhook_by_id(tx, webhook_id)
        if webhook.ended_at is not None:
            raise KezhengError("webhook_unknown", webhook=webhook_id)
        add_announcement(tx, [webhook], EventType.PING, {"institution": webhook.institution_code}, now)


def secret_of(home: Home, webhook: WebhookRecord) -> str:
    """The secret that its messages are signed with."""
    return home.keyring.cipher.open(*SECRET_PLACE, webhook.id, webhook.secret_ciphertext)
