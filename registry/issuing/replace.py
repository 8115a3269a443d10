"""What a release adds where certificates carry facts: corrections take over, and the status file says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from certs.evidence import Evidence
from certs.status import State
from registry.home import Home
from registry.issuing.stored_rows import Replacement
from registry.status_changes import StatusChange, record_change
from registry.store.engine import WriteTransaction
from registry.store.issuing_store import Logged


def evidence_with_facts(home: Home, now: datetime) -> Evidence:
    """The evidence after the register's facts about signed certificates have been published."""
    with home.store.transaction() as tx:
        home.publish_status(tx, now)
        return home.evidence(tx)


def replace_predecessors(
    home: Home, tx: WriteTransaction, replacing: Sequence[tuple[Logged, Replacement | None]], by: str, now: datetime
) -> None:
    """What a correction replaces is superseded in the transaction that releases the correction."""
    for logged, replaces in replacing:
        assert replaces is not None
        change = StatusChange(State.SUPERSEDED, replaces.reason, by, successor=logged.number)
        record_change(home, tx, replaces.number, change, now)
    if replacing:
        home.publish_status(tx, now)
