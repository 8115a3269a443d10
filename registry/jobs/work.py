"""What each kind of job does: work on a home that can be begun again at any time, and how many persons it is about.

A further kind is a function here and a line in `KINDS`; the engine knows nothing of what a job does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from certs.errors import KezhengError
from registry.export_archive import write_archive
from registry.exporting import export_batch
from registry.home import Home
from registry.issuing.issue import assist_batch, issue_batch
from registry.issuing.reissue import finish_reissue
from registry.jobs.job import REGISTRY, Job, JobKind
from registry.jobs.stepwise import Progress
from registry.left_lists import check_list, count_of_list
from registry.signing_keys import require_signing_key
from registry.store.batch_store import BatchRecord, require_batch
from registry.store.certificate_store import count_by_state
from registry.store.engine import ReadTransaction
from registry.store.reissue_store import batches_with_parked
from registry.store.roster_store import count_rows
from registry.store.states import BatchState, CertificateState
from registry.store.webhook_store import count_waiting_messages, webhook_by_id
from registry.webhooks.deliver import deliver_due
from registry.webhooks.post import HttpsPost

Clock = Callable[[], datetime]
ENDED = (CertificateState.RELEASED, CertificateState.VOID)
ISSUABLE = (BatchState.APPROVED, BatchState.ISSUING, BatchState.RELEASED)


class Extent(NamedTuple):
    """How large a job is, in persons (in messages, of a delivery), and how many are done before it begins."""

    total: int
    done: int


class Kind(NamedTuple):
    """A kind of job: whose one is, how large, and what it does. All take the subject, see `Job`."""

    owner: Callable[[ReadTransaction, str], str]
    extent: Callable[[ReadTransaction, str], Extent]
    work: Callable[[Home, str, Clock, Progress], None]


def job_and_extent(tx: ReadTransaction, kind: JobKind, subject: str) -> tuple[Job, Extent]:
    """The job of a kind about a subject, and its size.

    Raises KezhengError ``batch_unknown``, ``batch_state``, ``signing_key_unknown``, ``webhook_unknown``,
    ``list_not_kept``.
    """
    return Job(kind, KINDS[kind].owner(tx, subject), subject), KINDS[kind].extent(tx, subject)


def _issue(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Everything from approved to released. Nothing happens for a batch that is released."""
    if _batch(home, batch_id).state is BatchState.RELEASED:
        return
    try:
        issue_batch(home, batch_id, clock, progress)
    except KezhengError as error:
        # Another process was at the same batch, and ended first.
        if not error.code.startswith("batch_") or _batch(home, batch_id).state is not BatchState.RELEASED:
            raise


def _reissue(home: Home, kid: str, clock: Clock, progress: Progress) -> None:
    finish_reissue(home, _kid(kid), clock, progress)


def _render(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Every file of a released batch, and one archive of them all."""
    batch, folder = _batch(home, batch_id), home.settings.exports_folder / batch_id
    export_batch(home, batch, folder, clock(), lambda _so_far: progress(1))
    write_archive(folder, folder.with_suffix(".zip"))


def _deliver(home: Home, webhook_id: str, clock: Clock, progress: Progress) -> None:
    """An attempt at every message that is due; what fails is due again later, and is another job then."""
    deliver_due(home, _number(webhook_id), HttpsPost(), clock, progress)


def _batch(home: Home, batch_id: str) -> BatchRecord:
    with home.store.reading() as tx:
        return require_batch(tx, batch_id)


def _require_state(batch: BatchRecord, allowed: Collection[BatchState]) -> None:
    if batch.state not in allowed:
        raise KezhengError("batch_state", batch=batch.id, state=batch.state.value)


def _kid(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise KezhengError("signing_key_unknown", kid=text) from error


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise KezhengError("webhook_unknown", webhook=text)
    return int(text)


def _owner_of_batch(tx: ReadTransaction, batch_id: str) -> str:
    return require_batch(tx, batch_id).institution_code


def _owner_of_key(tx: ReadTransaction, kid: str) -> str:
    owner = require_signing_key(tx, _kid(kid)).institution_code
    if owner is None:
        raise KezhengError("signing_key_unknown", kid=kid)
    return owner


def _owner_of_webhook(tx: ReadTransaction, webhook_id: str) -> str:
    return webhook_by_id(tx, _number(webhook_id)).institution_code


def _issued(tx: ReadTransaction, batch_id: str) -> Extent:
    _require_state(require_batch(tx, batch_id), ISSUABLE)
    counts = count_by_state(tx, batch_id)
    return Extent(count_rows(tx, batch_id), counts.get(CertificateState.RELEASED, 0))


def _unbegun(tx: ReadTransaction, batch_id: str) -> Extent:
    _require_state(require_batch(tx, batch_id), ISSUABLE)
    return Extent(count_by_state(tx, batch_id).get(CertificateState.RESERVED, 0), 0)


def _released(tx: ReadTransaction, batch_id: str) -> Extent:
    _require_state(require_batch(tx, batch_id), (BatchState.RELEASED,))
    return Extent(count_by_state(tx, batch_id).get(CertificateState.RELEASED, 0), 0)


def _parked(tx: ReadTransaction, kid: str) -> Extent:
    counts = [count_by_state(tx, batch_id) for batch_id in batches_with_parked(tx, _kid(kid))]
    return Extent(sum(many for count in counts for state, many in count.items() if state not in ENDED), 0)


def _waiting_messages(tx: ReadTransaction, webhook_id: str) -> Extent:
    return Extent(count_waiting_messages(tx, _number(webhook_id)), 0)


KINDS: Mapping[JobKind, Kind] = {
    JobKind.ISSUE: Kind(_owner_of_batch, _issued, _issue),
    JobKind.ASSIST: Kind(_owner_of_batch, _unbegun, assist_batch),
    JobKind.REISSUE: Kind(_owner_of_key, _parked, _reissue),
    JobKind.RENDER: Kind(_owner_of_batch, _released, _render),
    JobKind.CHECK: Kind(lambda _tx, _name: REGISTRY, lambda _tx, name: Extent(count_of_list(name), 0), check_list),
    JobKind.DELIVER: Kind(_owner_of_webhook, _waiting_messages, _deliver),
}
