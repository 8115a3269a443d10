"""What operations are told of a worker: from memory, with the code of what was refused, nothing personal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from exposed_metrics import samples
from job_register import JobRegister, register_at
from register_desk import Desk, people

from certs.errors import KezhengError
from certs.log_entry import clock_body
from certs.status import State
from registry.api.worker_api import create_worker_app
from registry.jobs.job import JobKind
from registry.store import job_counts
from registry.store.certificate_states import record_released
from registry.store.engine import WriteTransaction
from registry.webhooks.hooks import enter_webhook
from registry.worker_role import Upkeep
from registry.worker_watch import LATE_SECONDS, WorkerWatch
from verify_site.webserver.counts_of_processes import CountsOfProcesses

pytestmark = pytest.mark.anyio
ASSESSOR = "P000115000001"
Found = dict[tuple[str, ...], float]


class Watched:
    """A desk's upkeep, its watch, and a clock that a test turns."""

    def __init__(self, desk: Desk, shared: CountsOfProcesses | None = None) -> None:
        self.seconds = 1000.0
        self.watch = WorkerWatch(shared, lambda: self.seconds)
        self.upkeep = Upkeep(desk.home, desk.clock, self.watch)

    async def ask(self, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(create_worker_app(self.watch))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    async def metrics(self) -> Found:
        return samples((await self.ask("/metrics")).content)

    async def readiness(self) -> tuple[int, str]:
        answer = await self.ask("/readyz")
        return answer.status_code, answer.json().get("code", "ready")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def watched(desk: Desk) -> Watched:
    return Watched(desk)


# --- readiness


@pytest.mark.parametrize(("off", "status"), [(0, HTTPStatus.OK), (1, HTTPStatus.SERVICE_UNAVAILABLE)])
async def test_a_worker_is_ready_for_a_minute_after_a_round_that_succeeded(
    watched: Watched, off: int, status: HTTPStatus
) -> None:
    watched.upkeep.round()
    watched.seconds += LATE_SECONDS + off
    assert (await watched.readiness())[0] == status
    assert (await watched.ask("/healthz")).status_code == HTTPStatus.OK


async def test_it_says_with_which_code_it_was_refused(watched: Watched) -> None:
    watched.upkeep.round()
    watched.watch.note_refusal(KezhengError("log_witness_unreachable", witness="https://m.example"))
    assert await watched.readiness() == (200, "ready")
    watched.seconds += LATE_SECONDS + 1
    assert await watched.readiness() == (503, "log_witness_unreachable")
    watched.upkeep.round()
    assert await watched.readiness() == (200, "ready")


async def test_a_worker_that_hangs_says_so_without_having_been_refused(watched: Watched) -> None:
    assert await watched.readiness() == (503, "upkeep_overdue")
    watched.upkeep.round()
    watched.seconds += 90
    answer = await watched.ask("/readyz")
    assert answer.json()["code"] == "upkeep_overdue"
    assert "90" in answer.json()["title"]


# --- metrics


async def test_rounds_and_refusals_by_code(watched: Watched) -> None:
    watched.upkeep.round()
    watched.upkeep.round()
    watched.watch.note_refusal(KezhengError("store_busy"))
    watched.seconds += 7
    found = await watched.metrics()
    assert found["kezheng_upkeep_rounds_total",] == 2
    assert found["kezheng_upkeep_refusals_total", "store_busy"] == 1
    assert found["kezheng_upkeep_age_seconds",] == 7


async def test_how_far_the_register_is_committed_signed_and_published(desk: Desk, watched: Watched) -> None:
    watched.upkeep.round()
    watched.upkeep.round()
    names = ("kezheng_log_committed_entries", "kezheng_log_signed_entries", "kezheng_log_published_entries")
    before = await watched.metrics()
    size = before[names[0],]
    assert [before[name,] for name in names] == [size] * 3
    with desk.home.store.transaction() as tx:
        desk.home.log(tx, [clock_body(), clock_body()], desk.now)
    watched.upkeep.round()
    after = await watched.metrics()
    assert [after[name,] for name in names] == [size + 2, size, size]


async def test_how_long_what_is_signed_may_still_be_used(desk: Desk, watched: Watched) -> None:
    desk.now = datetime.now(UTC)
    watched.upkeep.round()
    found = await watched.metrics()
    days = timedelta(days=1).total_seconds()
    assert 15 * days < found["kezheng_trust_list_seconds_left",] <= 30 * days
    assert 1.5 * days < found["kezheng_status_seconds_left",] <= 3 * days
    assert 0 <= found["kezheng_checkpoint_age_seconds",] < days


async def test_what_waits_by_kind_of_job_and_for_webhooks(home_folder: Path, desk: Desk) -> None:
    register: JobRegister = register_at(home_folder)
    watched = Watched(desk)
    watched.upkeep.round()
    assert (await watched.metrics())["kezheng_jobs", "issue", "waiting"] == 0
    register.submit(register.approved(2))
    register.submit(register.approved(2, first=10))
    enter_webhook(desk.home, ASSESSOR, "https://hooks.example.cn/kezheng", "经办甲", desk.now)
    (certificate,) = desk.certify(people(30), ASSESSOR)
    desk.change(certificate.number, State.REVOKED, "exam_misconduct")
    watched.watch.measure(desk.home)
    found = await watched.metrics()
    jobs = {sample[1:]: count for sample, count in found.items() if sample[0] == "kezheng_jobs"}
    assert jobs["issue", "waiting"] == 2
    assert sum(jobs.values()) == 2
    assert {kind for kind, _ in jobs} == {kind.value for kind in JobKind}
    waiting = desk.value("SELECT count(*) FROM webhook_message WHERE state = 'waiting'")
    assert found["kezheng_webhook_messages_waiting",] == waiting > 0


async def test_what_cannot_be_counted_is_told_as_that_and_the_upkeep_goes_on(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> list[tuple[str, str]]:
        raise KezhengError("store_unavailable")

    watched.upkeep.round()
    monkeypatch.setattr(job_counts.JobCounts, "by_name", away)
    watched.watch.measure(watched.upkeep._home)
    watched.upkeep.round()
    found = await watched.metrics()
    assert found["kezheng_measurements_refused_total", "store_unavailable"] == 1
    assert not any(sample[0] == "kezheng_jobs" for sample in found)
    assert await watched.readiness() == (200, "ready")


async def test_certificates_that_this_process_released(desk: Desk, watched: Watched) -> None:
    watched.upkeep.round()
    before = (await watched.metrics())["kezheng_certificates_released_total",]
    desk.certify(people(1, 2, 3), ASSESSOR)
    watched.upkeep.round()
    assert (await watched.metrics())["kezheng_certificates_released_total",] == before + 3


async def test_a_release_that_is_rolled_back_is_not_counted(desk: Desk, watched: Watched) -> None:
    watched.upkeep.round()
    before = (await watched.metrics())["kezheng_certificates_released_total",]
    (certificate,) = desk.certify(people(1), ASSESSOR)
    desk.tamper("UPDATE certificate SET state = 'logged'")
    with pytest.raises(ZeroDivisionError), desk.home.store.transaction() as tx:
        release_and_fail(tx, certificate.id)
    watched.upkeep.round()
    assert (await watched.metrics())["kezheng_certificates_released_total",] == before + 1


def release_and_fail(tx: WriteTransaction, certificate_id: int) -> None:
    record_released(tx, [certificate_id])
    raise ZeroDivisionError


async def test_several_workers_add_up_what_they_count_and_tell_the_worst_of_what_they_measure(
    desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "counts"
    folder.mkdir()
    one, other = (Watched(desk, CountsOfProcesses(folder)) for _ in range(2))
    one.upkeep.round()
    other.upkeep.round()
    other.seconds += 30
    other.watch.counting.share(other.watch.gauges())
    found = await one.metrics()
    assert (found["kezheng_upkeep_rounds_total",], found["kezheng_processes",]) == (2, 2)
    assert 30 <= found["kezheng_upkeep_age_seconds",] < 40
    assert found["kezheng_jobs", "issue", "waiting"] == 0


async def test_nothing_of_a_person_or_an_institution_is_told(desk: Desk, watched: Watched) -> None:
    (certificate,) = desk.certify(people(1), ASSESSOR)
    watched.upkeep.round()
    text = (await watched.ask("/metrics")).text + json.dumps((await watched.ask("/readyz")).json())
    assert not any(secret in text for secret in (certificate.number, ASSESSOR, "测试"))
