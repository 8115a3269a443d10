"""Institutions' webhooks, and the messages that wait for them or were taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field

from registry.store.column_types import EnumText, RowId, UtcDateTime
from registry.store.schema import METADATA, TableModel
from registry.store.states import MessageState

# Word for word as a query has to say it, for SQLite to see that the index answers it.
IS_WAITING: Any = text("state = 'waiting'")


class WebhookRow(TableModel, table=True):
    """Where an institution wants to be told; ``ended_at`` once it does not any more. The secret is ciphertext."""

    __tablename__ = "webhook"
    id: int = Field(primary_key=True, sa_type=RowId)
    institution_code: str = Field(max_length=13, foreign_key="institution.code", index=True)
    url: str
    secret_ciphertext: bytes = Field(sa_type=LargeBinary)
    key_id: bytes = Field(sa_type=LargeBinary(8))
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookMessageRow(TableModel, table=True):
    """One message to one webhook, recorded in the transaction of what it tells. ``body`` holds codes and counts."""

    __tablename__ = "webhook_message"
    __table_args__ = (
        Index("ix_webhook_message_due", "next_at", sqlite_where=IS_WAITING, postgresql_where=IS_WAITING),
    )
    id: int = Field(primary_key=True, sa_type=RowId)
    webhook_id: int = Field(sa_type=RowId, foreign_key="webhook.id", index=True)
    message_id: str = Field(max_length=40, unique=True)
    body: bytes = Field(sa_type=LargeBinary)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    state: MessageState = Field(sa_type=EnumText(MessageState))
    attempts: int = 0
    next_at: datetime = Field(sa_type=UtcDateTime)
    last_status: int | None = None
    last_refusal: str | None = None


WEBHOOK = METADATA.tables["webhook"]
WEBHOOK_MESSAGE = METADATA.tables["webhook_message"]
