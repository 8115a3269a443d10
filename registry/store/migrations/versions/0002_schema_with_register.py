"""The schema: every table, the empty register, and the two views that the public side reads.

There is no way from 0001, which had no register: what was issued then cannot be logged with a time it did not have.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

PUBLIC_CERTIFICATE = """CREATE VIEW public_certificate AS
SELECT certificate.number, certificate_sealed.envelope
FROM certificate JOIN certificate_sealed ON certificate_sealed.certificate_id = certificate.id
WHERE certificate.state = 'released'"""
PUBLIC_DOCUMENT = """CREATE VIEW public_document AS
SELECT kind, version, content, issued_at, expires_at FROM published_document WHERE is_public"""


def upgrade() -> None:
    _create_institutions()
    _create_rosters()
    _create_log()
    _create_certificates()
    _create_counters()
    _create_register()
    op.execute(PUBLIC_CERTIFICATE)
    op.execute(PUBLIC_DOCUMENT)


def downgrade() -> None:
    raise RuntimeError("there is nothing before the first schema: certificates are never dropped")


def _create_institutions() -> None:
    op.create_table(
        "institution",
        sa.Column("code", sa.String(length=13), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("registration", sa.String(length=4), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("successor_code", sa.String(length=13), nullable=True),
        sa.ForeignKeyConstraint(
            ["successor_code"], ["institution.code"], name="fk_institution_successor_code"
        ),
        sa.PrimaryKeyConstraint("code", name="pk_institution"),
    )
    op.create_index("ix_institution_credit_code", "institution", ["credit_code"], unique=False)

    op.create_table(
        "institution_name",
        sa.Column("institution_code", sa.String(length=13), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_code"], ["institution.code"], name="fk_institution_name_institution_code"
        ),
        sa.PrimaryKeyConstraint("institution_code", "from_day", name="pk_institution_name"),
    )

    op.create_table(
        "scope",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution_code", sa.String(length=13), nullable=False),
        sa.Column("occupation_id", sa.String(), nullable=False),
        sa.Column("directions", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("grades", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("regions", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("batch", sa.String(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_index", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["institution_code"], ["institution.code"], name="fk_scope_institution_code"),
        sa.PrimaryKeyConstraint("id", name="pk_scope"),
    )
    op.create_index("ix_scope_institution_code", "scope", ["institution_code"], unique=False)

    op.create_table(
        "site",
        sa.Column("institution_code", sa.String(length=13), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["institution_code"], ["institution.code"], name="fk_site_institution_code"),
        sa.PrimaryKeyConstraint("institution_code", "code", "from_day", name="pk_site"),
    )

    op.create_table(
        "institution_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution_code", sa.String(length=13), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("log_index", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_code"], ["institution.code"], name="fk_institution_event_institution_code"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_institution_event"),
    )
    op.create_index(
        "ix_institution_event_institution_code", "institution_event", ["institution_code"], unique=False
    )

    op.create_table(
        "signing_key",
        sa.Column("kid", sa.LargeBinary(length=8), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("institution_code", sa.String(length=13), nullable=True),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compromised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("log_index", ROW_ID, nullable=True),
        sa.Column("retired_log_index", ROW_ID, nullable=True),
        sa.Column("compromised_log_index", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["institution_code"], ["institution.code"], name="fk_signing_key_institution_code"
        ),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_key"),
        sa.UniqueConstraint("public_key", name="uq_signing_key_public_key"),
    )
    op.create_index("ix_signing_key_institution_code", "signing_key", ["institution_code"], unique=False)


def _create_rosters() -> None:
    op.create_table(
        "person", sa.Column("id", ROW_ID, nullable=False), sa.PrimaryKeyConstraint("id", name="pk_person")
    )

    op.create_table(
        "person_document",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("person_id", ROW_ID, nullable=False),
        sa.Column("id_type", sa.String(), nullable=False),
        sa.Column("blind_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=8), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_document_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_person_document"),
        sa.UniqueConstraint("blind_index", name="uq_person_document_blind_index"),
    )
    op.create_index("ix_person_document_person_id", "person_document", ["person_id"], unique=False)

    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("institution_code", sa.String(length=13), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("rows_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approver", sa.String(), nullable=True),
        sa.Column("approver_declared", sa.Boolean(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_off_confirmed_by", sa.String(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("out_dir", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["institution_code"], ["institution.code"], name="fk_batch_institution_code"),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
    )
    op.create_index("ix_batch_institution_code", "batch", ["institution_code"], unique=False)

    op.create_table(
        "roster_row",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("sheet_row", sa.Integer(), nullable=False),
        sa.Column("person_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("id_type", sa.String(), nullable=False),
        sa.Column("number_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("private_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.LargeBinary(length=8), nullable=False),
        sa.Column("occupation_id", sa.String(), nullable=False),
        sa.Column("occupation_code", sa.String(), nullable=False),
        sa.Column("direction_number", sa.Integer(), nullable=True),
        sa.Column("direction_text", sa.String(), nullable=True),
        sa.Column("grade", sa.String(length=32), nullable=False),
        sa.Column("theory", sa.Integer(), nullable=True),
        sa.Column("ability", sa.Integer(), nullable=True),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("site_code", sa.String(), nullable=True),
        sa.Column("training_certificate_number", sa.String(), nullable=True),
        sa.Column("official_number", sa.String(), nullable=True),
        sa.Column("extra", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_roster_row_batch_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_roster_row_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_roster_row"),
        sa.UniqueConstraint("batch_id", "sheet_row", name="uq_roster_row_batch_id_sheet_row"),
    )
    op.create_index("ix_roster_row_person_id", "roster_row", ["person_id"], unique=False)


def _create_log() -> None:
    op.create_table(
        "log_entry",
        sa.Column("leaf_index", ROW_ID, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name="pk_log_entry"),
    )
    op.create_index(
        "uq_log_entry_certificate",
        "log_entry",
        ["subject"],
        unique=True,
        sqlite_where=sa.text("kind = 1"),
        postgresql_where=sa.text("kind = 1"),
    )
    op.create_index(
        "ix_log_entry_subject",
        "log_entry",
        ["subject"],
        unique=False,
        sqlite_where=sa.text("kind > 1"),
        postgresql_where=sa.text("kind > 1"),
    )

    op.create_table(
        "log_tile",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("tile_index", ROW_ID, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "tile_index", name="pk_log_tile"),
    )

    tree = op.create_table(
        "log_tree",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", ROW_ID, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("newest_ms", ROW_ID, nullable=False),
        sa.Column("note_size", ROW_ID, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_log_tree"),
    )
    # The root of an empty tree is the hash of nothing (RFC 6962 §2.1).
    empty = {"size": 0, "root": hashlib.sha256(b"").digest(), "newest_ms": 0, "note_size": 0, "note": None}
    op.bulk_insert(tree, [{"id": 1} | empty])


def _create_certificates() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("roster_row_id", ROW_ID, nullable=False),
        sa.Column("institution_code", sa.String(length=13), nullable=False),
        sa.Column("person_id", ROW_ID, nullable=False),
        sa.Column("occupation_id", sa.String(), nullable=False),
        sa.Column("direction_key", sa.String(), nullable=False),
        sa.Column("grade", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("status_index", ROW_ID, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("first_issued_on", sa.Date(), nullable=True),
        sa.Column("supersedes", sa.String(length=32), nullable=True),
        sa.Column("official_number", sa.String(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("prints", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_certificate_batch_id"),
        sa.ForeignKeyConstraint(
            ["institution_code"], ["institution.code"], name="fk_certificate_institution_code"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_certificate_person_id"),
        sa.ForeignKeyConstraint(["roster_row_id"], ["roster_row.id"], name="fk_certificate_roster_row_id"),
        sa.ForeignKeyConstraint(["supersedes"], ["certificate.number"], name="fk_certificate_supersedes"),
        sa.PrimaryKeyConstraint("id", name="pk_certificate"),
        sa.UniqueConstraint("number", name="uq_certificate_number"),
        sa.UniqueConstraint("status_index", name="uq_certificate_status_index"),
    )
    op.create_index("ix_certificate_batch_id", "certificate", ["batch_id"], unique=False)
    op.create_index(
        "uq_certificate_live",
        "certificate",
        ["person_id", "occupation_id", "direction_key", "grade", "kind"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )
    op.create_index(
        "uq_certificate_roster_row_id",
        "certificate",
        ["roster_row_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'void'"),
        postgresql_where=sa.text("state <> 'void'"),
    )
    op.create_index(
        "uq_certificate_supersedes",
        "certificate",
        ["supersedes"],
        unique=True,
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )

    op.create_table(
        "certificate_prepared",
        sa.Column("certificate_id", ROW_ID, nullable=False),
        sa.Column("to_be_signed", sa.LargeBinary(), nullable=False),
        sa.Column("kid", sa.LargeBinary(length=8), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name="fk_certificate_prepared_certificate_id"
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_certificate_prepared"),
    )

    op.create_table(
        "certificate_sealed",
        sa.Column("certificate_id", ROW_ID, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("envelope_digest", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name="fk_certificate_sealed_certificate_id"
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_certificate_sealed"),
        sa.UniqueConstraint("envelope_digest", name="uq_certificate_sealed_envelope_digest"),
    )

    op.create_table(
        "certificate_logged",
        sa.Column("certificate_id", ROW_ID, nullable=False),
        sa.Column("leaf_index", ROW_ID, nullable=False),
        sa.Column("logged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name="fk_certificate_logged_certificate_id"
        ),
        sa.ForeignKeyConstraint(
            ["leaf_index"], ["log_entry.leaf_index"], name="fk_certificate_logged_leaf_index"
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_certificate_logged"),
        sa.UniqueConstraint("leaf_index", name="uq_certificate_logged_leaf_index"),
    )

    op.create_table(
        "former_envelope",
        sa.Column("envelope_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("certificate_id", ROW_ID, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("status_index", ROW_ID, nullable=False),
        sa.Column("leaf_index", ROW_ID, nullable=False),
        sa.Column("kid", sa.LargeBinary(length=8), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name="fk_former_envelope_certificate_id"
        ),
        sa.ForeignKeyConstraint(["leaf_index"], ["log_entry.leaf_index"], name="fk_former_envelope_leaf_index"),
        sa.PrimaryKeyConstraint("envelope_digest", name="pk_former_envelope"),
        sa.UniqueConstraint("leaf_index", name="uq_former_envelope_leaf_index"),
        sa.UniqueConstraint("status_index", name="uq_former_envelope_status_index"),
    )
    op.create_index("ix_former_envelope_certificate_id", "former_envelope", ["certificate_id"], unique=False)

    op.create_table(
        "status_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("certificate_number", sa.String(length=32), nullable=False),
        sa.Column("status_index", ROW_ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("void_from_start", sa.Boolean(), nullable=False),
        sa.Column("successor", sa.String(length=32), nullable=True),
        sa.Column("note_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("note_key_id", sa.LargeBinary(length=8), nullable=True),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_number"], ["certificate.number"], name="fk_status_event_certificate_number"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_status_event"),
    )
    op.create_index(
        "ix_status_event_certificate_number", "status_event", ["certificate_number"], unique=False
    )
    op.create_index("ix_status_event_recorded_at", "status_event", ["recorded_at"], unique=False)


def _create_counters() -> None:
    op.create_table(
        "serial_counter",
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("next_serial", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name="pk_serial_counter"),
    )

    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("next_value", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
    )


def _create_register() -> None:
    op.create_table(
        "published_document",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("version", ROW_ID, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name="pk_published_document"),
    )

    op.create_table(
        "public_url",
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("url", name="pk_public_url"),
    )

    op.create_table(
        "audit_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
    )
    op.create_index("ix_audit_event_subject", "audit_event", ["subject"], unique=False)
