"""Processes that die, that are two at once, that are of another version: every certificate is issued once."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from job_register import ASSESSOR, CHUNK, JobRegister, Workers, held_first, telling_child, wait_until
from random_signer import RandomSigner
from register_crash import exit_code

from certs.cose import to_be_signed
from registry.jobs.attempts import AttemptState, Order
from registry.jobs.job import Job
from registry.jobs.job_desk import open_job_desk
from registry.keyring import Keyring
from registry.signing_keys import issuing_signer

PEOPLE = 3 * CHUNK


def finished(register: JobRegister, job: Job) -> bool:
    latest = register.latest(job)
    assert latest.error is None
    return latest.state is AttemptState.DONE


@pytest.mark.slow
def test_a_killed_workers_job_is_gone_on_with_by_a_living_one(any_register: JobRegister, workers: Workers) -> None:
    batch, job, first = held_first(any_register, workers, PEOPLE)
    workers.start("second")
    workers.kill(first)
    wait_until(lambda: finished(any_register, job))
    assert any_register.latest(job).number == 2
    # The first chunk was released and is not begun again; the one that was under way is.
    assert workers.chunks_of("second") == 2
    any_register.expect_all_issued(batch, PEOPLE)


@pytest.mark.slow
def test_a_second_worker_leaves_alone_what_a_living_one_is_at(any_register: JobRegister, workers: Workers) -> None:
    batch, job, _ = held_first(any_register, workers, PEOPLE)
    workers.start("second")
    time.sleep(1)
    assert workers.chunks_of("second") == 0
    workers.release("first")
    wait_until(lambda: finished(any_register, job))
    assert any_register.latest(job).number == 1
    assert workers.chunks_of("second") == 0
    any_register.expect_all_issued(batch, PEOPLE)


@pytest.mark.slow
def test_a_newer_program_goes_on_with_the_jobs_of_the_older(any_register: JobRegister, workers: Workers) -> None:
    batch, waiting = any_register.approved(PEOPLE), any_register.approved(CHUNK, first=100)
    job, other = any_register.submit(batch), any_register.submit(waiting)
    old = workers.start("old", held_in=2, version="0001")
    workers.wait_held("old")
    workers.kill(old)
    workers.start("new")
    wait_until(lambda: finished(any_register, job) and finished(any_register, other))
    with any_register.opened() as desk:
        found = [*desk.certificates(batch), *desk.certificates(waiting)]
        assert len({certificate.number for certificate in found}) == PEOPLE + CHUNK
        assert {report["verdict"] for report in desk.reports(c.number for c in found)} == {"valid"}


@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_hands_its_job_on(any_register: JobRegister, workers: Workers) -> None:
    batch, job, first = held_first(any_register, workers, PEOPLE)
    workers.release("first")
    assert workers.end(first) == 0
    left = any_register.latest(job)
    if left.is_unfinished:
        assert (left.number, left.state, left.order.deaths) == (2, AttemptState.WAITING, 0)
        workers.start("second")
    wait_until(lambda: finished(any_register, job))
    any_register.expect_all_issued(batch, PEOPLE)


@pytest.mark.slow
def test_two_runs_of_one_job_at_the_same_time_with_a_signer_that_never_signs_alike(
    any_register: JobRegister, tmp_path: Path
) -> None:
    batch = any_register.approved(PEOPLE)
    job, extent = any_register.job(batch)
    go = tmp_path / "go"

    def run(number: int) -> None:
        opened, known = Keyring.signer_by_kid, {}
        Keyring.signer_by_kid = lambda keyring, kid: known.setdefault(kid, RandomSigner(opened(keyring, kid)))
        with any_register.engine() as engine:
            wait_until(go.exists)
            engine.start(job, number, Order(extent))
            wait_until(lambda: engine.desk.require(job).number == 2 and not engine.desk.unfinished())

    children = [telling_child(partial(run, number), tmp_path / f"{number}.told") for number in (1, 2)]
    time.sleep(0.3)
    go.touch()
    codes = [exit_code(child) for child in children]
    assert [path.read_text() for path in tmp_path.glob("*.told")] == []
    assert codes == [0, 0]
    with open_job_desk(any_register.settings) as desk:
        assert [(attempt.state, attempt.error) for attempt in desk.recent()] == [(AttemptState.DONE, None)]
    any_register.expect_all_issued(batch, PEOPLE)


def test_the_random_signer_signs_validly_and_never_alike(register: JobRegister) -> None:
    with register.opened() as desk, desk.home.store.reading() as tx:
        inner = issuing_signer(desk.home, tx, ASSESSOR, desk.now)
        message = to_be_signed(inner.kid, b"\xa0")
        signatures = {RandomSigner(inner).sign(message) for _ in range(3)}
    assert len(signatures) == 3
    public = Ed25519PublicKey.from_public_bytes(inner.public_key)
    for signature in signatures:
        public.verify(signature, message)


@pytest.mark.slow
def test_whoever_is_killed_whenever_each_number_is_issued_once(any_register: JobRegister, workers: Workers) -> None:
    batch = any_register.approved(PEOPLE)
    job = any_register.submit(batch)
    chance = random.Random(5)
    running = [workers.start(f"first.{place}") for place in range(2)]
    for place in range(4):
        time.sleep(chance.uniform(0.05, 0.6))
        workers.kill(running.pop(chance.randrange(2)))
        running.append(workers.start(f"next.{place}"))
    wait_until(lambda: finished(any_register, job))
    any_register.expect_all_issued(batch, PEOPLE)
