"""The four steps of issuing: each may be called again, and by two at the same moment; nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recording_signer import record_signatures
from register_crash import exit_code, in_child
from register_desk import Desk, people

from certs.errors import KezhengError
from registry.home import open_home
from registry.issuing import issue, release_chunks
from registry.issuing.issue import begin_issue, finish_issue, issue_batch, issue_chunk, waiting_chunks
from registry.publishing import sequence_log
from registry.publishing.log_folder import checkpoint_in
from registry.settings import load_settings
from registry.store.batch_store import BatchRecord
from registry.store.states import BatchState, CertificateState

ASSESSOR = "P000115000001"
STEPS = ("_prepare", "_sign", "log_certificates", "_submit", "_release")


@pytest.fixture
def batch(desk: Desk) -> BatchRecord:
    return desk.approve(desk.bring(people(1, 2, 3, 4, 5), ASSESSOR))


def begun(desk: Desk, batch: BatchRecord) -> list[int]:
    """The ids of the batch's certificates, once it has its numbers."""
    begin_issue(desk.home, batch.id, desk.now)
    return [certificate.id for certificate in desk.certificates(batch.id)]


def states(desk: Desk, batch: BatchRecord) -> list[str]:
    return [certificate.state.value for certificate in desk.certificates(batch.id)]


def test_the_four_steps_one_after_the_other(desk: Desk, batch: BatchRecord) -> None:
    ids = begun(desk, batch)
    chunks = waiting_chunks(desk.home, batch.id, 2)
    assert chunks == [ids[:2], ids[2:4], ids[4:]]
    assert [issue_chunk(desk.home, batch.id, chunk, desk.clock) for chunk in reversed(chunks)] == [1, 2, 2]
    finish_issue(desk.home, batch.id, desk.now)
    assert desk.batch(batch.id).state is BatchState.RELEASED
    numbers = [certificate.number for certificate in desk.certificates(batch.id)]
    assert {report["verdict"] for report in desk.reports(numbers)} == {"valid"}


def test_each_step_again_changes_nothing(desk: Desk, batch: BatchRecord) -> None:
    ids = begun(desk, batch)
    numbers = [certificate.number for certificate in desk.certificates(batch.id)]
    begin_issue(desk.home, batch.id, desk.now)
    assert [certificate.number for certificate in desk.certificates(batch.id)] == numbers
    assert issue_chunk(desk.home, batch.id, ids, desk.clock) == 5
    before = desk.row_counts(), desk.certificates(batch.id)
    assert issue_chunk(desk.home, batch.id, ids, desk.clock) == 5
    assert waiting_chunks(desk.home, batch.id) == []
    assert (desk.row_counts(), desk.certificates(batch.id)) == before
    finish_issue(desk.home, batch.id, desk.now)
    released = desk.batch(batch.id), desk.row_counts()
    for again in (begin_issue, finish_issue):
        again(desk.home, batch.id, desk.now)
    assert (desk.batch(batch.id), desk.row_counts()) == released


def test_a_chunk_concerns_nothing_but_its_own_certificates(desk: Desk, batch: BatchRecord) -> None:
    ids = begun(desk, batch)
    other = desk.approve(desk.bring(people(11, 12), ASSESSOR))
    strangers = begun(desk, other)
    assert issue_chunk(desk.home, batch.id, [ids[3], *strangers, ids[0]], desk.clock) == 2
    assert states(desk, batch) == ["released", "reserved", "reserved", "released", "reserved"]
    assert states(desk, other) == ["reserved", "reserved"]
    assert issue_chunk(desk.home, batch.id, strangers, desk.clock) == 0


def test_a_chunk_is_no_larger_than_what_may_be_signed_in_a_minute(desk: Desk, batch: BatchRecord) -> None:
    ids = begun(desk, batch)
    object.__setattr__(desk.home, "settings", replace(desk.home.settings, signatures_per_minute=3))
    assert waiting_chunks(desk.home, batch.id) == [ids[:3], ids[3:]]


