"""Taking numbers for an approved batch: every certificate of the batch in one transaction, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from certs.approval import check_still_approved
from certs.candidate import Candidate, rows_digest
from certs.certificate_number import Layout, number_prefix
from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.institution import InstitutionRecord
from certs.number_series import format_numbers
from certs.timestamps import shanghai_day
from registry.home import Home
from registry.issuing.approved_rows import ApprovedRow
from registry.issuing.stored_rows import Replacement, candidates_of
from registry.store.batch_store import BatchRecord, start_issuing
from registry.store.certificate_store import NewCertificate, certificate_by_number, reserve_certificates
from registry.store.counter_store import take_ids, take_serials, take_status_places
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.roster_store import RosterRowRecord, roster_rows

RowAndCandidate = tuple[RosterRowRecord, Candidate]


def approved_rows(home: Home, tx: ReadTransaction, batch: BatchRecord) -> list[RowAndCandidate]:
    """The rows of a batch as they were approved. Raises KezhengError ``approval_stale`` when one was changed since."""
    rows = roster_rows(tx, batch.id)
    candidates = candidates_of(rows, home.keyring.cipher, home.catalogue)
    check_still_approved(batch.rows_digest, rows_digest(candidates))
    return list(zip(rows, candidates, strict=True))


def reserve_batch(
    home: Home,
    tx: WriteTransaction,
    batch: BatchRecord,
    institution: InstitutionRecord,
    rows: Iterable[ApprovedRow],
    now: datetime,
) -> None:
    """approved → issuing, with a number and a status place for every row that earns a certificate.

    Raises KezhengError ``already_certified`` when a person has got the same certificate since the import;
    ``number_serial_out_of_range`` when the year's serials are used up. Nothing is reserved then.
    """
    start_issuing(tx, batch.id, rows_digest=batch.rows_digest, out_dir=batch.out_dir)
    reserve_rows(home, tx, batch, institution, [row for row in rows if row.earns_certificate], now)


def reserve_rows(
    home: Home,
    tx: WriteTransaction,
    batch: BatchRecord,
    institution: InstitutionRecord,
    rows: Sequence[ApprovedRow],
    now: datetime,
) -> None:
    """Take serials and places for rows, in the order of the sheet within each grade.

    A replacement does not hold its person's place until it takes it over from what it replaces.
    """
    places = iter(home.keyring.status_indices(take_status_places(tx, len(rows))))
    ids = iter(take_ids(tx, "certificate", len(rows)))
    by_grade: dict[Grade, list[ApprovedRow]] = defaultdict(list)
    for row in rows:
        by_grade[row.subject.grade].append(row)
    year = shanghai_day(now).year
    new: list[NewCertificate] = []
    for grade, graded in by_grade.items():
        numbers = _numbers(tx, home.layout, institution.code, year, grade, len(graded))
        new += [
            _new_certificate(tx, batch, institution.kind, row, next(ids), number, next(places))
            for row, number in zip(graded, numbers, strict=True)
        ]
    reserve_certificates(tx, new)


def _new_certificate(
    tx: ReadTransaction,
    batch: BatchRecord,
    kind: CertificateKind,
    row: ApprovedRow,
    certificate_id: int,
    number: _Number,
    status_index: int,
) -> NewCertificate:
    subject, replaces = row.subject, row.replaces
    # By position: a hundred thousand of them are made while the register is held.
    return NewCertificate(
        certificate_id,
        number.text,
        batch.id,
        row.id,
        batch.institution_code,
        row.person_id,
        subject.occupation_id,
        direction_key(subject.direction),
        subject.grade,
        kind,
        number.prefix,
        number.serial,
        status_index,
        subject.assessed_on,
        None if replaces is None else first_issued_on(tx, replaces),
        None if replaces is None else replaces.number,
        row.official_number,
        replaces is None,
    )


def first_issued_on(tx: ReadTransaction, replaces: Replacement) -> date:
    """The day on which the first of a chain of certificates was issued. Raises KezhengError ``certificate_unknown``."""
    old = certificate_by_number(tx, replaces.number)
    if old is None or old.issued_at is None:
        raise KezhengError("certificate_unknown", number=replaces.number)
    return old.first_issued_on or shanghai_day(old.issued_at)


def direction_key(direction: int | str | None) -> str:
    """A direction as one text, equal exactly for equal directions; empty where there is none."""
    return "" if direction is None else str(direction)


class _Number(NamedTuple):
    text: str
    prefix: str
    serial: int


def _numbers(
    tx: WriteTransaction, layout: Layout, code: str, year: int, grade: Grade, count: int
) -> list[_Number]:
    prefix = number_prefix(layout, institution_code=code, issued_year=year, grade=grade)
    serials = take_serials(tx, prefix, count)
    texts = format_numbers(layout, institution_code=code, issued_year=year, grade=grade, serials=serials)
    return [_Number(text, prefix, serial) for text, serial in zip(texts, serials, strict=True)]
