"""The engine in one process: what it does with a job from its beginning to each of its ends."""

from __future__ import annotations

import logging
import zipfile
from datetime import timedelta
from threading import Event, Thread

import dbos
import pytest
from dbos._utils import GlobalParams
from job_register import ASSESSOR, CHUNK, JobRegister, hold_second_chunk, wait_until
from register_desk import Desk, people

from certs.errors import KezhengError
from certs.qr import qr_text
from registry.compromise import Compromise, declare
from registry.issuing import release_chunks
from registry.issuing.reissue import start_reissue
from registry.jobs import engine as engine_module
from registry.jobs.attempts import MOST_DEATHS, AttemptState, Order
from registry.jobs.engine import JobEngine, home_of_thread
from registry.jobs.foreground import work_here
from registry.jobs.job import Job, JobKind
from registry.jobs.job_desk import open_job_desk
from registry.jobs.stepwise import Stepwise
from registry.jobs.work import Extent, job_and_extent
from registry.left_lists import fetch_result, leave_list
from registry.signing_keys import issuing_signer
from registry.store.schema_names import SCHEMA_REVISION
from registry.store.states import BatchState

PEOPLE = 2 * CHUNK


def nothing(_done: int) -> None:
    """Nobody looks."""


def go_once_told_to_stop(patch: pytest.MonkeyPatch, go: Event) -> None:
    """Let what is held go on only when its work has been asked to end, however slow the engine is."""
    stop = Stepwise.stop

    def told(stepwise: Stepwise) -> None:
        stop(stepwise)
        go.set()

    patch.setattr(Stepwise, "stop", told)


def test_a_job_is_done_here_with_progress(any_register: JobRegister) -> None:
    batch = any_register.approved(PEOPLE)
    job, extent = any_register.job(batch)
    assert extent == Extent(PEOPLE, 0)
    seen: list[int] = []
    with any_register.engine() as engine:
        work_here(engine, job, extent, seen.append)
        latest = engine.desk.require(job)
        assert (latest.state, latest.number, engine.desk.done(latest)) == (AttemptState.DONE, 1, PEOPLE)
        assert latest.executor == engine.executor
    assert seen == sorted(seen)
    assert seen[-1] == PEOPLE
    any_register.expect_all_issued(batch, PEOPLE)


def test_what_is_done_already_is_done_again_without_harm(register: JobRegister) -> None:
    batch = register.approved(PEOPLE)
    job, extent = register.job(batch)
    with register.engine() as engine:
        work_here(engine, job, extent, nothing)
        work_here(engine, job, extent, nothing)
        assert engine.desk.require(job).number == 2
    register.expect_all_issued(batch, PEOPLE)


def test_a_waiting_job_is_taken_by_who_takes_jobs(any_register: JobRegister) -> None:
    batch = any_register.approved(PEOPLE)
    job = any_register.submit(batch)
    with any_register.engine(takes_jobs=True) as engine:
        wait_until(lambda: engine.desk.require(job).state is AttemptState.DONE)
    any_register.expect_all_issued(batch, PEOPLE)


def test_who_takes_no_jobs_leaves_the_queue_alone_but_does_what_it_is_asked(register: JobRegister) -> None:
    batch, other = register.approved(CHUNK), register.approved(CHUNK, first=50)
    job, waiting = register.submit(batch), register.submit(other)
    with register.engine() as engine:
        work_here(engine, job, Extent(CHUNK, 0), nothing)
        # The run that waited was ended, this process's is the second.
        assert engine.desk.require(job).number == 2
        assert engine.desk.require(waiting).state is AttemptState.WAITING


def test_a_refusal_ends_a_job_with_its_code(any_register: JobRegister, caplog: pytest.LogCaptureFixture) -> None:
    batch = any_register.approved(PEOPLE)
    job, extent = any_register.job(batch)
    with any_register.opened() as desk:
        desk.tamper("UPDATE batch SET rows_digest = :digest WHERE id = :id", digest=b"x" * 32, id=batch)
    with any_register.engine() as engine:
        with pytest.raises(KezhengError, match="approval_stale"):
            work_here(engine, job, extent, nothing)
        refused = engine.desk.require(job)
    assert refused.state is AttemptState.REFUSED
    assert refused.error is not None
    assert refused.error.code == "approval_stale"
    assert caplog.records == []


