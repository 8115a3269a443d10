"""People, batches and the rows of their rosters. ID numbers exist here as ciphertext and blind index only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from certs.grades import Grade
from registry.store.column_types import EnumText, RowId, UtcDateTime
from registry.store.schema import METADATA, TableModel
from registry.store.states import BatchState

SITE_INDEX = "ix_roster_row_site"
HAS_SITE = text("site_code IS NOT NULL")


class PersonRow(TableModel, table=True):
    """One natural person; everything known of them hangs on other tables."""

    __tablename__ = "person"
    id: int = Field(primary_key=True, sa_type=RowId)


class PersonDocumentRow(TableModel, table=True):
    """An identity document of a person: several documents may name one person, never the reverse."""

    __tablename__ = "person_document"
    id: int = Field(primary_key=True, sa_type=RowId)
    person_id: int = Field(sa_type=RowId, foreign_key="person.id", index=True)
    id_type: str
    blind_index: bytes = Field(sa_type=LargeBinary(32), unique=True)
    number_ciphertext: bytes = Field(sa_type=LargeBinary)
    key_id: bytes = Field(sa_type=LargeBinary(8))


class BatchRow(TableModel, table=True):
    """One uploaded roster and what was decided about it."""

    __tablename__ = "batch"
    id: str = Field(primary_key=True, max_length=40)
    institution_code: str = Field(max_length=13, foreign_key="institution.code", index=True)
    label: str
    state: BatchState = Field(sa_type=EnumText(BatchState))
    file_digest: bytes = Field(sa_type=LargeBinary(32))
    rows_digest: bytes = Field(sa_type=LargeBinary(32))
    operator: str
    imported_at: datetime = Field(sa_type=UtcDateTime)
    approver: str | None = None
    approver_declared: bool | None = None
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    run_off_confirmed_by: str | None = None
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    out_dir: str | None = None


class RosterRowRow(TableModel, table=True):
    """One person's row of a roster as imported.

    ``extra`` keeps unknown columns; telephone numbers and the like are in ``private_ciphertext``.
    """

    __tablename__ = "roster_row"
    __table_args__ = (
        UniqueConstraint("batch_id", "sheet_row"),
        Index(SITE_INDEX, "id", sqlite_where=HAS_SITE, postgresql_where=HAS_SITE),
    )
    id: int = Field(primary_key=True, sa_type=RowId)
    batch_id: str = Field(max_length=40, foreign_key="batch.id")
    sheet_row: int
    person_id: int = Field(sa_type=RowId, foreign_key="person.id", index=True)
    name: str
    id_type: str
    number_ciphertext: bytes = Field(sa_type=LargeBinary)
    private_ciphertext: bytes | None = Field(default=None, sa_type=LargeBinary)
    key_id: bytes = Field(sa_type=LargeBinary(8))
    occupation_id: str
    occupation_code: str
    direction_number: int | None = None
    direction_text: str | None = None
    grade: Grade = Field(sa_type=EnumText(Grade))
    theory: int | None = None
    ability: int | None = None
    assessed_on: date
    site_code: str | None = None
    training_certificate_number: str | None = None
    official_number: str | None = None
    extra: Any = Field(default=None, sa_type=JSON(none_as_null=True), nullable=True)
    result: str


PERSON = METADATA.tables["person"]
PERSON_DOCUMENT = METADATA.tables["person_document"]
BATCH = METADATA.tables["batch"]
ROSTER_ROW = METADATA.tables["roster_row"]
