"""Envelopes are found by their digest in the register alone.

Digests come in no order: a new one lands anywhere in an index of them, and in a long register nearly every new one
changes a page of its own. The register's index holds the same digests and takes each once; a second one beside it was
a third of all that was written for a certificate, and nobody asked it anything that the register does not answer.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CONSTRAINT = "uq_certificate_sealed_envelope_digest"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(CONSTRAINT, "certificate_sealed", type_="unique")
        return
    # SQLite takes a constraint away by copying the table. A view reads it, which a renaming would stumble over.
    op.execute("PRAGMA legacy_alter_table = ON")
    with op.batch_alter_table("certificate_sealed", recreate="always") as table:
        table.drop_constraint(CONSTRAINT, type_="unique")
    op.execute("PRAGMA legacy_alter_table = OFF")


def downgrade() -> None:
    raise RuntimeError("a register is not taken back to an older schema: restore its backup instead")
