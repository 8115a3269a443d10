"""Institutions' webhooks and their messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution_code", sa.String(length=13), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=8), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["institution_code"], ["institution.code"], name="fk_webhook_institution_code"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
    )
    op.create_index("ix_webhook_institution_code", "webhook", ["institution_code"], unique=False)
    op.create_table(
        "webhook_message",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("webhook_id", ROW_ID, nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_refusal", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name="fk_webhook_message_webhook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_message"),
        sa.UniqueConstraint("message_id", name="uq_webhook_message_message_id"),
    )
    op.create_index("ix_webhook_message_webhook_id", "webhook_message", ["webhook_id"], unique=False)
    op.create_index(
        "ix_webhook_message_due",
        "webhook_message",
        ["next_at"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    op.drop_table("webhook_message")
    op.drop_table("webhook")
