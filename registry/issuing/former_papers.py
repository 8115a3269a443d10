"""What a certificate's new paper takes over from the one before it: its status history, and facts beside its claims."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from certs.log_entry import status_body
from registry.home import Home
from registry.status_changes import as_status_event
from registry.store.engine import WriteTransaction
from registry.store.issuing_store import Logged
from registry.store.reissue_store import with_former_paper
from registry.store.status_store import status_events_by_number


def has_former_paper(home: Home, chunk: Sequence[Logged]) -> bool:
    """Whether any of these certificates had another paper before."""
    with home.store.reading() as tx:
        return bool(with_former_paper(tx, [logged.id for logged in chunk]))


def carry_history(home: Home, tx: WriteTransaction, chunk: Sequence[Logged], now: datetime) -> None:
    """Log the status history of numbers for their new papers, and publish which papers they replace.

    In the transaction that releases them: a verifier with the new paper finds the same history in the register.
    """
    former = with_former_paper(tx, [logged.id for logged in chunk])
    if not former:
        return
    again = {logged.number: logged for logged in chunk if logged.id in former}
    events = status_events_by_number(tx, list(again))
    bodies = [
        status_body(hashlib.sha256(logged.envelope).digest(), as_status_event(event))
        for number, logged in again.items()
        for event in events[number]
    ]
    home.log(tx, bodies, now)
    home.publish_status(tx, now)
