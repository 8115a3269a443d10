"""Importing a roster: workbook → candidates with all faults → stored whole, or not at all.

A dry run looks only at the file and at the own institution's certificates, so that nobody learns from it who is
certified elsewhere; the look across the register comes with the submission and names no institution.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from certs.authority import Subject, judge_authority
from certs.candidate import Candidate, rows_digest
from certs.errors import KezhengError
from certs.grades import Grade
from certs.institution import InstitutionRecord
from certs.roster import RosterReading, read_roster
from certs.roster_context import RosterContext
from certs.roster_fault import Fault
from certs.roster_findings import WARNINGS
from certs.roster_held import ALREADY, Held, TrainingCertificate, candidate_faults, held_finding, training_finding
from certs.sheet import Workbook
from certs.timestamps import shanghai_day
from registry.directory import require_institution
from registry.home import Home
from registry.issuing.reserve import direction_key
from registry.issuing.roster_workbook import read_workbook
from registry.issuing.stored_rows import Replacement, row_record
from registry.rendering.glyph_coverage import missing_glyphs
from registry.store.audit_store import record_act
from registry.store.batch_store import BatchRecord, add_batch, batch_by_file_digest, batch_by_id
from registry.store.certificate_store import certificates_by_number, live_certificates
from registry.store.counter_store import take_ids
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.person_store import (
    PersonDocumentRecord,
    add_document,
    add_persons,
    persons_by_blind_index,
)
from registry.store.roster_store import add_roster_rows
from registry.store.states import BatchState, CertificateState

PERSON_TABLE = "person_document"
PERSON_COLUMN = "number_ciphertext"


@dataclass(frozen=True, slots=True)
class CheckedRoster:
    """A roster with everything wrong and worth saying about it."""

    workbook: Workbook
    reading: RosterReading
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


class RosterRefused(KezhengError):
    """A roster with faults: nothing was stored."""

    def __init__(self, checked: CheckedRoster) -> None:
        super().__init__("roster_has_faults", count=len(checked.faults))
        self.checked = checked


def check_roster(home: Home, content: bytes, institution_code: str, label: str, now: datetime) -> CheckedRoster:
    """A dry run. Raises KezhengError ``institution_unknown``."""
    with home.store.reading() as tx:
        institution = require_institution(tx, institution_code)
        return _check(home, tx, content, institution, label, now, own_only=True)


def import_roster(
    home: Home, content: bytes, institution_code: str, label: str, operator: str, now: datetime
) -> BatchRecord:
    """Store a roster without faults as a batch. The same file again is the same batch.

    Raises RosterRefused with all faults, KezhengError ``institution_unknown``. A refusal that tells who is certified
    already is on record: who asks for many people learns it under a name.
    """
    try:
        return _import(home, content, institution_code, label, operator, now)
    except RosterRefused as refused:
        _record_what_was_told(home, institution_code, operator, refused.checked, now)
        raise


def _record_what_was_told(
    home: Home, institution_code: str, operator: str, checked: CheckedRoster, now: datetime
) -> None:
    told = sum(fault.code == ALREADY for fault in checked.faults)
    if told:
        with home.store.transaction() as tx:
            record_act(tx, now, operator, "roster_refused", institution_code, already_certified=told)


def _import(
    home: Home, content: bytes, institution_code: str, label: str, operator: str, now: datetime
) -> BatchRecord:
    digest = hashlib.sha256(content).digest()
    with home.store.transaction() as tx:
        institution = require_institution(tx, institution_code)
        known = batch_by_file_digest(tx, institution_code, digest)
        if known is not None and (batch := batch_by_id(tx, known)) is not None:
            return batch
        checked = _check(home, tx, content, institution, label, now, own_only=False)
        if checked.faults:
            raise RosterRefused(checked)
        batch = BatchRecord(
            id=new_batch_id(now),
            institution_code=institution_code,
            label=label,
            state=BatchState.IMPORTED,
            file_digest=digest,
            rows_digest=rows_digest(checked.reading.candidates),
            operator=operator,
            imported_at=now,
        )
        add_batch(tx, batch)
        store_candidates(home, tx, batch.id, checked.reading.candidates)
        record_act(tx, now, operator, "roster_imported", batch.id, rows=len(checked.reading.candidates))
        return batch


def new_batch_id(now: datetime) -> str:
    """``B20261120-3f2a9c01de``: the day for people, the rest by chance."""
    return f"B{shanghai_day(now):%Y%m%d}-{uuid.uuid4().hex[:10]}"


def store_candidates(
    home: Home,
    tx: WriteTransaction,
    batch_id: str,
    candidates: Sequence[Candidate],
    replaces: Replacement | None = None,
) -> None:
    """Store candidates as rows, and as people where they are new. ``replaces`` is given with a single correction."""
    blind = {c.id_document.person_key: _blind(home, c) for c in candidates}
    persons = persons_by_blind_index(tx, blind.values())
    new = {key: index for key, index in blind.items() if index not in persons}
    persons |= _add_persons(home, tx, new, {c.id_document.person_key: c for c in candidates})
    ids = take_ids(tx, "roster_row", len(candidates))
    add_roster_rows(
        tx,
        [
            row_record(c, row_id, batch_id, persons[blind[c.id_document.person_key]], home.keyring.cipher, replaces)
            for row_id, c in zip(ids, candidates, strict=True)
        ],
    )


def adopt_document(home: Home, tx: WriteTransaction, person_id: int, candidate: Candidate) -> None:
    """Record a further document of a person. Raises KezhengError ``person_of_other_document`` when it is another's."""
    index = _blind(home, candidate)
    owner = persons_by_blind_index(tx, [index]).get(index)
    if owner is not None and owner != person_id:
        raise KezhengError("person_of_other_document")
    if owner is None:
        document_id = take_ids(tx, PERSON_TABLE, 1).start
        add_document(tx, _document_record(home, document_id, person_id, index, candidate))


