"""A small register to work on: one institution and one batch, with verbs to fill it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from registry.store.batch_store import BatchRecord, add_batch
from registry.store.certificate_store import NewCertificate, reserve_certificates
from registry.store.counter_store import take_ids, take_serials, take_status_places
from registry.store.engine import WriteStore, WriteTransaction
from registry.store.institution_store import (
    InstitutionNameRecord,
    InstitutionRecord,
    ScopeRecord,
    SiteRecord,
    add_institution,
)
from registry.store.person_store import PersonDocumentRecord, add_persons
from registry.store.roster_store import RosterRowRecord, add_roster_rows
from registry.store.states import BatchState

NOW = datetime(2026, 5, 20, 2, 11, 7, 123456, UTC)
DAY = date(2026, 5, 18)
INSTITUTION = "P000115000001"
PREFIX = "P000115000001262"


@dataclass
class SmallRegister:
    """One institution and one batch, with verbs to fill it. ``store`` is open for writing."""

    store: WriteStore
    institution: InstitutionRecord
    batch: BatchRecord

    @classmethod
    def founded(cls, store: WriteStore) -> SmallRegister:
        """The institution and the batch, stored in an empty register."""
        institution = InstitutionRecord(
            INSTITUTION, CertificateKind.ASSESSMENT, "12150000MB0012343X", "15", "0001", 1, NOW
        )
        name = InstitutionNameRecord(INSTITUTION, DAY, "北疆数字技术评价中心")
        batch = BatchRecord(
            "batch-1", INSTITUTION, "第二批", BatchState.IMPORTED, digest("file"), digest("rows"), "李明", NOW
        )
        with store.transaction() as tx:
            scope_id = take_ids(tx, "scope", 1).start
            scope = ScopeRecord(
                *(scope_id, INSTITUTION, "smart-manufacturing", (1, "其他"), ("junior", "intermediate")),
                *(None, date(2024, 1, 1), date(2027, 12, 31), "第二批", None, NOW),
            )
            add_institution(tx, institution, name, [scope], [SiteRecord(INSTITUTION, "01", DAY, "主考点", "150100")])
            add_batch(tx, batch)
        return cls(store, institution, batch)

    @contextmanager
    def refuses(self, code: str) -> Iterator[WriteTransaction]:
        """A transaction that must fail with a code."""
        with pytest.raises(KezhengError, match=f"^{code}( |$)"), self.store.transaction() as tx:
            yield tx

    def add_people(self, tx: WriteTransaction, count: int) -> list[int]:
        person_ids = take_ids(tx, "person", count)
        documents = [
            PersonDocumentRecord(document, person, "居民身份证", digest(person), b"c" * 55, b"key no 1")
            for document, person in zip(take_ids(tx, "person_document", count), person_ids, strict=True)
        ]
        add_persons(tx, documents)
        return list(person_ids)

    def add_rows(self, tx: WriteTransaction, person_ids: Sequence[int], first_sheet_row: int = 2) -> list[int]:
        row_ids = take_ids(tx, "roster_row", len(person_ids))
        rows = [
            self.row(row_id, person_id, first_sheet_row + place)
            for place, (row_id, person_id) in enumerate(zip(row_ids, person_ids, strict=True))
        ]
        add_roster_rows(tx, rows)
        return list(row_ids)

    def row(self, row_id: int, person_id: int, sheet_row: int) -> RosterRowRecord:
        return RosterRowRecord(
            id=row_id,
            batch_id=self.batch.id,
            sheet_row=sheet_row,
            person_id=person_id,
            name="张小明",
            id_type="居民身份证",
            number_ciphertext=b"n" * 55,
            private_ciphertext=None,
            key_id=b"key no 1",
            occupation_id="smart-manufacturing",
            occupation_code="2-02-38-05",
            direction_number=1,
            direction_text=None,
            grade=Grade.INTERMEDIATE,
            theory=6050,
            ability=7800,
            assessed_on=DAY,
            site_code=None,
            training_certificate_number=None,
            official_number=None,
            extra={"序号": "1"},
            result="pass",
        )

    def new_certificates(
        self, tx: WriteTransaction, person_ids: Sequence[int], row_ids: Sequence[int]
    ) -> list[NewCertificate]:
        count = len(person_ids)
        ids, serials = take_ids(tx, "certificate", count), take_serials(tx, PREFIX, count)
        places = take_status_places(tx, count)
        return [
            NewCertificate(
                id=ids[i],
                number=f"{PREFIX}{serials[i]:06d}M",
                batch_id=self.batch.id,
                roster_row_id=row_ids[i],
                institution_code=self.institution.code,
                person_id=person_ids[i],
                occupation_id="smart-manufacturing",
                direction_key="1",
                grade=Grade.INTERMEDIATE,
                kind=CertificateKind.ASSESSMENT,
                prefix=PREFIX,
                serial=serials[i],
                status_index=places[i],
                assessed_on=DAY,
            )
            for i in range(count)
        ]

    def reserve(self, count: int) -> list[NewCertificate]:
        """New people, rows and certificates, committed."""
        with self.store.transaction() as tx:
            person_ids = self.add_people(tx, count)
            rows = self.add_rows(tx, person_ids, first_sheet_row=person_ids[0] + 1)
            certificates = self.new_certificates(tx, person_ids, rows)
            reserve_certificates(tx, certificates)
        return certificates


def digest(value: object) -> bytes:
    return hashlib.sha256(str(value).encode()).digest()
