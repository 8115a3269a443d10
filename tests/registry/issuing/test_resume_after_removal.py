"""What was recorded before an institution was removed is not signed after it: a stop must not back-date anything."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from register_desk import Desk, people
from stopped_process import Stopped, stop

from certs.errors import KezhengError
from certs.institution import EventKind
from registry.issuing import issue, release_chunks
from registry.store.certificate_store import certificates_of_batch
from registry.store.states import CertificateState

ASSESSOR = "P000115000001"


@pytest.mark.parametrize("kind", [EventKind.REMOVE, EventKind.SUSPEND])
def test_recorded_bytes_are_not_signed_any_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: EventKind
) -> None:
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    with monkeypatch.context() as patch:
        patch.setattr(release_chunks, "_sign", stop)
        with pytest.raises(Stopped):
            issue.issue_batch(desk.home, batch.id, desk.clock, lambda _: None)
    desk.now += timedelta(days=2)
    desk.institution_event(ASSESSOR, kind, date(2026, 11, 21), "rules_violated")
    with pytest.raises(KezhengError, match="not_authorised"):
        issue.issue_batch(desk.home, batch.id, desk.clock, lambda _: None)
    with desk.home.store.reading() as tx:
        assert {c.state for c in certificates_of_batch(tx, batch.id)} == {CertificateState.PREPARED}
