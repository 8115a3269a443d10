"""A worker of its own, asked over HTTP: by `kezheng serve --role worker`, with several processes on one port."""

from __future__ import annotations

import json
import signal
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from exposed_metrics import scraped
from job_register import register_at, wait_until
from register_desk import Desk, people
from running_site import PATIENCE, answers, free_port, served_role

from certs.errors import KezhengError
from registry.home import open_home
from registry.serving import serve_worker
from registry.settings import load_settings

pytestmark = pytest.mark.slow


def readiness(port: int) -> tuple[int, str]:
    """What ``/readyz`` says: the status, and the code of a refusal."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as response:
            return int(response.status), "ready"
    except HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())["code"]
    except (URLError, ConnectionError, TimeoutError):
        return 0, "no answer"


def test_a_batch_is_issued_by_workers_that_tell_of_it(home_folder: Path) -> None:
    """Two processes behind one port: what they count is added up, whoever answers."""
    port, register = free_port(), register_at(home_folder)
    with open_home(register.settings, {}) as home:
        desk = Desk(home, datetime.now(UTC) - timedelta(minutes=1))
        from_roster = desk.approve(desk.bring(people(1, 2, 3), "P000115000001")).id
    register.submit(from_roster)
    with served_role(home_folder, "worker", "--workers", "2", "--metrics-port", str(port)):
        wait_until(lambda: readiness(port)[0] == 200)

        def is_told() -> bool:
            found = scraped(port)
            return found.get(("kezheng_certificates_released_total",)) == 3 and found["kezheng_processes",] == 2

        wait_until(is_told)

        def is_published() -> bool:
            found = scraped(port)
            names = ("kezheng_log_committed_entries", "kezheng_log_signed_entries", "kezheng_log_published_entries")
            nothing_waits = found["kezheng_jobs", "issue", "waiting"] + found["kezheng_jobs", "issue", "running"] == 0
            return len({found[name,] for name in names}) == 1 and nothing_waits

        wait_until(is_published)
        found = scraped(port)
        assert found["kezheng_trust_list_seconds_left",] > found["kezheng_status_seconds_left",] > 0
        assert found["kezheng_requests_total", "GET", "/metrics", "200"] > 1
    assert not answers(port)


def test_a_worker_without_its_database_lives_and_says_why_it_is_not_ready(home_folder: Path) -> None:
    """Nobody listens where its database should be; the environment names the port."""
    port = free_port()
    away = f"postgresql://kezheng@127.0.0.1:{free_port()}/kezheng"
    with served_role(home_folder, "worker", KEZHENG_DATABASE_URL=away, KEZHENG_WORKER_PORT=str(port)) as process:
        wait_until(lambda: readiness(port) == (503, "store_unavailable"))
        assert answers(port)
        assert scraped(port)["kezheng_upkeep_refusals_total", "store_unavailable"] >= 1
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0


def test_a_port_that_is_taken_is_refused_before_anything_starts(home_folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = replace(load_settings(home_folder, {}), worker_port=other.getsockname()[1])
        with pytest.raises(KezhengError, match=r"^address_taken"):
            serve_worker(settings, {}, 1)
