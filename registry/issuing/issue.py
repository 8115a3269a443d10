"""Issuing an approved batch: prepared → signed → logged → released, chunk by chunk; a stop is resumed, never repeated.

Each step is one transaction and each names the state it starts from, so that a process killed at any write
leaves a state from which the same function goes on: recorded bytes are signed as recorded, a stored signature is
never made again, and a number whose year has passed before anything was prepared becomes void and is replaced.
What lay too long before it could be logged is recorded anew under its number: nothing of it was handed out. What a
stolen key signed goes the same way once more, under the same number, when two people have confirmed it.

Several processes may work on one batch, and on one chunk: whoever comes second finds a state that is not the one it
starts from, reads again what there is, and goes on from there.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import NamedTuple

from certs.approval import check_still_approved
from certs.errors import KezhengError
from registry.home import Home
from registry.issuing.approved_rows import ApprovedRows, forget_rows, read_again
from registry.issuing.batch_work import STARTED, BatchWork, batch_in, gather_work, require_issuer, work_on
from registry.issuing.collector import collector_paused
from registry.issuing.former_papers import carry_history, has_former_paper
from registry.issuing.log_certificates import log_certificates
from registry.issuing.own_check import HereCheck, OwnCheck, own_check
from registry.issuing.prepare import CHUNK, prepare_certificates, renew_stale, replace_numbers_of_past_years
from registry.issuing.replace import evidence_with_facts, replace_predecessors
from registry.issuing.reserve import reserve_batch
from registry.store.batch_store import BatchRecord, release_batch, require_batch
from registry.store.certificate_states import SignedCertificate, record_released, record_signed
from registry.store.certificate_store import count_by_state
from registry.store.chunk_store import Standing, are_logged, has_facts, places_of, standing_of, unfinished_ids
from registry.store.engine import WriteTransaction
from registry.store.issuing_store import Logged, Reserved, Sealed
from registry.store.reissue_store import without_place
from registry.store.rows import chunks
from registry.store.states import BatchState, CertificateState
from registry.webhooks.announce import EventType, announce

AHEAD = 3
"""Chunks that may wait for our own verifier while the next ones are signed."""
TOGETHER = 2
"""Chunks that one checkpoint makes public: signing it, its tiles and its archive take turns with every other writer."""
OVERTAKEN = frozenset({"certificate_state_changed", "already_logged", "signing_refused"})
"""How a step may be refused when another process has taken the same certificates further."""
_BEGUN = (BatchState.APPROVED, *STARTED)
Clock = Callable[[], datetime]
Progress = Callable[[int], None]
_prepare = prepare_certificates


class UnderWay(NamedTuple):
    """A chunk in the register that our own verifier is reading; ``wanted`` are all certificates of the chunk.

    ``again``: some are not the first paper of their person and number.
    """

    wanted: Sequence[int]
    logged: Sequence[Logged]
    again: bool
    checked: Future[None]


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
    work = gather_work(home, batch_id, clock())
    [under_way] = _start(work, HereCheck(home, work.evidence), [ids], clock)
    return _finish(work, under_way, clock)


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
    """Chunk by chunk, the next ones being signed while our own verifier reads one."""
    waiting = waiting_chunks(work.home, work.batch.id)
    check = own_check(work.home, sum(map(len, waiting)), work.evidence)
    started: deque[UnderWay] = deque()
    for together in chunks(waiting, TOGETHER):
        started.extend(_start(work, check, together, clock))
        while started and (started[0].checked.done() or len(started) > AHEAD):
            progress(_finish(work, started.popleft(), clock))
    while started:
        progress(_finish(work, started.popleft(), clock))


def _start(work: BatchWork, check: OwnCheck, together: Iterable[Sequence[int]], clock: Clock) -> list[UnderWay]:
    """Take chunks into the register, make it public, and have each of them verified."""
    with collector_paused():
        taken = [(ids, _take_to_log(work, ids, clock)) for ids in together]
        work.home.publish_log()
    return [_have_verified(work, check, ids, logged, clock()) for ids, logged in taken]


def _have_verified(
    work: BatchWork, check: OwnCheck, ids: Sequence[int], logged: Sequence[Logged], now: datetime
) -> UnderWay:
    """Hand a chunk of the published register to our own verifier."""
    again = any(each.supersedes for each in logged) or has_former_paper(work.home, logged)
    if again:
        # Such a one needs the register's facts, which are only published now.
        check = HereCheck(work.home, evidence_with_facts(work.home, now))
    return UnderWay(ids, logged, again, _submit(check, logged, now))


def _submit(check: OwnCheck, chunk: Sequence[Logged], now: datetime) -> Future[None]:
    """Have our own verifier read a chunk from its final QR texts."""
    return check.submit(chunk, now)


def _take_to_log(work: BatchWork, ids: Sequence[int], clock: Clock) -> list[Logged]:
    """The certificates of a chunk that are in the register and not released, after all of them are."""
    standing = _standing(work, ids)
    while True:
        try:
            return _log_from(work, standing, clock)
        except KezhengError as error:
            now_standing = _standing(work, ids)
            # Without progress of another process the refusal would only come again.
            if error.code not in OVERTAKEN or now_standing == standing:
                raise
            standing = now_standing


def _standing(work: BatchWork, ids: Sequence[int]) -> list[Standing]:
    with work.home.store.reading() as tx:
        return standing_of(tx, work.batch.id, ids)


def _log_from(work: BatchWork, standing: Iterable[Standing], clock: Clock) -> list[Logged]:
    """Prepare, sign and log, each certificate from where it stands."""
    by_state: dict[CertificateState, list[Standing]] = {state: [] for state in CertificateState}
    for each in standing:
        by_state[each.state].append(each)
    recorded = [each.id for each in by_state[CertificateState.PREPARED]]
    sealed = [_as_sealed(each) for each in by_state[CertificateState.SIGNED]]
    if reserved := [_as_reserved(each) for each in by_state[CertificateState.RESERVED]]:
        recorded += _prepare(work, reserved, clock())
    if recorded:
        sealed += _sign(work, recorded, clock())
    logged = [_as_logged(each) for each in by_state[CertificateState.LOGGED]]
    return logged + (log_certificates(work.home, sealed, clock()) if sealed else [])


def _as_reserved(standing: Standing) -> Reserved:
    return Reserved(
        *standing[:3], standing.status_index, standing.supersedes, standing.first_issued_on, standing.state
    )


def _as_sealed(standing: Standing) -> Sealed:
    assert standing.issued_at is not None
    assert standing.envelope is not None
    return Sealed(*standing[:4], standing.issued_at, standing.envelope)


def _as_logged(standing: Standing) -> Logged:
    assert standing.leaf_index is not None
    return Logged(*_as_sealed(standing), standing.leaf_index)


def _sign(work: BatchWork, ids: Sequence[int], now: datetime) -> list[Sealed]:
    """prepared → signed: exactly the recorded bytes, under the key they name."""
    sealed = work.signer.seal(ids, now)
    with work.home.store.transaction() as tx:
        record_signed(
            tx, [SignedCertificate(made.id, made.envelope, hashlib.sha256(made.envelope).digest()) for made in sealed]
        )
    return sealed


def _finish(work: BatchWork, chunk: UnderWay, clock: Clock) -> int:
    """Release a chunk once it is verified; how many of all its certificates are released then."""
    chunk.checked.result()
    return _release(work, chunk, clock())


def _release(work: BatchWork, chunk: UnderWay, now: datetime) -> int:
    """logged → released: only what our own verifier found valid from the final QR text."""
    with work.home.recording() as tx:
        # Another process may have released some since; one that lies elsewhere now is another paper.
        ready, released = list(chunk.logged), 0
        if not are_logged(tx, work.batch.id, chunk.logged) or len(chunk.wanted) != len(ready):
            places = places_of(tx, work.batch.id, chunk.wanted)
            ready = [each for each in ready if places.get(each.id) == (CertificateState.LOGGED, each.leaf_index)]
            released = sum(place.state is CertificateState.RELEASED for place in places.values())
        record_released(tx, [logged.id for logged in ready])
        if chunk.again:
            _take_over(work, tx, ready, now)
    return released + len(ready)


def _take_over(work: BatchWork, tx: WriteTransaction, ready: Sequence[Logged], now: datetime) -> None:
    """What certificates that replace others, or another paper of theirs, take over from those."""
    # A correction that has its predecessor's place already is on its second paper.
    waiting = without_place(tx, [logged.id for logged in ready if logged.supersedes])
    replacing = [(logged, work.rows[logged.roster_row_id].replaces) for logged in ready if logged.id in waiting]
    replace_predecessors(work.home, tx, replacing, work.batch.operator, now)
    carry_history(work.home, tx, ready, now)
