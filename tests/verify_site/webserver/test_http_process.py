"""The server over its socket: both ways of answering, and an end that closes no door on anybody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from verify_site.webserver.listening import listen

TESTS = Path(__file__).resolve().parent
PATIENCE = 15
pytestmark = pytest.mark.slow


@contextmanager
def running(workers: int = 1, *options: str, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The application under test in so many processes; the group's process and the port."""
    with listen("127.0.0.1", 0) as listening:
        port: int = listening.getsockname()[1]
        command = [sys.executable, "-m", "verify_site.webserver", "app_under_test:app", "--fd", str(listening.fileno())]
        path = f"{TESTS.parents[2]}{os.pathsep}{TESTS}"
        group = subprocess.Popen(
            [*command, "--workers", str(workers), *options],
            env={**os.environ, "PYTHONPATH": path, **environ},
            pass_fds=[listening.fileno()],
        )
    try:
        assert asked(port, "/healthz").startswith("in time")
        yield group, port
    finally:
        group.terminate()
        assert group.wait(timeout=PATIENCE) == 0


def asked(port: int, path: str, method: str = "GET", body: bytes | None = None) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running() as (_, found):
        yield found


def exchange(port: int, sent: bytes) -> bytes:
    """What comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def received_until(connection: socket.socket, awaited: bytes) -> bytes:
    """What comes until something is in it: an answer may come in any number of parts."""
    received = b""
    while awaited not in received:
        part = connection.recv(65536)
        assert part, received
        received += part
    return received


def request(path: str, method: str = "GET", *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


LAST = request("/healthz", "GET", "Connection: close")


def test_a_reply_at_once_is_a_whole_answer(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/now?a=b")
    answer = connection.getresponse()
    body = answer.read()
    assert (answer.status, body.startswith(b"at once "), body.endswith(b" a=b")) == (200, True, True)
    assert answer.getheader("content-length") == str(len(body))
    assert (answer.getheader("x-own"), answer.getheader("content-type")) == ("1", "text/plain")
    assert answer.getheader("date")
    connection.request("GET", "/not%20found")
    other = connection.getresponse()
    assert (other.status, other.read()) == (404, b"nothing here")
    connection.close()


def test_to_head_no_body_is_sent(port: int) -> None:
    received = exchange(port, request("/now", "HEAD") + request("/now", "HEAD", "Connection: close"))
    first, second, rest = received.split(b"\r\n\r\n")
    assert b"content-length: " in first
    assert b"connection: close" in second
    assert rest == b""


def test_both_ways_keep_the_order_on_one_connection(port: int) -> None:
    paths = ["/now?0", "/slow?1", "/now?2", "/healthz?3", "/now?4", "/slow?5", "/now?6"]
    received = exchange(port, b"".join(map(request, paths)) + LAST).decode()
    answers = [line for line in received.split("HTTP/1.1 200 OK") if line]
    assert [answer.strip()[-1] for answer in answers[:-1]] == list("0123456")
    assert "at once" in answers[0]
    assert "in time" in answers[2]  # nothing overtakes the slow one


def test_what_has_a_body_goes_the_ordinary_way(port: int) -> None:
    assert asked(port, "/now", "POST", b"hello").endswith(" hello ")
    received = exchange(port, request("/now", "GET", body=b"ignored") + LAST)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert b"ignored" not in received


@pytest.mark.parametrize("size", [0, 5, 16 * 1024])
def test_a_small_body_is_answered_at_once_where_the_application_says_so(port: int, size: int) -> None:
    body = b"b" * size
    assert asked(port, "/posted", "POST", body).startswith("at once")
    assert asked(port, "/posted", "POST", body).endswith(" " + body.decode())


@pytest.mark.parametrize(
    ("path", "size", "headers"),
    [("/posted", 16 * 1024 + 1, ()), ("/posted", 100_000, ()), ("/refused", 5, ()), ("/healthz", 5, ())],
)
def test_other_bodies_reach_the_ordinary_way_whole(port: int, path: str, size: int, headers: tuple[str, ...]) -> None:
    body = bytes(97 + place % 26 for place in range(size))
    received = exchange(port, request(path, "POST", *headers, body=body) + LAST)
    assert b"in time" in received
    assert body in received
    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_a_body_that_comes_in_pieces_is_one_body(port: int) -> None:
    head, body = request("/posted", "POST", "Content-Length: 6"), b"abcdef"
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as slow:
        for part in (head[:20], head[20:], body[:2], body[2:5], body[5:]):
            slow.sendall(part)
            time.sleep(0.02)
        assert received_until(slow, b" abcdef").endswith(b" abcdef")
    chunked = request("/posted", "POST", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
    assert b" abcdef" in exchange(port, chunked + LAST)


def test_who_expects_a_continuation_gets_it(port: int) -> None:
    head = request("/posted", "POST", "Content-Length: 3", "Expect: 100-continue")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as careful:
        careful.sendall(head)
        assert received_until(careful, b"\r\n\r\n").startswith(b"HTTP/1.1 100 Continue")
        careful.sendall(b"abc")
        assert received_until(careful, b" abc ").startswith(b"HTTP/1.1 200 OK")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads memory in /proc")
def test_who_asks_for_much_and_reads_nothing_is_not_answered_without_end() -> None:
    with running(1) as (group, port):
        [process] = serving_of(group.pid)
        before = resident_mb(process)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as greedy:
            greedy.sendall(request("/large") * 300)
            time.sleep(0.3)
            assert asked(port, "/now").startswith("at once")
            assert resident_mb(process) - before < 20
            received = 0
            while received < 300 * 200_000:
                received += len(greedy.recv(1 << 20))


def resident_mb(process: int) -> float:
    return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_old_versions_and_rubbish_are_answered_and_closed(port: int) -> None:
    assert exchange(port, b"GET /now HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
    assert exchange(port, b"rubbish\r\n\r\n").startswith(b"HTTP/1.1 400")


class Load:
    """Clients that ask without a pause over connections that they keep; every failure counts."""

    def __init__(self, port: int, paths: tuple[str, ...], clients: int = 6) -> None:
        self.port = port
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(paths[n % len(paths)],)) for n in range(clients)]

    def _ask(self, path: str) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while not self._stop.is_set():
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                self.answers.append(answer.read().decode().split()[2])
                if answer.status != 200:
                    self.failures.append(str(answer.status))
            except (OSError, HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until(self, count: int) -> None:
        """Wait until so many more answers have come."""
        wanted, end = len(self.answers) + count, time.monotonic() + PATIENCE
        while len(self.answers) < wanted:
            assert time.monotonic() < end, self.failures
            time.sleep(0.01)


def children_of(process: int) -> list[int]:
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):  # it has just gone
        return []
    return [int(child) for child in found.split()]


def serving_of(group: int) -> list[int]:
    """The processes that answer: each version of the application has one that loaded it, and they are its children."""
    return [serving for loaded in children_of(group) for serving in children_of(loaded)]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")
def test_no_request_fails_while_all_processes_are_replaced_twice() -> None:
    with running(2, "--ready-path", "/ready") as (group, port), Load(port, ("/now", "/healthz", "/slow")) as load:
        load.until(50)
        generations = [set(serving_of(group.pid))]
        for _ in range(2):
            group.send_signal(signal.SIGHUP)
            end = time.monotonic() + PATIENCE
            while len(serving_of(group.pid)) != 2 or set(serving_of(group.pid)) & generations[-1]:
                assert time.monotonic() < end
                load.until(1)
            generations.append(set(serving_of(group.pid)))
            load.until(50)
        assert load.failures == []
        answered = set(map(int, load.answers))
        assert all(generation & answered for generation in generations)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")
def test_a_replacing_process_answers_nothing_before_it_is_ready() -> None:
    with running(1, "--ready-path", "/ready", READY_AFTER="1.0") as (group, port):
        [old] = serving_of(group.pid)
        with Load(port, ("/now",), clients=2) as load:
            group.send_signal(signal.SIGHUP)
            begun = time.monotonic()
            while str(old) in [*load.answers[-5:], str(old)] and old in serving_of(group.pid):
                load.until(20)
            assert time.monotonic() - begun >= 1.0
            assert load.failures == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")
def test_a_process_that_is_killed_takes_only_its_own_requests_with_it() -> None:
    with running(2) as (group, port), Load(port, ("/now", "/healthz")) as load:
        load.until(50)
        os.kill(serving_of(group.pid)[0], signal.SIGKILL)
        load.until(200)
        assert len(load.failures) <= 6
        end = time.monotonic() + PATIENCE
        while len(serving_of(group.pid)) != 2:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")
def test_when_the_process_that_loaded_the_application_is_killed_others_answer_and_no_request_fails() -> None:
    with running(2) as (group, port), Load(port, ("/now", "/healthz")) as load:
        load.until(50)
        before = set(serving_of(group.pid))
        os.kill(children_of(group.pid)[0], signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while len(serving_of(group.pid)) != 2 or before & set(serving_of(group.pid)):
            assert time.monotonic() < end
            time.sleep(0.05)
        while not set(map(int, load.answers[-5:])) <= set(serving_of(group.pid)):
            load.until(1)
        assert load.failures == []


def test_the_last_answers_are_given_before_the_end() -> None:
    with running(1) as (group, port):
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", "/slow")
        time.sleep(0.05)
        group.terminate()
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:7]) == (200, b"in time")
        connection.close()
