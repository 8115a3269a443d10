"""``kezheng recover``: a database from a backup is brought to where the register is, or left exactly as it was.

Everything happens in one transaction, after which nothing that was ever given out can be given out again: only then
does issuing go on. A second run finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from certs.errors import KezhengError
from certs.evidence import STATUS_FILE
from certs.grades import Grade
from certs.log_entry import EntryKind, read_entry
from certs.status_list import entry_to_json
from certs.timestamps import shanghai_day
from registry.checking import is_bare_log
from registry.home import Home
from registry.log_source import LogSource, open_log_source
from registry.publishing.log_folder import read_log_file
from registry.publishing.publish_status import publish_status_list
from registry.recovering.archived import Archived, read_archive
from registry.recovering.batches import restore_acts, restore_batches
from registry.recovering.counters import Moved, Series, move_counters, numbers_of_status
from registry.recovering.known_history import History, bare_source, known_history, own_source
from registry.recovering.listings import RestoredListings, restore_listings
from registry.recovering.replay import Replayed, replay, restore_entries
from registry.recovering.unfinished import RestoredBatch, settle_batches
from registry.store.audit_store import record_act
from registry.store.engine import WriteTransaction
from registry.store.log_store import hold_tree, read_tree
from registry.store.recovery_reads import newest_version
from registry.store.recovery_writes import LostStatus, add_lost_statuses, known_status_indices

VERSIONS_SKIPPED = 1_000
"""Versions of the status file that may have been signed after the last one that left a trace."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery found and did; ``did`` None when the database was behind nothing.

    ``mended`` counts stretches of the archive that were missing or damaged and are written again.
    """

    history: History
    archived: Archived
    dry_run: bool
    did: Work | None
    mended: int


@dataclass(frozen=True, slots=True)
class Work:
    """What was put back, and where everything that counts stands now."""

    listings: RestoredListings
    replayed: Replayed
    batches: list[RestoredBatch]
    moved: Moved
    lost_statuses: int
    has_newest_list: bool


class _DryRun(Exception):
    """Ends the transaction of a dry run, so that nothing of it stays."""


def recover(home: Home, where: str | None, now: datetime, by: str, *, dry_run: bool, accept_lost: bool) -> Recovered:
    """Bring the database to where archive and published register are. ``where``: a mirror, as folder or address.

    Raises KezhengError ``recover_incomplete`` when something of the register cannot be brought back and that is not
    accepted, ``recover_forked``, ``recover_entries_missing``, ``recover_conflict``, ``log_rollback`` when a witness
    still goes further, ``archive_unreachable``. Then the database is as it was.
    """
    with home.store.reading() as tx, _sources(home, where) as sources:
        archived = read_archive(home.settings.archive_folder, read_tree(tx).size, home.keyring.cipher)
        history = known_history(home, tx, sources, archived)
        is_behind = bool(history.entries) or _status_version(history, archived) > newest_version(tx, STATUS_FILE)
    work: list[Work] = []
    try:
        if is_behind:
            with home.store.transaction() as writing:
                work.append(_recover(home, writing, history, archived, now, by))
                _require_accepted(work[0], accept_lost or dry_run)
                if dry_run:
                    raise _DryRun
                _publish(home, writing, history, archived, now)
    except _DryRun:
        return Recovered(history, archived, dry_run, work[0], 0)
    if dry_run:
        return Recovered(history, archived, dry_run, None, 0)
    home.publish_log()
    return Recovered(history, archived, dry_run, work[0] if work else None, _mend(home, archived))


def _mend(home: Home, archived: Archived) -> int:
    """Write what the archive lacks from the database, which has all of it now."""
    with home.store.reading() as tx:
        damaged = [range(block.start, block.stop) for block in archived.damaged]
        stretches = damaged + home.archive.missing(read_tree(tx).size)
        for stretch in stretches:
            home.archive.write_again(tx, stretch)
    return len(stretches)


@contextmanager
def _sources(home: Home, where: str | None) -> Iterator[list[LogSource]]:
    """The home's own files, and the mirror."""
    own = own_source(home)
    if where is None:
        yield [own]
    elif is_bare_log(Path(where)):
        yield [own, bare_source(Path(where), lambda path: read_log_file(Path(where), path))]
    else:
        with open_log_source(where) as source:
            yield [own, source]


