"""Issuing again what a stolen key signed after its theft: confirmed by two people, under the same numbers.

Only what the register took in at or after the time of the theft is issued again; what it took in before is good as it
is. The former paper is kept, with its place in the register; the new one has a new time of issue, status index and key.
Parking is one transaction, and from there on the certificates go the way of every other: a stop is resumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from certs.approval import Approval, approve, check_two_people
from certs.authority import issuer_fault
from certs.errors import KezhengError
from certs.status import State, status_at
from certs.timestamps import ms_of, shanghai_day
from registry.directory import require_institution
from registry.home import Home
from registry.issuing.approval_entry import log_approval
from registry.issuing.issue import finish_again
from registry.issuing.release_chunks import Clock, Progress
from registry.signing_keys import issuing_signer, require_signing_key
from registry.status_changes import as_status_event
from registry.store.affected_store import LoggedUnderKey, logged_under_key
from registry.store.certificate_store import certificates_by_number
from registry.store.counter_store import take_status_places
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.reissue_store import Parked, batches_with_parked, numbers_with_former_paper, park_certificates
from registry.store.signing_key_store import SigningKeyRecord
from registry.store.status_store import status_events_by_number


class Started(NamedTuple):
    """Numbers that are issued again, and those that are not because they are not in force, with their state."""

    numbers: tuple[str, ...]
    not_in_force: tuple[tuple[str, State], ...]


def start_reissue(
    home: Home, kid: bytes, numbers: Collection[str] | None, operator: str, approver: str, now: datetime
) -> Started:
    """Approve and park certificates of a stolen key; ``numbers`` None means all that are affected.

    Numbers that were issued again already are passed over. Raises KezhengError ``signing_key_unknown``,
    ``key_not_compromised``, ``reissue_not_affected``, ``no_key_in_use``, ``not_authorised``, ``person_missing``,
    ``approver_is_operator``; nothing is parked then.
    """
    check_two_people(operator, approver)
    with home.recording() as tx:
        key = require_signing_key(tx, kid)
        chosen = _chosen(tx, key, numbers)
        started = _in_force(tx, chosen, now)
        if started.numbers:
            _check_issuer(home, tx, key, now)
            _park(home, tx, started.numbers, now)
            approval = approve(operator, approver, _digest(started.numbers), now)
            _log_approval(home, tx, key, approval, len(started.numbers), now)
        return started


def finish_reissue(home: Home, kid: bytes, clock: Clock, progress: Progress) -> list[str]:
    """Take everything parked for a key to released, also what earlier runs left; the batches it belongs to.

    Raises KezhengError as `issue_batch` does. What was done before stays and is gone on from.
    """
    with home.store.reading() as tx:
        batches = batches_with_parked(tx, kid)
    for batch in batches:
        finish_again(home, batch, clock, progress)
    return batches


def _chosen(tx: ReadTransaction, key: SigningKeyRecord, numbers: Collection[str] | None) -> list[LoggedUnderKey]:
    if key.compromised_at is None:
        raise KezhengError("key_not_compromised", kid=key.kid.hex())
    affected = {found.number: found for found in logged_under_key(tx, key.kid, ms_of(key.compromised_at))}
    if numbers is None:
        return list(affected.values())
    wanted = dict.fromkeys(numbers)
    strangers = [number for number in wanted if number not in affected]
    done = numbers_with_former_paper(tx, key.kid) if strangers else set()
    for number in strangers:
        if number not in done:
            raise KezhengError("reissue_not_affected", number=number)
    return [affected[number] for number in wanted if number in affected]


def _in_force(tx: ReadTransaction, chosen: Sequence[LoggedUnderKey], now: datetime) -> Started:
    """What ended stays ended, and what is suspended waits: our own verifier would not release either."""
    events = status_events_by_number(tx, [found.number for found in chosen])
    states = {
        found.number: status_at([as_status_event(event) for event in events[found.number]], None, now).state
        for found in chosen
    }
    return Started(
        tuple(number for number, state in states.items() if state is State.VALID),
        tuple((number, state) for number, state in states.items() if state is not State.VALID),
    )


def _check_issuer(home: Home, tx: ReadTransaction, key: SigningKeyRecord, now: datetime) -> None:
    """Refuse before anything is parked what would be refused when it is signed."""
    assert key.institution_code is not None
    fault = issuer_fault(require_institution(tx, key.institution_code), shanghai_day(now))
    if fault is not None:
        raise KezhengError("not_authorised", reason=fault)
    issuing_signer(home, tx, key.institution_code, now)


def _park(home: Home, tx: WriteTransaction, numbers: Sequence[str], now: datetime) -> None:
    places = home.keyring.status_indices(take_status_places(tx, len(numbers)))
    found = certificates_by_number(tx, numbers)
    parked = []
    for number, place in zip(numbers, places, strict=True):
        certificate = found[number]
        assert certificate.issued_at is not None
        first = certificate.first_issued_on or shanghai_day(certificate.issued_at)
        parked.append(Parked(certificate.id, number, place, first))
    park_certificates(tx, parked, now)


def _log_approval(
    home: Home, tx: WriteTransaction, key: SigningKeyRecord, approval: Approval, count: int, now: datetime
) -> None:
    content = {
        "kid": key.kid.hex(),
        "numbers": approval.rows_digest.hex(),
        "operator": approval.operator,
        "approver": approval.approver,
    }
    log_approval(home, tx, "reissue_approved", key.kid.hex(), content, now, count=count)


def _digest(numbers: Sequence[str]) -> bytes:
    return hashlib.sha256("\n".join(sorted(numbers)).encode("ascii")).digest()
