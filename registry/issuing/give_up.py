"""Giving up a batch that cannot or shall not be finished: what it reserved is void, its people are free again."""

from __future__ import annotations

from datetime import datetime

from certs.errors import KezhengError
from registry.home import Home
from registry.store.audit_store import record_act
from registry.store.batch_store import BatchRecord, batch_by_id, void_batch
from registry.store.certificate_states import VOIDABLE, void_certificates
from registry.store.certificate_store import certificates_of_batch
from registry.store.engine import WriteTransaction
from registry.store.states import BatchState, CertificateState

_UNFINISHED = (BatchState.IMPORTED, BatchState.APPROVED, BatchState.ISSUING)


def give_up_batch(home: Home, batch_id: str, by: str, now: datetime) -> BatchRecord:
    """imported, approved or issuing → void, as long as nothing of it was released; the same file may come again.

    Numbers that were taken stay used and are void. Raises KezhengError ``batch_unknown``, ``batch_state``.
    """
    with home.store.transaction() as tx:
        batch = batch_by_id(tx, batch_id)
        if batch is None:
            raise KezhengError("batch_unknown", batch=batch_id)
        if batch.state not in _UNFINISHED or _has_released(tx, batch_id):
            raise KezhengError("batch_state", batch=batch_id, state=batch.state.value)
        for state in VOIDABLE:
            void_certificates(tx, [taken.id for taken in certificates_of_batch(tx, batch_id, [state])], state)
        void_batch(tx, batch_id, batch.state)
        record_act(tx, now, by, "batch_given_up", batch_id)
        return batch._replace(state=BatchState.VOID)


def _has_released(tx: WriteTransaction, batch_id: str) -> bool:
    return bool(certificates_of_batch(tx, batch_id, [CertificateState.LOGGED, CertificateState.RELEASED]))
