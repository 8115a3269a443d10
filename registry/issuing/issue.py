"""Issuing an approved batch: prepared → signed → logged → released, chunk by chunk; a stop is resumed, never repeated.

Each step is one transaction and each names the state it starts from, so that a process killed at any write
leaves a state from which the same function goes on: recorded bytes are signed as recorded, a stored signature is
never made again, and a number whose year has passed before anything was prepared becomes void and is replaced.
What lay too long before it could be logged is recorded anew under its number: nothing of it was handed out. What a
stolen key signed goes the same way once more, under the same number, when two people have confirmed it.

Several processes may work on one batch, one from its front and one from its end; see `release_chunks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from certs.approval import check_still_approved
from certs.errors import KezhengError
from registry.home import Home
from registry.issuing.approved_rows import ApprovedRows, forget_rows, read_again
from registry.issuing.batch_work import STARTED, BatchWork, batch_in, gather_work, require_issuer, work_on
from registry.issuing.collector import collector_paused
from registry.issuing.own_check import OwnCheck, own_check
from registry.issuing.prepare import CHUNK, renew_stale, replace_numbers_of_past_years
from registry.issuing.release_chunks import Clock, Progress, release_chunk, release_chunks
from registry.issuing.reserve import reserve_batch
from registry.store.batch_store import BatchRecord, release_batch, require_batch
from registry.store.certificate_store import count_by_state
from registry.store.chunk_store import has_facts, places_of, unfinished_ids
from registry.store.rows import chunks
from registry.store.states import BatchState, CertificateState
from registry.webhooks.announce import EventType, announce

_BEGUN = (BatchState.APPROVED, *STARTED)


def begin_issue(home: Home, batch_id: str, now: datetime) -> None:
    """Take numbers for an approved batch; of one that has them, renew what waited too long. May be called again.

    Raises KezhengError ``batch_unknown``, ``batch_state`` for a batch that is not approved, ``not_authorised``,
    ``approval_stale``, and as `reserve_batch` and `prepare_certificate` do; then nothing is taken.
    """
    _begin(home, batch_id, now)


def waiting_chunks(home: Home, batch_id: str, size: int = CHUNK) -> list[list[int]]:
    """The ids of a batch's certificates that are neither released nor void, at most ``size`` together.

    A chunk is never larger than what may be signed in a minute: such a one could never be signed.
    """
    most = min(size, home.settings.signatures_per_minute)
    with home.store.reading() as tx:
        return [list(chunk) for chunk in chunks(unfinished_ids(tx, batch_id), most)]


def issue_chunk(home: Home, batch_id: str, ids: Sequence[int], clock: Clock) -> int:
    """Take certificates of a batch from whatever state each is in to released; how many of them are released now.

    Raises KezhengError as `prepare_certificate`, `CertificateSigner`, `log_certificates` and `OwnCheck` do. What
    was done before stays and is gone on from.
    """
    return release_chunk(gather_work(home, batch_id, clock()), ids, clock)


def finish_issue(home: Home, batch_id: str, now: datetime) -> None:
    """Publish what a batch adds beside its certificates and end it; a batch that has ended stays as it is.

    Raises KezhengError ``batch_unknown``, ``batch_state``, ``batch_not_finished`` while a certificate waits.
    """
    with home.recording() as tx:
        batch = batch_in(tx, batch_id, STARTED)
        if batch.state is BatchState.RELEASED:
            return
        waiting = len(unfinished_ids(tx, batch_id))
        if waiting:
            raise KezhengError("batch_not_finished", batch=batch_id, waiting=waiting)
        if has_facts(tx, batch_id):
            home.publish_status(tx, now)
        home.publish_if_needed(tx, now)
        release_batch(tx, batch_id, now)
        released = count_by_state(tx, batch_id).get(CertificateState.RELEASED, 0)
        code = batch.institution_code
        said: dict[str, str | int] = {"batch": batch_id, "institution": code, "certificates": released}
        announce(tx, code, EventType.BATCH_RELEASED, said, now)
    forget_rows(home, batch)


def issue_batch(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Take a batch from wherever it stands to ``released``; ``progress`` gets the number released by each chunk.

    Raises KezhengError as `begin_issue` and `issue_chunk` do, ``batch_state`` for a batch that is released already.
    """
    with home.store.reading() as tx:
        batch_in(tx, batch_id, (BatchState.APPROVED, BatchState.ISSUING))
    _take_to_release(_begin(home, batch_id, clock()), clock, progress)
    finish_issue(home, batch_id, clock())


def assist_batch(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Take the end of a batch to released while another process comes from its front; done when the two meet.

    The other one ends the batch: to it, what is done here is done already. Raises KezhengError as `issue_chunk` does.
    """
    work, waiting = gather_work(home, batch_id, clock()), waiting_chunks(home, batch_id)
    release_chunks(work, _from_the_end(work, waiting), _check(work, waiting), clock, progress)


def finish_again(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Take certificates of a batch that wait for a new paper to ``released``; one that is not finished is finished.

    Raises KezhengError as `issue_batch` does.
    """
    with home.store.reading() as tx:
        batch = require_batch(tx, batch_id)
    if batch.state is not BatchState.RELEASED:
        issue_batch(home, batch_id, clock, progress)
        return
    _take_to_release(_begin(home, batch_id, clock()), clock, progress)
    forget_rows(home, batch)


def _begin(home: Home, batch_id: str, now: datetime) -> BatchWork:
    """A batch that has its numbers, all of them good for now; see `begin_issue`."""
    with home.store.reading() as tx:
        batch = batch_in(tx, batch_id, _BEGUN)
        require_issuer(tx, batch.institution_code, now)
        rows = read_again(home, tx, batch)
    _reserve(home, batch, rows, now)
    with home.store.reading() as tx:
        work = work_on(home, tx, batch_in(tx, batch_id, STARTED), rows, now)
    renew_stale(work, now)
    if work.batch.state is BatchState.ISSUING:
        replace_numbers_of_past_years(work, now)
    return work


def _reserve(home: Home, seen: BatchRecord, rows: ApprovedRows, now: datetime) -> None:
    """approved → issuing, with a number for every row that earns a certificate."""
    with collector_paused(), home.recording() as tx:
        batch = batch_in(tx, seen.id, _BEGUN)
        institution = require_issuer(tx, batch.institution_code, now)
        home.publish_if_needed(tx, now)
        if batch.state is BatchState.APPROVED:
            check_still_approved(batch.rows_digest, seen.rows_digest)
            reserve_batch(home, tx, batch, institution, rows.by_id.values(), now)


def _take_to_release(work: BatchWork, clock: Clock, progress: Progress) -> None:
    waiting = waiting_chunks(work.home, work.batch.id)
    release_chunks(work, waiting, _check(work, waiting), clock, progress)


def _from_the_end(work: BatchWork, waiting: Sequence[Sequence[int]]) -> Iterator[Sequence[int]]:
    """The last chunk first, as long as nobody has begun one."""
    for ids in reversed(waiting):
        with work.home.store.reading() as tx:
            places = places_of(tx, work.batch.id, ids)
        if any(place.state is not CertificateState.RESERVED for place in places.values()):
            return
        yield ids


def _check(work: BatchWork, waiting: Sequence[Sequence[int]]) -> OwnCheck:
    return own_check(work.home, sum(map(len, waiting)), work.evidence)
