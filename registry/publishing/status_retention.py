"""How long versions of the status file, and of the lists derived from it, stay in the database.

Every change of a status signs a whole new version, so that without an end a register would keep each of them for ever.

Kept: the newest version and the newest public one (under a new status key the newest waits for its trust list), every
version that may still be used (somebody may have fetched it and ask where it came from), and one day more, whichever
clock is asked. What has ended goes, oldest first, and nothing that is younger than a version which is kept.

Nothing needs the others. A receipt brings the list that it rested on, with its proofs, and no entry of the register
names a status file. The state at an earlier time is told by the newest file, which has every event with its times.
`kezheng recover` takes the highest version from the archive and the published folder, and reasons from the newest
published file. Versions go on counting from the newest.

Trust lists, delegations, roots and data files are never removed: their digests are entries of the register, and the
archive and `kezheng recover` ask for the versions that those entries name.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile

from registry.publishing.documents import STATUS_FOLDER
from registry.store.document_store import newest_times, oldest_versions, remove_versions
from registry.store.engine import ReadTransaction, WriteStore

KEPT_AFTER_END = timedelta(days=1)
AT_ONCE = 16
"""Versions of a kind that one transaction removes: a status file may have megabytes, and writers wait meanwhile."""
MOST_TRANSACTIONS = 10


def forget_ended_status(store: WriteStore, now: datetime) -> bool:
    """Remove what has ended; whether all of it, or there is more for the next time. Nothing is locked where nothing is
    to be removed; several processes may do it at once.
    """
    for _ in range(MOST_TRANSACTIONS):
        with store.reading() as reading:
            if not _ended(reading, now):
                return True
        with store.transaction() as tx:
            # Looked at again: another process may have been here, or a version become the newest one.
            for kind, version in _ended(tx, now).items():
                remove_versions(tx, kind, version)
    return False


def _ended(tx: ReadTransaction, now: datetime) -> dict[str, int]:
    """The last version that may go, by kind."""
    last: dict[str, int] = {}
    for kind in newest_times(tx):
        if kind.startswith(STATUS_FOLDER):
            found = oldest_versions(tx, kind, AT_ONCE)
            ended = list(takewhile(lambda each: _has_ended(each.expires_at, now), found))
            if ended:
                last[kind] = ended[-1].version
    return last


def _has_ended(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at + KEPT_AFTER_END < now
