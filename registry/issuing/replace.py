"""What a release adds when certificates carry facts: corrections take over, and the status file says what is new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from certs.candidate import Candidate
from certs.evidence import Evidence
from certs.status import State
from registry.home import Home
from registry.issuing.stored_rows import replacement_of
from registry.status_changes import StatusChange, record_change
from registry.store.engine import WriteTransaction
from registry.store.issuing_store import Logged
from registry.store.roster_store import RosterRowRecord


def evidence_with_facts(home: Home, now: datetime) -> Evidence:
    """The evidence after the register's facts about signed certificates have been published."""
    with home.store.transaction() as tx:
        home.publish_status(tx, now)
        return home.evidence(tx)


def publish_facts(home: Home, tx: WriteTransaction, candidates: Sequence[Candidate], now: datetime) -> None:
    """Publish the facts of a batch that has any: other sites, numbers that others gave."""
    if any(candidate.site_code or candidate.details.official_number for candidate in candidates):
        home.publish_status(tx, now)


def replace_predecessors(
    home: Home, tx: WriteTransaction, replacing: Sequence[tuple[Logged, RosterRowRecord]], by: str, now: datetime
) -> None:
    """What a correction replaces is superseded in the transaction that releases the correction."""
    for logged, row in replacing:
        replaces = replacement_of(row)
        assert replaces is not None
        change = StatusChange(State.SUPERSEDED, replaces.reason, by, successor=logged.number)
        record_change(home, tx, replaces.number, change, now)
    if replacing:
        home.publish_status(tx, now)
