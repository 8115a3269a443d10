"""The site and its worker are started and ended together."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from register_desk import Desk, people
from running_site import COMMAND, PATIENCE, answers, free_port

from certs.errors import KezhengError
from certs.qr import base32
from certs.receipt import check_receipt
from registry.serving import bound


def wait_for(condition: object, what: str) -> None:
    assert callable(condition)
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    return [int(child) for child in found]


def answering_under(server: int) -> list[int]:
    """The processes that answer: copies of the one that has loaded the site, which the server's own starts."""
    found: list[int] = []
    for loaded in children_of(server):
        with suppress(FileNotFoundError):  # it has ended since
            found += children_of(loaded)
    return found


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_with_the_site(home_folder: Path, ending: signal.Signals) -> None:
    port = free_port()
    arguments = ["serve", "--home", str(home_folder), "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: answers(port), "the site answers")
        workers = children_of(server.pid)
        assert len(workers) == 3
        server.send_signal(ending)
        out, err = server.communicate(timeout=PATIENCE)
        wait_for(lambda: not any(map(is_running, workers)), "the worker has ended")
    finally:
        server.kill()
        server.wait()
    assert (out, "Traceback" in err) == ("", False)
    assert err.count(f"http://127.0.0.1:{port}/") == 1


def saved_receipt(port: int, payload: str) -> bytes | None:
    """The receipt that the public site gives a program, None while it cannot."""
    address = f"http://127.0.0.1:{port}/v/{payload}?view=receipt"
    request = Request(address, method="POST", headers={"Accept": "application/json"})
    try:
        with urlopen(request, timeout=20) as response:
            content: bytes = response.read()
            return content
    except (URLError, ConnectionError, TimeoutError):
        time.sleep(3)  # the site allows 30 of them an hour
        return None


@pytest.mark.slow
def test_the_whole_site_gives_receipts_that_the_registry_has_signed(desk: Desk) -> None:
    """Three processes beside the one that started them: site without a key, worker that publishes, role that signs."""
    desk.now = datetime.now(UTC) - timedelta(minutes=1)
    (certificate,) = desk.certify(people(1), "P000115000001")
    assert certificate.envelope is not None
    payload, port, found = base32(certificate.envelope), free_port(), list[bytes]()
    arguments = ["serve", "--home", str(desk.folder), "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def is_saved() -> bool:
        receipt = saved_receipt(port, payload)
        found.extend([receipt] if receipt else [])
        return receipt is not None

    try:
        wait_for(lambda: answers(port), "the site answers")
        wait_for(is_saved, "a receipt is saved")
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)
    with desk.home.store.reading() as tx:
        receipt = check_receipt(found[0], desk.home.own_root(tx))
    assert (receipt.verdict.value, receipt.counter_signed) == ("valid", True)


def test_an_address_that_is_taken_is_refused_in_words() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(KezhengError) as refusal:
            bound("127.0.0.1", other.getsockname()[1])
    assert refusal.value.code == "address_taken"
    with bound("127.0.0.1", 0) as listening:
        assert listening.get_inheritable()


def scan(port: int, payload: str, stop: threading.Event, seen: list[str]) -> None:
    """Ask for one certificate over a kept connection until told to stop."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    while not stop.is_set():
        try:
            connection.request("GET", f"/v/{payload}", headers={"Accept": "application/json"})
            seen.append(json.loads(connection.getresponse().read())["verdict"])
        except (OSError, HTTPException) as error:
            seen.append(repr(error))
            connection.close()
    connection.close()


def counted(port: int) -> float:
    """Valid scans as any of the processes tells them."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    found = [line for line in lines if line.startswith('kezheng_verifications_total{verdict="valid",way="qr"}')]
    return float(found[0].split()[-1]) if found else 0.0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")
def test_a_restart_under_load_fails_no_scan_and_loses_no_count(desk: Desk) -> None:
    desk.now = datetime.now(UTC) - timedelta(minutes=1)
    (certificate,) = desk.certify(people(1), "P000115000001")
    assert certificate.envelope is not None
    payload, port, seen, stop = base32(certificate.envelope), free_port(), list[str](), threading.Event()
    arguments = ["serve", "--home", str(desk.folder), "--port", str(port), "--role", "public", "--workers", "2"]
    server = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    clients = [threading.Thread(target=scan, args=(port, payload, stop, seen)) for _ in range(4)]
    try:
        wait_for(lambda: answers(port) and len(answering_under(server.pid)) == 2, "the site answers")
        old = set(answering_under(server.pid))
        for client in clients:
            client.start()
        wait_for(lambda: len(seen) > 50, "scans are answered")
        server.send_signal(signal.SIGHUP)
        totals = [counted(port)]

        def is_replaced() -> bool:
            totals.append(counted(port))
            now = answering_under(server.pid)
            return len(now) == 2 and not old & set(now)

        wait_for(is_replaced, "the processes are replaced")
        wait_for(lambda: len(seen) > 200, "scans are answered")
    finally:
        stop.set()
        for client in clients:
            client.join()
        wait_for(lambda: counted(port) == len(seen), "every scan is counted")
        server.terminate()
        server.wait(timeout=PATIENCE)
    assert set(seen) == {"valid"}
    assert totals == sorted(totals)