def _recover(
    home: Home, tx: WriteTransaction, history: History, archived: Archived, now: datetime, by: str
) -> Work:
    if hold_tree(tx) != history.before:
        raise KezhengError("log_contended")
    listings = restore_listings(tx, history.newest, now)
    restore_entries(tx, history)
    approved = restore_batches(home, tx, archived)
    restore_acts(tx, archived)
    replayed = replay(home, tx, history, archived, now)
    lost_statuses = _keep_lost_statuses(tx, history, now)
    numbers = [paper.claims.number for paper in replayed.papers] + numbers_of_status(history.status)
    moved = move_counters(home, tx, numbers, _uncertain(home, history, replayed, now), _batches(history), now)
    batches = settle_batches(home, tx, replayed.papers, approved, now)
    counts = {"entries": len(history.entries), "certificates": len(replayed.papers), "lost": len(replayed.lost)}
    record_act(tx, now, by, "recovered", "registry", **counts)
    return Work(listings, replayed, batches, moved, lost_statuses, _has_newest_list(history))


def _keep_lost_statuses(tx: WriteTransaction, history: History, now: datetime) -> int:
    """What the status file says of indices that no certificate here has goes on being published."""
    entries = {} if history.status is None else history.status.entries
    known = known_status_indices(tx, sorted(entries))
    lost = [LostStatus(index, entry_to_json(entry), now) for index, entry in entries.items() if index not in known]
    add_lost_statuses(tx, lost)
    return len(lost)


def _uncertain(home: Home, history: History, replayed: Replayed, now: datetime) -> list[Series]:
    """The series in which numbers are unknown: all of the institutions of lost certificates, since the backup."""
    keys = history.newest.trust.keys
    codes = {keys[lost.kid].institution.code for lost in replayed.lost if lost.kid in keys}
    places = {lost.leaf_index - history.before.size for lost in replayed.lost}
    first = min((read_entry(history.entries[place]).logged_at for place in places), default=now)
    years = range(shanghai_day(first).year, shanghai_day(now).year + 1)
    grades: tuple[Grade | None, ...] = tuple(Grade) if home.layout.has_grade else (None,)
    return [Series(code, year, grade) for code in sorted(codes) for year in years for grade in grades]


def _batches(history: History) -> int:
    """How many batches may have taken numbers that the database does not know: those approved since, and one before."""
    kinds = [read_entry(entry).kind for entry in history.entries]
    return 1 + kinds.count(EntryKind.APPROVAL)


def _has_newest_list(history: History) -> bool:
    """Whether the trust list that was entered last is at hand: else changes of listings and keys are missing."""
    read = [read_entry(entry) for entry in history.entries]
    last = next((entry for entry in reversed(read) if entry.kind == EntryKind.TRUST_LIST), None)
    return last is None or last.body == sha256(history.newest.token).digest()


def _require_accepted(work: Work, is_accepted: bool) -> None:
    if not is_accepted and (work.replayed.lost or not work.has_newest_list):
        raise KezhengError("recover_incomplete", count=len(work.replayed.lost))


def _status_version(history: History, archived: Archived) -> int:
    return max(archived.status_version, 0 if history.status is None else history.status.version)


def _publish(home: Home, tx: WriteTransaction, history: History, archived: Archived, now: datetime) -> None:
    """Sign lists that come after all that were ever signed, and enter them."""
    signer = home.keyring.signer_of(home.delegated(tx).status_key)
    known: Sequence[int] = (_status_version(history, archived), newest_version(tx, STATUS_FILE))
    publish_status_list(tx, signer, home.settings, now, at_least=max(known) + VERSIONS_SKIPPED)
    home.publish_trust(tx, now)
