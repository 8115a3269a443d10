"""The log: one JSON object a line, with route templates, without anything personal."""

from __future__ import annotations

import io
import logging

import orjson
import pytest
from site_simulator import TestSite, number_of, payload_of

from verify_site import access_log
from verify_site.access_log import MAX_WAITING, AccessLog, log_to_stderr

pytestmark = pytest.mark.anyio


def lines_of(written: bytes | str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in written.splitlines()]


async def test_a_request_is_one_line_of_json() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append, lambda: 1_795_000_000.25)
    log.note("GET", "/v/{payload}", 200, 0.00123)
    log.flush()
    [line] = lines_of(b"".join(written))
    line.pop("pid")
    assert line == {
        "time": "2026-11-18T11:06:40.250Z",
        "level": "info",
        "event": "request",
        "method": "GET",
        "route": "/v/{payload}",
        "status": 200,
        "ms": 1.23,
    }


async def test_lines_are_written_together_and_none_waits_for_long() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append)
    for _ in range(MAX_WAITING - 1):
        log.note("GET", "/", 200, 0.0)
    assert written == []
    log.note("GET", "/", 200, 0.0)
    assert len(lines_of(written[0])) == MAX_WAITING
    log.flush()
    assert len(written) == 1


async def test_a_single_line_is_written_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "GATHER_SECONDS", 0.001)
    written: list[bytes] = []
    log = AccessLog(written.append)
    log.note("GET", "/", 200, 0.0)
    for _ in range(1000):
        if written:
            break
        await access_log.asyncio.sleep(0.002)
    assert len(lines_of(written[0])) == 1


async def test_without_a_writer_nothing_is_kept() -> None:
    log = AccessLog()
    log.note("GET", "/", 200, 0.0)
    assert not log._waiting


async def test_the_programs_own_lines_have_the_same_shape(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    loggers = [logging.getLogger(name) for name in ("kezheng", "uvicorn", "uvicorn.access")]
    kept = [(each, each.handlers, each.level, each.propagate, each.disabled) for each in loggers]

    def restore() -> None:
        for each, each.handlers, each.level, each.propagate, each.disabled in kept:
            each.setLevel(each.level)

    request.addfinalizer(restore)
    stderr = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    monkeypatch.setattr("sys.stderr", stderr)
    log = log_to_stderr()
    logging.getLogger("kezheng.site").warning("could not refresh the snapshot: %s", "OSError")
    log.note("GET", "/", 200, 0.0)
    log.flush()
    told, request_line = lines_of(stderr.buffer.getvalue())  # type: ignore[attr-defined]
    assert (told["level"], told["event"]) == ("warning", "kezheng.site")
    assert told["message"] == "could not refresh the snapshot: OSError"
    assert told.keys() - {"message"} <= request_line.keys()


async def test_no_line_holds_anything_of_a_certificate_or_a_client(made: TestSite, first: str) -> None:
    text = made.world.issue(first, name="张小明", id_tail="123X")
    number = number_of(made.world, text)
    made.source.publish()
    async with made.client("203.0.113.7", **{"user-agent": "Someone's phone"}) as client:
        await client.get(f"/v/{payload_of(text)}?from=friend")
        await client.get(f"/v/{payload_of(text)}?view=print")
        await client.post("/api/v1/verify", json={"qr": text})
        await client.post("/api/v1/verify", json={"number": number, "name": "张小明"})
        await client.post("/check", data={"number": number, "name": "张小明"})
        await client.get(f"/{number}")
        await client.get(f"/institutions/{number}")
    written = made.logged()
    for secret in ("张小明", "123X", payload_of(text), number, "203.0.113", "phone", "friend"):
        assert secret not in written
    routes = [line["route"] for line in lines_of(written)]
    assert routes[:2] == ["/v/{payload}"] * 2
    assert len(routes) == 7
