"""The rows of a batch as they were approved: read once, held against the approval, and kept small.

Everything that is issued and everything that is signed is made from these. They are read piece by piece, so that a
batch of a hundred thousand needs little memory, and kept in this process until the batch is finished: chunk after
chunk is made from the same rows, whatever becomes of the stored ones meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any, NamedTuple

import orjson

from certs.approval import check_still_approved
from certs.assessment import AssessmentResult
from certs.candidate import CandidateDetails, RowsDigest
from certs.errors import KezhengError
from certs.grades import Grade
from certs.id_document import id_tail
from certs.occupations import Catalogue
from keys.data_protection import FieldCipher
from registry.home import Home
from registry.issuing.collector import collector_paused
from registry.issuing.stored_rows import NUMBER_COLUMN, PRIVATE_COLUMN, TABLE, Replacement
from registry.store.approval_store import StoredRow, stored_rows
from registry.store.batch_store import BatchRecord
from registry.store.engine import ReadTransaction

MOST_KEPT = 400_000
"""Rows of unfinished batches that one process keeps."""
_OFFICIAL_NUMBER = CandidateDetails._fields.index("official_number")


class ApprovedSubject(NamedTuple):
    """What a row certifies, apart from the person: a batch has few. ``direction`` as certificates hold it."""

    occupation_id: str
    occupation_code: str
    direction: int | str | None
    direction_name: str | None
    grade: Grade
    assessed_on: date
    site_code: str | None


class ApprovedRow(NamedTuple):
    """What issuing needs of a row. ``person_id`` and ``replaces`` are the register's own and not in the approval."""

    id: int
    person_id: int
    name: str
    id_tail: str
    subject: ApprovedSubject
    earns_certificate: bool
    official_number: str | None
    replaces: Replacement | None


@dataclass(frozen=True, slots=True)
class ApprovedRows:
    """The rows of one batch by id, in the order of the sheet, and the numbers of certificates that they replace."""

    by_id: Mapping[int, ApprovedRow]
    replaced: frozenset[str]


def read_approved_rows(home: Home, tx: ReadTransaction, batch: BatchRecord) -> ApprovedRows:
    """The rows as approved, read now. Raises KezhengError ``approval_stale`` when one was changed, ``data_damaged``."""
    reader = ApprovalReader(home.keyring.cipher, home.catalogue)
    with collector_paused():
        for rows in stored_rows(tx, batch.id):
            reader.read(rows)
    check_still_approved(batch.rows_digest, reader.digest.value())
    replaced = frozenset(row.replaces.number for row in reader.rows.values() if row.replaces is not None)
    return ApprovedRows(reader.rows, replaced)


def kept_rows(home: Home, tx: ReadTransaction, batch: BatchRecord) -> ApprovedRows:
    """The rows as this process last read them, else read now; errors as `read_approved_rows`."""
    key = _key(home, batch)
    with _reading:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        return _keep(key, read_approved_rows(home, tx, batch))


def read_again(home: Home, tx: ReadTransaction, batch: BatchRecord) -> ApprovedRows:
    """The rows read now and kept; errors as `read_approved_rows`."""
    with _reading:
        return _keep(_key(home, batch), read_approved_rows(home, tx, batch))


def forget_rows(home: Home, batch: BatchRecord) -> None:
    """Let go of the rows of a batch that has ended."""
    with _reading:
        _kept.pop(_key(home, batch), None)


_Key = tuple[str, str, bytes]
_kept: OrderedDict[_Key, ApprovedRows] = OrderedDict()
_reading = Lock()


def _key(home: Home, batch: BatchRecord) -> _Key:
    return home.settings.database_url, batch.id, batch.rows_digest


def _keep(key: _Key, rows: ApprovedRows) -> ApprovedRows:
    _kept.pop(key, None)
    while _kept and sum(len(kept.by_id) for kept in (rows, *_kept.values())) > MOST_KEPT:
        _kept.popitem(last=False)
    _kept[key] = rows
    return rows


class ApprovalReader:
    """Takes rows in the order of the sheet; ``digest`` is of all that were taken."""

    def __init__(self, cipher: FieldCipher, catalogue: Catalogue) -> None:
        self._cipher = cipher
        self._catalogue = catalogue
        self._subjects: dict[tuple[Any, ...], ApprovedSubject] = {}
        self.rows: dict[int, ApprovedRow] = {}
        self.digest = RowsDigest()

    def read(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows with the fields of `StoredRow`."""
        self.digest.add([self._read(StoredRow._make(row)) for row in rows])

    def _read(self, row: StoredRow) -> list[object]:
        """Keep what issuing needs of a row; the array that stands for its candidate in the digest."""
        number = self._cipher.open(TABLE, NUMBER_COLUMN, row.id, row.number_ciphertext)
        private = orjson.loads(self._cipher.open_bytes(TABLE, PRIVATE_COLUMN, row.id, row.private_ciphertext or b""))
        subject = self._subject(row)
        self.rows[row.id] = ApprovedRow(
            row.id,
            row.person_id,
            row.name,
            id_tail(number),
            subject,
            row.result == AssessmentResult.PASSED,
            row.official_number,
            None if row.extra is None else Replacement(**row.extra),
        )
        return _digested(row, subject, number, private)

    def _subject(self, row: StoredRow) -> ApprovedSubject:
        direction = row.direction_text if row.direction_number is None else row.direction_number
        named = (row.occupation_id, row.occupation_code, direction, row.grade, row.assessed_on, row.site_code)
        found = self._subjects.get(named)
        return found or self._subjects.setdefault(named, self._new_subject(row, direction))

    def _new_subject(self, row: StoredRow, direction: int | str | None) -> ApprovedSubject:
        try:
            grade = Grade(row.grade)
        except ValueError as error:
            raise KezhengError("approval_stale") from error
        name = self._catalogue.by_id(row.occupation_id).direction_name(direction)
        return ApprovedSubject(
            row.occupation_id, row.occupation_code, direction, name, grade, row.assessed_on, row.site_code
        )


def _digested(row: StoredRow, subject: ApprovedSubject, number: str, private: dict[str, Any]) -> list[object]:
    """What `digested_row` makes of the row's candidate, without making the candidate."""
    private["details"][_OFFICIAL_NUMBER] = row.official_number or ""
    return [
        row.sheet_row,
        private["ordinal"],
        row.name,
        [row.id_type, number, *private["id"]],
        row.occupation_id,
        row.occupation_code,
        subject.direction,
        subject.direction_name,
        row.grade,
        row.theory,
        row.ability,
        row.result,
        row.assessed_on,
        row.training_certificate_number or "",
        row.site_code or "",
        private["details"],
    ]