def test_one_checkpoint_makes_several_chunks_public(
    desk: Desk, batch: BatchRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, publish = list[int](), sequence_log.publish_checkpoint

    def published(folder: Path, note: bytes) -> None:
        sizes.append(checkpoint_in(note).size)
        publish(folder, note)

    monkeypatch.setattr(sequence_log, "publish_checkpoint", published)
    monkeypatch.setattr(issue, "waiting_chunks", lambda home, batch_id: waiting_chunks(home, batch_id, 1))
    before = desk.value("SELECT count(*) FROM log_entry")
    issue_batch(desk.home, batch.id, desk.clock, lambda _done: None)
    assert [size - before for size in sizes] == [2, 4, 5]
    assert set(states(desk, batch)) == {"released"}


def test_a_batch_is_not_ended_while_a_certificate_waits(desk: Desk, batch: BatchRecord) -> None:
    ids = begun(desk, batch)
    issue_chunk(desk.home, batch.id, ids[:4], desk.clock)
    with pytest.raises(KezhengError) as refused:
        finish_issue(desk.home, batch.id, desk.now)
    assert (refused.value.code, refused.value.params) == ("batch_not_finished", {"batch": batch.id, "waiting": 1})
    assert desk.batch(batch.id).state is BatchState.ISSUING


@pytest.mark.parametrize("step", [issue_chunk, finish_issue])
def test_nothing_goes_on_before_it_has_begun(desk: Desk, batch: BatchRecord, step: Any) -> None:
    more = ([], desk.clock) if step is issue_chunk else (desk.now,)
    with pytest.raises(KezhengError, match=r"^batch_state "):
        step(desk.home, batch.id, *more)


@pytest.mark.parametrize("step", STEPS)
def test_another_process_that_takes_the_same_chunk_to_its_end(
    desk: Desk, batch: BatchRecord, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """In front of each step somebody else does all that is left: this one finds it done and says how many there are."""
    signed = record_signatures(desk.home, monkeypatch)
    ids, own = begun(desk, batch), getattr(release_chunks, step)

    def late(*given: Any) -> Any:
        monkeypatch.setattr(release_chunks, step, own)
        assert issue_chunk(desk.home, batch.id, ids, desk.clock) == 5
        return own(*given)

    monkeypatch.setattr(release_chunks, step, late)
    assert issue_chunk(desk.home, batch.id, ids, desk.clock) == 5
    assert set(states(desk, batch)) == {"released"}
    assert desk.value("SELECT count(*) FROM certificate_sealed") == 5
    assert desk.value("SELECT count(*) FROM log_entry WHERE kind = 1") == 5
    assert len(set(signed.certificates())) in (5, 10)
    finish_issue(desk.home, batch.id, desk.now)


def test_a_refusal_that_nobody_else_caused_is_raised(
    desk: Desk, batch: BatchRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, calls = begun(desk, batch), list[object]()

    def refuse(*given: object) -> None:
        calls.append(given)
        raise KezhengError("certificate_state_changed", expected=5, changed=0)

    monkeypatch.setattr(release_chunks, "_prepare", refuse)
    with pytest.raises(KezhengError, match=r"^certificate_state_changed"):
        issue_chunk(desk.home, batch.id, ids, desk.clock)
    assert len(calls) == 1
    assert set(states(desk, batch)) == {"reserved"}


@pytest.mark.parametrize("database_engine", ["sqlite", "postgresql"], indirect=True)
def test_two_processes_at_one_chunk_at_once(home_folder: Path) -> None:
    with open_home(load_settings(home_folder, {}), {}) as home:
        desk = Desk(home)
        batch = desk.approve(desk.bring(people(*range(1, 41)), ASSESSOR))
        ids = begun(desk, batch)

    def issue_all() -> None:
        with open_home(load_settings(home_folder, {}), {}) as home:
            assert issue_chunk(home, batch.id, ids, Desk(home).clock) == 40

    assert [exit_code(child) for child in [in_child(issue_all), in_child(issue_all)]] == [0, 0]
    with open_home(load_settings(home_folder, {}), {}) as home:
        desk = Desk(home)
        finish_issue(home, batch.id, desk.now)
        certificates = desk.certificates(batch.id)
        assert [each.serial for each in certificates] == list(range(1, 41))
        assert {each.state for each in certificates} == {CertificateState.RELEASED}
        assert desk.value("SELECT count(*) FROM log_entry WHERE kind = 1") == 40
        assert {report["verdict"] for report in desk.reports(each.number for each in certificates)} == {"valid"}
