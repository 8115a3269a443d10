"""Reading a publication from a folder or over HTTP: whoever serves it can neither hang nor flood the reader."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from growing_register import GrowingRegister, register_of_two

from certs.errors import KezhengError
from registry import log_source
from registry.log_monitor import Question, look
from registry.log_source import longest_file, open_log_source
from registry.publishing.static_files import write_published

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A web server whose answers a test writes."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request: request.send_error(404)
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                """Tests read ``asked``."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def serving(files: dict[str, bytes], below: str = "/") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        content = files.get(request.path.removeprefix(below)) if request.path.startswith(below) else None
        if content is None:
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("content-length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def register() -> GrowingRegister:
    made, first, _ = register_of_two()
    made.certify(first, 300)
    made.publish()
    return made


def unreachable(where: str, name: str = "trust-list.jws") -> str:
    with pytest.raises(KezhengError) as refused, open_log_source(where) as source:
        source.file(name)
    assert refused.value.code == "log_source_unreachable"
    return str(refused.value.params["where"])


@pytest.mark.parametrize(("below", "path"), [("/", ""), ("/mirror/", "/mirror"), ("/published/", "/")])
def test_a_register_is_watched_over_http(server: Server, below: str, path: str) -> None:
    made = register()
    server.answer = serving(made.files, below)
    with open_log_source(server.address + path) as source:
        seen = look(source, Question(made.root), None, made.now)
    assert (seen.alarms, seen.memory is None) == ((), False)


def test_a_register_is_watched_in_a_folder(tmp_path: Path) -> None:
    made = register()
    for name, content in made.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with open_log_source(str(tmp_path)) as source:
        seen = look(source, Question(made.root), None, made.now)
        assert source.file("no/such/file") is None
        assert source.file("log") is None
        assert source.log_file("checkpoint/below") is None
    assert seen.alarms == ()


def test_a_folder_or_server_that_is_not_there(server: Server, tmp_path: Path) -> None:
    unreachable(str(tmp_path / "nowhere"))
    address = server.address
    server.stop()
    unreachable(address)
    unreachable("http://[malformed")


def test_what_is_not_there_is_none_and_errors_are_errors(server: Server) -> None:
    with open_log_source(server.address) as source:
        assert source.file("trust-list.jws") is None
        for status in (301, 302, 403, 500, 503):
            server.answer = partial(BaseHTTPRequestHandler.send_error, code=status)
            with pytest.raises(KezhengError) as refused:
                source.file("trust-list.jws")
            assert refused.value.code == "log_source_unreachable"
        server.answer = lambda request: request.send_error(410)
        assert source.file("trust-list.jws") is None


def test_a_redirection_is_not_followed(server: Server) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("location", f"{server.address}/elsewhere")
        request.send_header("content-length", "0")
        request.end_headers()

    server.answer = answer
    unreachable(server.address)
    assert not [path for path in server.asked if "elsewhere" in path]


@pytest.mark.parametrize("extra", [0, 1])
def test_a_file_has_a_longest_length(server: Server, tmp_path: Path, extra: int) -> None:
    name = "log/tile/0/000"
    content = bytes(longest_file(name) + extra)
    (tmp_path / "log/tile/0").mkdir(parents=True)
    (tmp_path / name).write_bytes(content)
    server.answer = serving({name: content, "log/checkpoint": b""})
    for where in (str(tmp_path), server.address):
        if extra:
            unreachable(where, name)
        else:
            with open_log_source(where) as source:
                assert source.file(name) == content


def test_an_endless_answer_is_cut_off(server: Server) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(bytes(65_536))
        except OSError:
            request.close_connection = True

    server.answer = endless
    unreachable(server.address, "log/checkpoint")


def test_a_slow_answer_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def dripping(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while not ended.wait(0.02):
                request.wfile.write(b".")
                request.wfile.flush()
        except OSError:
            request.close_connection = True

    monkeypatch.setattr(log_source, "FILE_SECONDS", 0.2)
    server.answer = dripping
    unreachable(server.address, "log/checkpoint")
    ended.set()


def test_a_silent_server_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(log_source, "SILENCE_SECONDS", 0.1)

    def silent(_request: BaseHTTPRequestHandler) -> None:
        ended.wait(5)

    server.answer = silent
    unreachable(server.address)
    ended.set()


def test_compressed_answers_are_not_asked_for(server: Server) -> None:
    seen = set()

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.add(request.headers["accept-encoding"])
        request.send_error(404)

    server.answer = answer
    with open_log_source(server.address) as source:
        source.file("log/checkpoint")
    assert seen == {"identity"}


def test_each_kind_of_file_has_its_bound() -> None:
    lengths = {name: longest_file(name) for name in ("log/checkpoint", "log/tile/3/000", "log/index/0", "root.jwk")}
    assert lengths["log/checkpoint"] == 65_536
    assert lengths["log/tile/3/000"] == 8192
    assert lengths["log/index/0"] == 1_048_576
    assert longest_file("log/tile/entries/000") == 256 * 65_537
    assert longest_file("checkpoint") == lengths["root.jwk"]


def test_what_publish_writes_can_be_watched(tmp_path: Path) -> None:
    made = register()
    log = tmp_path / "log"
    for name, content in made.files.items():
        if name.startswith("log/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
    own = {name: content for name, content in made.files.items() if not name.startswith("log/")}
    write_published(tmp_path / "public", own, log)
    with open_log_source(str(tmp_path / "public")) as source:
        assert look(source, Question(made.root), None, made.now).alarms == ()
