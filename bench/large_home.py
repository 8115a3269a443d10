"""A register as it is after years: as many released certificates as asked, put into a home's tables and its log.

What fills it was never signed: rows and entries have the size and the keys of real ones, and nobody verifies them.
Everything that is measured afterwards is real: issued, logged, published and verified beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from bench.sample import ASSESSED_ON, OCCUPATION
from bench.sample_home import now
from certs.certificate_number import format_number, number_prefix
from certs.grades import CertificateKind, Grade
from certs.log_entry import certificate_body
from certs.occupations import catalogue
from certs.timestamps import shanghai_day
from registry.home import Home
from registry.store.batch_store import BatchRecord, add_batch
from registry.store.certificate_states import LoggedCertificate, PreparedCertificate, SignedCertificate
from registry.store.certificate_store import NewCertificate, reserve_certificates
from registry.store.certificate_tables import CERTIFICATE_LOGGED, CERTIFICATE_PREPARED, CERTIFICATE_SEALED
from registry.store.counter_store import take_ids, take_serials, take_status_places
from registry.store.engine import WriteTransaction
from registry.store.person_store import PersonDocumentRecord, add_persons
from registry.store.roster_store import RosterRowRecord, add_roster_rows
from registry.store.rows import insert_records
from registry.store.states import BatchState, CertificateState

PIECE = 50_000
PER_PREFIX = 900_000
"""Serials of one prefix that are filled at most; the number has six digits for them."""
KID = b"filler.."
_ENVELOPE = b"\xd2" + bytes(161)
_TO_BE_SIGNED = bytes(130)
_CIPHERTEXT = bytes(55)


class _Rows(NamedTuple):
    """Ids and numbers of one piece."""

    persons: range
    documents: range
    rows: range
    certificates: range
    prefix: str
    serials: range
    places: Sequence[int]


def fill(home: Home, codes: Sequence[str], count: int, progress: Callable[[int], None], start: int = 0) -> None:
    """Put ``count`` released certificates of these institutions into a home that was given ``start`` of them before.

    The register is published at the end.
    """
    done = 0
    while done < count:
        taken = min(PIECE, count - done)
        with home.store.transaction() as tx:
            _add_piece(home, tx, codes[(start + done) // PER_PREFIX], taken, now())
        done += taken
        progress(done)
    home.publish_log()


def institutions_for(count: int) -> int:
    """How many institutions a register of so many certificates needs."""
    return -(-count // PER_PREFIX)


def _add_piece(home: Home, tx: WriteTransaction, code: str, count: int, at: datetime) -> None:
    prefix = number_prefix(
        home.layout, institution_code=code, issued_year=shanghai_day(at).year, grade=Grade.INTERMEDIATE
    )
    tables = ("person", "person_document", "roster_row", "certificate")
    rows = _Rows(
        *(take_ids(tx, table, count) for table in tables),
        prefix,
        take_serials(tx, prefix, count),
        home.keyring.status_indices(take_status_places(tx, count)),
    )
    batch = _batch(code, rows, at)
    add_batch(tx, batch)
    add_persons(tx, [_document(*ids) for ids in zip(rows.documents, rows.persons, strict=True)])
    add_roster_rows(tx, _roster_rows(batch, rows))
    reserve_certificates(tx, _certificates(home, batch, rows))
    _add_papers(home, tx, rows, at)


def _batch(code: str, rows: _Rows, at: datetime) -> BatchRecord:
    name = f"filler-{rows.certificates.start}"
    digest = hashlib.sha256(name.encode()).digest()
    return BatchRecord(name, code, "bench", BatchState.RELEASED, digest, digest, "bench", at)


def _document(document: int, person: int) -> PersonDocumentRecord:
    blind = hashlib.sha256(b"filler person %d" % person).digest()
    return PersonDocumentRecord(document, person, "居民身份证", blind, _CIPHERTEXT, KID)


def _roster_rows(batch: BatchRecord, rows: _Rows) -> list[RosterRowRecord]:
    occupation = catalogue().by_id(OCCUPATION)
    same = (
        *(occupation.id, occupation.code_on(ASSESSED_ON).code, 1, None, Grade.INTERMEDIATE, 8000, 7550, ASSESSED_ON),
        *(None, None, None, None, "pass"),
    )
    return [
        RosterRowRecord(row, batch.id, place, person, "张小明", "居民身份证", _CIPHERTEXT, None, KID, *same)
        for place, (row, person) in enumerate(zip(rows.rows, rows.persons, strict=True), 2)
    ]


def _certificates(home: Home, batch: BatchRecord, rows: _Rows) -> list[NewCertificate]:
    code, year = batch.institution_code, shanghai_day(batch.imported_at).year
    taken = zip(rows.certificates, rows.rows, rows.persons, rows.serials, rows.places, strict=True)
    return [
        NewCertificate(
            id=certificate,
            number=format_number(
                home.layout, institution_code=code, issued_year=year, grade=Grade.INTERMEDIATE, serial=serial
            ),
            batch_id=batch.id,
            roster_row_id=row,
            institution_code=code,
            person_id=person,
            occupation_id=catalogue().by_id(OCCUPATION).id,
            direction_key="1",
            grade=Grade.INTERMEDIATE,
            kind=CertificateKind.ASSESSMENT,
            prefix=rows.prefix,
            serial=serial,
            status_index=place,
            assessed_on=ASSESSED_ON,
            state=CertificateState.RELEASED,
        )
        for certificate, row, person, serial, place in taken
    ]


def _add_papers(home: Home, tx: WriteTransaction, rows: _Rows, at: datetime) -> None:
    """What was to be signed, what stands for an envelope, and its entry in the register."""
    issued_at = at.replace(microsecond=0)
    envelopes = [_ENVELOPE[:-8] + certificate.to_bytes(8, "big") for certificate in rows.certificates]
    digests = [hashlib.sha256(envelope).digest() for envelope in envelopes]
    appended = home.log(tx, [certificate_body(KID, digest) for digest in digests], at)
    prepared = [PreparedCertificate(each, _TO_BE_SIGNED, KID, issued_at) for each in rows.certificates]
    signed = map(SignedCertificate, rows.certificates, envelopes, digests)
    logged = (
        LoggedCertificate(certificate, appended.first_index + place, appended.at)
        for place, certificate in enumerate(rows.certificates)
    )
    insert_records(tx.connection, CERTIFICATE_PREPARED, prepared)
    insert_records(tx.connection, CERTIFICATE_SEALED, list(signed))
    insert_records(tx.connection, CERTIFICATE_LOGGED, list(logged))
