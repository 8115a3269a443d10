"""Webhooks as jobs: what is due is given to the workers, once; a real receiver gets it signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import orjson
import pytest
from job_register import ASSESSOR, JobRegister, wait_until
from receiving_system import Receiver, receiving_system
from register_desk import OPERATOR, people

from registry.jobs import work
from registry.jobs.job import Job, JobKind
from registry.jobs.job_desk import MOST_WAITING, open_job_desk
from registry.jobs.work import Extent
from registry.jobs.worker import run_worker, submit_deliveries
from registry.store.states import MessageState
from registry.store.webhook_store import messages_of_webhook
from registry.webhooks.hooks import enter_webhook
from registry.webhooks.post import HttpsPost


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver on this machine that stands for one in the world."""
    with receiving_system(tmp_path) as running:
        post = HttpsPost(running.trusted, lambda *_: ["127.0.0.1"], lambda _: True)
        monkeypatch.setattr(work, "HttpsPost", lambda: post)
        yield running


def enter(register: JobRegister, url: str) -> int:
    with register.opened() as desk:
        return enter_webhook(desk.home, ASSESSOR, url, OPERATOR, desk.now).webhook.id


def is_taken(register: JobRegister, webhook: int, count: int) -> bool:
    with register.opened() as desk, desk.home.store.reading() as tx:
        states = [message.state for message in messages_of_webhook(tx, webhook, 10)]
    return states == [MessageState.TAKEN] * count


def test_a_worker_sends_what_is_due(register: JobRegister, receiver: Receiver) -> None:
    webhook = enter(register, receiver.url)
    with register.opened() as desk:
        [certificate] = desk.certify(people(1), ASSESSOR)
    stop = Event()
    worker = Thread(target=run_worker, args=(register.settings, {}, stop))
    worker.start()
    try:
        wait_until(lambda: is_taken(register, webhook, 2))
    finally:
        stop.set()
        worker.join()
    told = [orjson.loads(body) for _, _, body in receiver.requests]
    assert [each["type"] for each in told] == ["ping", "batch.released"]
    assert told[1]["data"]["batch"] == certificate.batch_id


def test_one_job_for_what_is_due_however_often_it_is_looked(register: JobRegister) -> None:
    webhook = enter(register, "https://hooks.example.cn")
    job = Job(JobKind.DELIVER, ASSESSOR, str(webhook))
    with register.opened() as desk, open_job_desk(register.settings) as jobs:
        for _ in range(3):
            submit_deliveries(desk.home, jobs, desk.now)
        assert [attempt.job for attempt in jobs.unfinished()] == [job]
        assert jobs.require(job).order.extent == Extent(1, 0)


def test_an_institution_with_a_full_queue_holds_up_nobody_elses_messages(register: JobRegister) -> None:
    enter(register, "https://hooks.example.cn")
    with register.opened() as desk, open_job_desk(register.settings) as jobs:
        other = enter_webhook(desk.home, "P000215000002", "https://hooks.example.cn", OPERATOR, desk.now)
        for place in range(MOST_WAITING):
            jobs.submit(Job(JobKind.RENDER, ASSESSOR, f"batch{place}"), Extent(1, 0))
        submit_deliveries(desk.home, jobs, desk.now)
        delivered = [each.job for each in jobs.unfinished() if each.job.kind is JobKind.DELIVER]
    assert delivered == [Job(JobKind.DELIVER, "P000215000002", str(other.webhook.id))]
