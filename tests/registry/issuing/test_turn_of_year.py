"""A batch that stops in December and goes on in January: what was recorded keeps its year, the rest is renumbered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from register_desk import Desk, people
from stopped_process import Stopped, stop

from registry.issuing import issue, release_chunks
from registry.store.certificate_store import certificates_of_batch
from registry.store.states import CertificateState

ASSESSOR = "P000115000001"
MIDNIGHT = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(("step", "years"), [("_prepare", {"27"}), ("_sign", {"26"}), ("_release", {"26"})])
def test_a_batch_over_the_turn_of_the_year(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str, years: set[str]
) -> None:
    desk.now = MIDNIGHT - timedelta(seconds=1)
    batch = desk.approve(desk.bring(people(1, 2, 3), ASSESSOR))
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(release_chunks, step, stop)
        issue.issue_batch(desk.home, batch.id, desk.clock, lambda _: None)
    desk.now = MIDNIGHT
    issue.issue_batch(desk.home, batch.id, desk.clock, lambda _: None)
    with desk.home.store.reading() as tx:
        certificates = certificates_of_batch(tx, batch.id)
    released = [c for c in certificates if c.state is CertificateState.RELEASED]
    assert {c.number[13:15] for c in released} == years
    assert [c.serial for c in released] == [1, 2, 3]
    assert {desk.report(c.number)["verdict"] for c in released} == {"valid"}
    assert {c.state for c in certificates} <= {CertificateState.RELEASED, CertificateState.VOID}
    assert len({c.status_index for c in certificates}) == len(certificates)