def _document_record(
    home: Home, document_id: int, person_id: int, index: bytes, candidate: Candidate
) -> PersonDocumentRecord:
    cipher, number = home.keyring.cipher, candidate.id_document.number
    return PersonDocumentRecord(
        id=document_id,
        person_id=person_id,
        id_type=candidate.id_document.type.value,
        blind_index=index,
        number_ciphertext=cipher.seal(PERSON_TABLE, PERSON_COLUMN, document_id, number),
        key_id=cipher.current_key_id,
    )


def _add_persons(
    home: Home, tx: WriteTransaction, new: Mapping[str, bytes], candidates: Mapping[str, Candidate]
) -> dict[bytes, int]:
    person_ids = take_ids(tx, "person", len(new))
    document_ids = take_ids(tx, PERSON_TABLE, len(new))
    documents = [
        _document_record(home, document_id, person_id, index, candidates[key])
        for (key, index), person_id, document_id in zip(new.items(), person_ids, document_ids, strict=True)
    ]
    add_persons(tx, documents)
    return {document.blind_index: document.person_id for document in documents}


def _check(
    home: Home,
    tx: ReadTransaction,
    content: bytes,
    institution: InstitutionRecord,
    label: str,
    now: datetime,
    *,
    own_only: bool,
) -> CheckedRoster:
    workbook = _read(content)
    reading = read_roster(workbook, roster_context(home, institution, now, label))
    found = _register_faults(home, tx, reading.candidates, institution, own_only=own_only)
    faults = reading.faults + tuple(fault for fault in found if fault.code not in WARNINGS)
    warnings = reading.warnings + tuple(fault for fault in found if fault.code in WARNINGS)
    return CheckedRoster(workbook, reading, _by_row(faults), _by_row(warnings))


def _read(content: bytes) -> Workbook:
    """The workbook; a file that is none becomes an empty one with the fault of the whole file."""
    try:
        return read_workbook(content)
    except KezhengError as error:
        return Workbook([], [(error.code, error.params)])


def roster_context(home: Home, institution: InstitutionRecord, now: datetime, label: str) -> RosterContext:
    """What a roster of an institution is judged against when it would be issued now."""
    limits = home.settings.limits

    @cache
    def judge_scope(occupation: str, direction: str | None, grade: Grade, region: str | None, day: date) -> str | None:
        subject = Subject(institution.kind, occupation, direction, grade, region, day)
        finding = judge_authority(institution, subject, now, limits)
        return None if finding.passed else finding.code

    return RosterContext(
        institution_code=institution.code,
        kind=institution.kind,
        today=shanghai_day(now),
        catalogue=home.catalogue,
        scope_fault=judge_scope,
        sites=institution.sites,
        missing_glyphs=missing_glyphs,
        max_assessment_age_days=limits.assessment_window_days,
        default_batch=label[:40],
    )


def _register_faults(
    home: Home, tx: ReadTransaction, candidates: Sequence[Candidate], institution: InstitutionRecord, *, own_only: bool
) -> list[Fault]:
    """What the register knows about the candidates: certificates they hold, and the training they name."""
    blind = {c.id_document.person_key: _blind(home, c) for c in candidates}
    known = persons_by_blind_index(tx, blind.values())
    persons = {key: known[index] for key, index in blind.items() if index in known}
    held: dict[int, list[Held]] = defaultdict(list)
    for live in live_certificates(tx, set(persons.values())):
        if not own_only or live.institution_code == institution.code:
            held[live.person_id].append(Held(live.occupation_id, live.direction_key, live.grade, live.kind))
    training = _training_certificates(tx, candidates)

    def person(candidate: Candidate) -> int | None:
        return persons.get(candidate.id_document.person_key)

    def judge_held(candidate: Candidate) -> str | None:
        certificates = held.get(person(candidate) or 0, [])
        return held_finding(candidate, direction_key(candidate.direction), institution.kind, certificates)

    def judge_training(candidate: Candidate) -> str | None:
        if not candidate.training_certificate:
            return None
        return training_finding(candidate, person(candidate), training.get(candidate.training_certificate))

    return candidate_faults(candidates, "id_number", judge_held) + candidate_faults(
        candidates, "training_certificate", judge_training
    )


def _training_certificates(tx: ReadTransaction, candidates: Sequence[Candidate]) -> dict[str, TrainingCertificate]:
    numbers = sorted({c.training_certificate for c in candidates if c.training_certificate})
    return {
        number: TrainingCertificate(found.person_id, found.occupation_id, found.grade)
        for number, found in certificates_by_number(tx, numbers).items()
        if number.startswith("T") and found.state is CertificateState.RELEASED
    }


def _blind(home: Home, candidate: Candidate) -> bytes:
    document = candidate.id_document
    return home.keyring.blind_index.of(document.type.value, document.person_key)


def _by_row(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.row or 0))
