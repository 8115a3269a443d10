"""The entries after the database, taken up in their order: certificates, changes of status, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from certs.log_entry import DIGEST_LENGTH, EntryKind, LogEntry, read_entry, subject_of
from certs.signing_key import KID_LENGTH
from registry.home import Home
from registry.recovering.archived import Archived
from registry.recovering.certificates import Paper, PaperCheck, restore_certificates
from registry.recovering.known_history import History
from registry.recovering.statuses import ChangeSources, RestoredChange, restore_change
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.log_store import LogEntryRecord, add_entries, advance_tree
from registry.store.recovery_writes import LostCertificate, add_lost_certificates, signed_tree
from registry.store.roster_store import RosterRowRecord, roster_rows
from registry.store.rows import chunks

CHUNK = 1_000
_NO_SUBJECT = bytes(DIGEST_LENGTH)
Placed = tuple[int, LogEntry]


@dataclass(slots=True)
class Replayed:
    """What came back, in the order of the register: papers, certificates of which nothing is known, changes.

    ``unknown_changes`` are the places of changes to certificates that are lost.
    """

    papers: list[Paper] = field(default_factory=list)
    lost: list[LostCertificate] = field(default_factory=list)
    changes: list[RestoredChange] = field(default_factory=list)
    unknown_changes: list[int] = field(default_factory=list)


def restore_entries(tx: WriteTransaction, history: History) -> None:
    """Store the entries and move the tree on, as it was when the last of them was entered."""
    read = [(place, entry, read_entry(entry)) for place, entry in enumerate(history.entries, history.before.size)]
    records = [LogEntryRecord(place, each.kind, subject_of(each) or _NO_SUBJECT, entry) for place, entry, each in read]
    newest_ms = max([history.before.newest_ms, *(each.logged_ms for _, _, each in read)])
    advance_tree(tx, history.before, history.size, history.after.root(), newest_ms)
    add_entries(tx, records, history.tiles)
    if history.signed is not None and history.signed.checkpoint.size > history.before.note_size:
        signed_tree(tx, history.signed.checkpoint.size, history.signed.note)


def replay(home: Home, tx: WriteTransaction, history: History, archived: Archived, now: datetime) -> Replayed:
    """Put back what the entries are about. Raises KezhengError ``recover_conflict``."""
    check = PaperCheck(history.newest.trust, home.layouts, _rows(tx, archived))
    sources, done = ChangeSources(archived.changes, history.status), Replayed()
    for kind, stretch in _stretches(history):
        if kind == EntryKind.CERTIFICATE:
            # Piece by piece: a server ends a transaction in which nothing is asked of it for long.
            for part in chunks(stretch, CHUNK):
                papers, lost = _replay_certificates(tx, part, check, archived, now)
                done.papers += papers
                done.lost += lost
        elif kind == EntryKind.STATUS:
            for place, entry in stretch:
                change = restore_change(home, tx, place, entry, sources)
                if change is None:
                    done.unknown_changes.append(place)
                else:
                    done.changes.append(change)
    return done


def _replay_certificates(
    tx: WriteTransaction, stretch: Sequence[Placed], check: PaperCheck, archived: Archived, now: datetime
) -> tuple[list[Paper], list[LostCertificate]]:
    papers, lost = [], []
    for place, entry in stretch:
        found = archived.certificates.get(place)
        paper = None if found is None else check.paper(found, entry)
        if paper is None:
            lost.append(LostCertificate(place, entry.body[KID_LENGTH:], entry.body[:KID_LENGTH], now))
        else:
            papers.append(paper)
    add_lost_certificates(tx, lost)
    for chunk in _with_each_number_once(papers):
        restore_certificates(tx, chunk)
    return papers, lost


def _with_each_number_once(papers: Sequence[Paper]) -> Iterator[list[Paper]]:
    """Chunks in which no number comes twice: the second paper of a number is put back after the first."""
    chunk: list[Paper] = []
    numbers: set[str] = set()
    for paper in papers:
        if paper.claims.number in numbers:
            yield chunk
            chunk, numbers = [], set()
        chunk.append(paper)
        numbers.add(paper.claims.number)
    if chunk:
        yield chunk


def _stretches(history: History) -> Iterator[tuple[int, list[Placed]]]:
    """Entries of one kind that stand together but for kinds which put nothing back."""
    kinds = (EntryKind.CERTIFICATE, EntryKind.STATUS)
    stretch: list[Placed] = []
    for place, content in enumerate(history.entries, history.before.size):
        entry = read_entry(content)
        if entry.kind not in kinds:
            continue
        if stretch and entry.kind != stretch[0][1].kind:
            yield stretch[0][1].kind, stretch
            stretch = []
        stretch.append((place, entry))
    if stretch:
        yield stretch[0][1].kind, stretch


def _rows(tx: ReadTransaction, archived: Archived) -> dict[tuple[str, int], RosterRowRecord]:
    batches = {found.batch_id for found in archived.certificates.values()}
    return {(row.batch_id, row.sheet_row): row for batch in sorted(batches) for row in roster_rows(tx, batch)}
