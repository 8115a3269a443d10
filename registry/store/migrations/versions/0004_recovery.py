"""What a recovery could not restore, and acts by their time, as the archive looks for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index("ix_audit_event_at", "audit_event", ["at"], unique=False)
    op.create_table(
        "lost_certificate",
        sa.Column("leaf_index", ROW_ID, nullable=False),
        sa.Column("envelope_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kid", sa.LargeBinary(length=8), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["leaf_index"], ["log_entry.leaf_index"], name="fk_lost_certificate_leaf_index"),
        sa.PrimaryKeyConstraint("leaf_index", name="pk_lost_certificate"),
        sa.UniqueConstraint("envelope_digest", name="uq_lost_certificate_envelope_digest"),
    )
    op.create_table(
        "lost_serials",
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("first_serial", sa.Integer(), nullable=False),
        sa.Column("last_serial", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("prefix", "first_serial", name="pk_lost_serials"),
    )
    op.create_table(
        "lost_status",
        sa.Column("status_index", ROW_ID, nullable=False),
        sa.Column("entry", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("status_index", name="pk_lost_status"),
    )


def downgrade() -> None:
    op.drop_table("lost_status")
    op.drop_table("lost_serials")
    op.drop_table("lost_certificate")
    op.drop_index("ix_audit_event_at", "audit_event")
