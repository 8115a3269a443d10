"""Taking chunks of a batch to released: prepared → signed → logged → verified → released, the next beside the last.

Each step is one transaction and each names the state it starts from. Several processes may be at one chunk: whoever
comes second finds a state that is not the one it starts from, reads again what there is, and goes on from there.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from certs.errors import KezhengError
from registry.issuing.batch_work import BatchWork
from registry.issuing.collector import collector_paused
from registry.issuing.former_papers import carry_history, has_former_paper
from registry.issuing.log_certificates import log_certificates
from registry.issuing.own_check import HereCheck, OwnCheck
from registry.issuing.prepare import prepare_certificates
from registry.issuing.replace import evidence_with_facts, replace_predecessors
from registry.store.certificate_states import SignedCertificate, record_released, record_signed
from registry.store.chunk_store import Standing, are_logged, places_of, standing_of
from registry.store.engine import WriteTransaction
from registry.store.issuing_store import Logged, Reserved, Sealed
from registry.store.reissue_store import without_place
from registry.store.states import CertificateState

AHEAD = 3
"""Chunks that may wait for our own verifier while the next ones are signed."""
TOGETHER = 2
"""Chunks that one checkpoint makes public: signing it, its tiles and its archive take turns with every other writer."""
OVERTAKEN = frozenset({"certificate_state_changed", "already_logged", "signing_refused"})
"""How a step may be refused when another process has taken the same certificates further."""
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


def release_chunk(work: BatchWork, ids: Sequence[int], clock: Clock) -> int:
    """Take one chunk to released; how many of it are released now. Errors as `release_chunks`."""
    [under_way] = _start(work, HereCheck(work.home, work.evidence), [ids], clock)
    return _finish(work, under_way, clock)


def release_chunks(
    work: BatchWork, waiting: Iterable[Sequence[int]], check: OwnCheck, clock: Clock, progress: Progress
) -> None:
    """Take chunks of ids to released one after the other, the next ones being signed while ``check`` reads some.

    Raises KezhengError as `prepare_certificate`, `CertificateSigner`, `log_certificates` and `OwnCheck` do. What
    was done before stays and is gone on from.
    """
    started: deque[UnderWay] = deque()
    for together in _made_public_together(waiting):
        started.extend(_start(work, check, together, clock))
        while started and (started[0].checked.done() or len(started) > AHEAD):
            progress(_finish(work, started.popleft(), clock))
    while started:
        progress(_finish(work, started.popleft(), clock))


def _made_public_together(waiting: Iterable[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    left = iter(waiting)
    while together := list(islice(left, TOGETHER)):
        yield together


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
