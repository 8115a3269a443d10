"""Importing a roster: workbook → candidates with all faults → stored whole, or not at all.

A dry run looks only at the file and at the own institution's certificates, so that nobody learns from it who is
certified elsewhere; the look across the register comes with the submission and names no institution.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from certs.authority import Subject, judge_authority
from certs.candidate import rows_digest
from certs.errors import KezhengError
from certs.grades import Grade
from certs.institution import InstitutionRecord
from certs.roster import RosterReading, read_roster
from certs.roster_context import RosterContext
from certs.roster_fault import Fault
from certs.roster_findings import WARNINGS
from certs.roster_held import ALREADY
from certs.sheet import Workbook
from certs.timestamps import shanghai_day
from registry.directory import require_institution
from registry.home import Home
from registry.issuing.collector import collector_paused
from registry.issuing.register_faults import register_faults
from registry.issuing.roster_people import RosterPeople, look_up_people
from registry.issuing.roster_workbook import read_workbook
from registry.issuing.store_roster import SealedRoster, seal_roster, store_roster, take_roster_ids
from registry.rendering.glyph_coverage import missing_glyphs
from registry.store.audit_store import record_act
from registry.store.batch_store import BatchRecord, add_batch, batch_by_file_digest, batch_by_id
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.import_store import RegisterMark, is_touched_since, register_mark
from registry.store.states import BatchState


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
    with collector_paused():
        read = _read_rows(home, content, institution, label, now)
        with home.store.reading() as tx:
            people = look_up_people(home, tx, read.rows.candidates)
            return _checked(tx, read, people, institution, own_only=True)


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
    """Read and check before the register is held for writing: that takes seconds, and others wait for it."""
    digest = hashlib.sha256(content).digest()
    with home.store.reading() as tx:
        institution = require_institution(tx, institution_code)
        known = _known_batch(tx, institution_code, digest)
    if known is not None:
        return known
    with collector_paused():
        reading = _read_rows(home, content, institution, label, now)
        candidates = reading.rows.candidates
        with home.store.reading() as tx:
            looked_up = _look_up(home, tx, reading, institution)
        batch = BatchRecord(
            id=new_batch_id(now),
            institution_code=institution_code,
            label=label,
            state=BatchState.IMPORTED,
            file_digest=digest,
            rows_digest=rows_digest(candidates),
            operator=operator,
            imported_at=now,
        )
        with home.store.transaction() as tx:
            ids = take_roster_ids(tx, len(candidates), len(looked_up.people.new(candidates)))
        sealed = seal_roster(home, batch.id, candidates, looked_up.people, ids)
        with home.store.transaction() as tx:
            known = _known_batch(tx, institution_code, digest)
            if known is not None:
                return known
            if require_institution(tx, institution_code) != institution or _is_outdated(tx, looked_up):
                sealed = _again(home, tx, batch, reading, now)
            add_batch(tx, batch)
            store_roster(home, tx, sealed)
            record_act(tx, now, operator, "roster_imported", batch.id, rows=len(candidates))
            return batch


class _Read(NamedTuple):
    """A workbook and what its rows are."""

    workbook: Workbook
    rows: RosterReading


class _LookedUp(NamedTuple):
    """What the register knew of the people of a roster when it was at a mark."""

    people: RosterPeople
    mark: RegisterMark


def _known_batch(tx: ReadTransaction, institution_code: str, digest: bytes) -> BatchRecord | None:
    """The batch of the very same file."""
    known = batch_by_file_digest(tx, institution_code, digest)
    return None if known is None else batch_by_id(tx, known)


def _look_up(home: Home, tx: ReadTransaction, read: _Read, institution: InstitutionRecord) -> _LookedUp:
    """Raises RosterRefused with what is wrong in the file and what the register has against it."""
    mark, people = register_mark(tx), look_up_people(home, tx, read.rows.candidates)
    checked = _checked(tx, read, people, institution, own_only=False)
    if checked.faults:
        raise RosterRefused(checked)
    return _LookedUp(people, mark)


def _is_outdated(tx: ReadTransaction, looked_up: _LookedUp) -> bool:
    """Whether the register has learnt anything of these people since."""
    people, mark = looked_up
    return is_touched_since(tx, mark, frozenset(people.blind), frozenset(people.known.values()))


def _again(home: Home, tx: WriteTransaction, batch: BatchRecord, read: _Read, now: datetime) -> SealedRoster:
    """Check and seal once more, now that nobody else can change anything. Raises RosterRefused."""
    institution = require_institution(tx, batch.institution_code)
    rows = read_roster(read.workbook, roster_context(home, institution, now, batch.label))
    people = _look_up(home, tx, _Read(read.workbook, rows), institution).people
    ids = take_roster_ids(tx, len(rows.candidates), len(people.new(rows.candidates)))
    return seal_roster(home, batch.id, rows.candidates, people, ids)


def new_batch_id(now: datetime) -> str:
    """``B20261120-3f2a9c01de``: the day for people, the rest by chance."""
    return f"B{shanghai_day(now):%Y%m%d}-{uuid.uuid4().hex[:10]}"


def _read_rows(home: Home, content: bytes, institution: InstitutionRecord, label: str, now: datetime) -> _Read:
    workbook = _read(content)
    return _Read(workbook, read_roster(workbook, roster_context(home, institution, now, label)))


def _checked(
    tx: ReadTransaction, read: _Read, people: RosterPeople, institution: InstitutionRecord, *, own_only: bool
) -> CheckedRoster:
    found = register_faults(tx, read.rows.candidates, people, institution, own_only=own_only)
    faults = read.rows.faults + tuple(fault for fault in found if fault.code not in WARNINGS)
    warnings = read.rows.warnings + tuple(fault for fault in found if fault.code in WARNINGS)
    return CheckedRoster(read.workbook, read.rows, _by_row(faults), _by_row(warnings))


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


def _by_row(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.row or 0))