def test_a_failure_of_the_program_is_internal_and_told_in_the_log(
    register: JobRegister, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(release_chunks, "_start", broken)
    job, extent = register.job(register.approved(CHUNK))
    with register.engine() as engine:
        with pytest.raises((KezhengError, RuntimeError)):
            work_here(engine, job, extent, nothing)
        refused = engine.desk.require(job)
    assert refused.error is not None
    assert refused.error.code == "internal"
    (told,) = [record for record in caplog.records if record.name == "registry.jobs.engine"]
    assert job.id in told.getMessage()


def test_what_passes_by_itself_is_tried_again(register: JobRegister, monkeypatch: pytest.MonkeyPatch) -> None:
    left, start = [2], release_chunks._start

    def unlucky(*given: object) -> object:
        if left[0]:
            left[0] -= 1
            raise KezhengError("log_contended")
        return start(*given)

    monkeypatch.setattr(release_chunks, "_start", unlucky)
    batch = register.approved(PEOPLE)
    job, extent = register.job(batch)
    with register.engine() as engine:
        work_here(engine, job, extent, nothing)
    register.expect_all_issued(batch, PEOPLE)


def test_a_cancelled_job_keeps_what_it_released_and_can_be_resumed(
    any_register: JobRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go = hold_second_chunk(monkeypatch)
    go_once_told_to_stop(monkeypatch, go)
    batch = any_register.approved(3 * CHUNK)
    job, extent = any_register.job(batch)
    with any_register.engine() as engine:
        outcome: list[BaseException] = []

        def attend() -> None:
            try:
                work_here(engine, job, extent, nothing)
            except KezhengError as error:
                outcome.append(error)

        attending = Thread(target=attend)
        attending.start()
        assert reached.wait(120)
        engine.desk.cancel(engine.desk.require(job))
        attending.join(120)
        assert [str(error) for error in outcome] == [f"job_cancelled (job={job.id})"]
    with any_register.opened() as desk:
        assert desk.batch(batch).state is BatchState.ISSUING
    again, left = any_register.job(batch)
    assert again == job
    assert 0 < left.done < left.total
    with any_register.engine() as engine:
        work_here(engine, job, left, nothing)
    any_register.expect_all_issued(batch, 3 * CHUNK)


def test_who_waits_watches_who_is_at_it(register: JobRegister, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go = hold_second_chunk(monkeypatch)
    batch = register.approved(PEOPLE)
    job, extent = register.job(batch)
    with register.engine() as engine:
        first = Thread(target=work_here, args=(engine, job, extent, nothing))
        first.start()
        assert reached.wait(120)
        second = Thread(target=work_here, args=(engine, job, extent, nothing))
        second.start()
        second.join(0.3)
        assert second.is_alive()
        go.set()
        first.join(120)
        second.join(120)
        assert engine.desk.require(job).number == 1
    register.expect_all_issued(batch, PEOPLE)


def test_an_engine_that_ends_hands_on_what_is_left(register: JobRegister, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go = hold_second_chunk(monkeypatch)
    go_once_told_to_stop(monkeypatch, go)
    batch = register.approved(3 * CHUNK)
    job = register.submit(batch)
    with register.engine(takes_jobs=True):
        assert reached.wait(120)
    left = register.latest(job)
    assert (left.number, left.state, left.order.deaths) == (2, AttemptState.WAITING, 0)
    assert left.order.extent.done >= CHUNK
    with register.engine(takes_jobs=True) as engine:
        wait_until(lambda: engine.desk.require(job).state is AttemptState.DONE)
        assert engine.desk.done(engine.desk.require(job)) == 3 * CHUNK
    register.expect_all_issued(batch, 3 * CHUNK)


def test_a_job_over_which_processes_keep_dying_is_not_tried_for_ever(register: JobRegister) -> None:
    job, extent = register.job(register.approved(CHUNK))
    with register.engine(takes_jobs=True) as engine:
        engine.desk.hand_on(job, 1, Order(extent, MOST_DEATHS - 1), 0, is_death=True)
        wait_until(lambda: not engine.desk.require(job).is_unfinished)
        error = engine.desk.require(job).error
    assert error is not None
    assert (error.code, error.params["count"]) == ("job_keeps_failing", MOST_DEATHS)


def test_certificates_of_a_stolen_key_are_issued_again(any_register: JobRegister) -> None:
    with any_register.opened() as desk:
        kid = stolen_key_of(desk)
        started = start_reissue(desk.home, kid, None, "经办甲", "复核乙", desk.now)
        with desk.home.store.reading() as tx:
            job, extent = job_and_extent(tx, JobKind.REISSUE, kid.hex())
    assert (job.owner, extent) == (ASSESSOR, Extent(len(started.numbers), 0))
    with any_register.engine() as engine:
        work_here(engine, job, extent, nothing)
    with any_register.opened() as desk:
        assert {report["verdict"] for report in desk.reports(started.numbers)} == {"valid"}


def stolen_key_of(desk: Desk) -> bytes:
    """A key that was stolen before it signed three certificates."""
    desk.certify(people(1, 2, 3), ASSESSOR)
    with desk.home.store.reading() as tx:
        kid = issuing_signer(desk.home, tx, ASSESSOR, desk.now).kid
    declare(desk.home, Compromise(kid, desk.now - timedelta(minutes=1), "机构甲", "登记官乙"), desk.now)
    return kid


def test_a_batch_is_drawn_with_an_archive_of_its_files(register: JobRegister) -> None:
    batch = register.approved(2)
    with register.engine() as engine:
        work_here(engine, *register.job(batch), nothing)
        job, extent = register.job(batch, JobKind.RENDER)
        work_here(engine, job, extent, nothing)
        assert engine.desk.done(engine.desk.require(job)) == extent.total == 2
    folder = register.settings.exports_folder / batch
    with zipfile.ZipFile(folder.with_suffix(".zip")) as archive:
        assert sorted(archive.namelist()) == sorted(path.name for path in folder.iterdir())
        assert len([name for name in archive.namelist() if name.endswith(".pdf")]) == 2


def test_a_list_that_was_left_is_checked(any_register: JobRegister) -> None:
    with any_register.opened() as desk:
        numbers = [certificate.number for certificate in desk.certify(people(1, 2), ASSESSOR)]
        texts = [qr_text(desk.home.settings.public_url, desk.certificate(number).envelope or b"") for number in numbers]
        name = leave_list(desk.home, "\n".join(texts).encode(), desk.now)
    job = any_register.submit(name, JobKind.CHECK)
    assert job.owner == "registry"
    with any_register.engine(takes_jobs=True) as engine:
        wait_until(lambda: not engine.desk.require(job).is_unfinished)
        checked = engine.desk.require(job)
        assert (checked.state, engine.desk.done(checked)) == (AttemptState.DONE, 2)
    with any_register.opened() as desk:
        assert fetch_result(desk.home, name).startswith(b"PK")


@pytest.mark.parametrize("kind", JobKind)
def test_a_job_about_nothing_is_refused(register: JobRegister, kind: JobKind) -> None:
    for subject in ("B20261120-0000000000", "00ff00ff00ff00ff", "nonsense"):
        with pytest.raises(KezhengError, match=r"batch_unknown|signing_key_unknown|webhook_unknown|list_not_kept"):
            register.job(subject, kind)


def test_a_batch_that_is_not_approved_is_no_job(register: JobRegister) -> None:
    with register.opened() as desk:
        batch = desk.bring(people(1), ASSESSOR)
    for kind in (JobKind.ISSUE, JobKind.RENDER):
        with pytest.raises(KezhengError, match="batch_state"):
            register.job(batch.id, kind)


def test_the_library_is_told_who_we_are_and_says_nothing(
    any_register: JobRegister, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with any_register.engine(takes_jobs=True) as first:
        assert GlobalParams.app_version == SCHEMA_REVISION
        assert GlobalParams.executor_id == first.executor
    with any_register.engine() as second:
        assert second.executor != first.executor
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert dbos.__name__ == "dbos"


def test_a_process_has_one_engine(register: JobRegister) -> None:
    with register.engine(), pytest.raises(AssertionError), register.engine():
        pass
    assert engine_module._engine is None


def test_another_threads_home_has_the_same_keys_and_its_own_tree(register: JobRegister) -> None:
    with register.opened() as desk:
        twin = home_of_thread(desk.home)
        assert twin.keyring is desk.home.keyring
        assert twin.store is desk.home.store
        assert twin.log_place is not desk.home.log_place


def test_a_name_of_a_run_is_what_the_engine_calls_it(register: JobRegister) -> None:
    job, extent = register.job(register.approved(1))
    with register.engine() as engine:
        assert isinstance(engine, JobEngine)
        assert engine.done_here(job.attempt_id(1)) is None
        work_here(engine, job, extent, nothing)
    with open_job_desk(register.settings) as desk:
        assert desk.require(job).id == Job(job.kind, job.owner, job.subject).attempt_id(1)
