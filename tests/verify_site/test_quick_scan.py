"""Scans are answered in front of the framework exactly as behind it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from site_simulator import SAMPLES, TestSite, make_site, payload_of, sample_world

from certs.finding import Verdict
from verify_site.app import SiteApp
from verify_site.quick_scan import VERIFY

pytestmark = pytest.mark.anyio
JSON, HTML = {"accept": "application/json"}, {"accept": "text/html,*/*"}
CHECK_ID = re.compile(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}")


def scope(path: str, method: str = "GET", query: str = "", accept: str = "") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"accept", accept.encode())],
    }


def app_of(made: TestSite) -> SiteApp:
    assert isinstance(made.app, SiteApp)
    return made.app


@pytest.mark.parametrize("language", ["", "&lang=en"])
@pytest.mark.parametrize("accept", [JSON, HTML], ids=["report", "page"])
@pytest.mark.parametrize("name", SAMPLES)
async def test_both_ways_give_the_same(name: str, accept: dict[str, str], language: str, tmp_path: Path) -> None:
    world, first = sample_world()
    payload = payload_of(SAMPLES[name](world, first))
    made = make_site(world, tmp_path)
    async with made.client() as client:
        quick = await client.get(f"/v/{payload}?from=message{language}", headers=accept)
        ordinary = await client.get(f"/v/{payload}?view=other{language}", headers=accept)
    assert CHECK_ID.sub("", quick.text) == CHECK_ID.sub("", ordinary.text)
    assert sorted(quick.headers.items()) == sorted(ordinary.headers.items())
    assert quick.status_code == ordinary.status_code == 200
    counted = made.site.metrics._counts
    assert counted["kezheng_requests", "GET", "/v/{payload}", "200"] == 2
    assert made.logged().count('"route":"/v/{payload}","status":200') == 2


@pytest.mark.parametrize(
    "asked",
    [
        scope("/v/"),
        scope("/v/AAAA", "POST"),
        scope("/v/AAAA", "DELETE"),
        scope("/v/AAAA", query="view=print"),
        scope("/v/AAAA", query="view=titles&jurisdiction=45"),
        scope("/v/AAAA", query="%76iew=print"),
        scope("/v/" + "A" * 9000),
        scope("/v/AAAA", query="x" * 9000),
        scope("/x/AAAA"),
        scope("/v"),
        scope("/"),
        scope(""),
    ],
    ids=lambda asked: f"{asked['method']} {asked['path'][:12]} {asked['query_string'][:16].decode()}",
)
def test_whatever_is_unusual_goes_the_ordinary_way(made: TestSite, asked: dict[str, Any]) -> None:
    assert app_of(made).at_once(asked, b"") is None
    assert not made.site.metrics._counts


async def test_what_has_to_be_looked_for_again_goes_the_ordinary_way(made: TestSite, first: str) -> None:
    """Only the newest entries are concerned: for them something may be waited for."""
    logged = payload_of(made.world.issue(first))
    made.source.publish()
    fresh = payload_of(made.world.issue(first))
    app = app_of(made)
    assert app.at_once(scope(f"/v/{logged}", accept="application/json"), b"") is not None
    assert app.at_once(scope(f"/v/{fresh}", accept="application/json"), b"") is None
    async with made.client() as client:
        assert (await client.get(f"/v/{fresh}", headers=JSON)).json()["verdict"] == "valid"


async def test_a_scan_asks_no_database(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    made.source.publish()
    made.source.is_down = True
    for accept in ("application/json", "text/html"):
        reply = app_of(made).at_once(scope(f"/V/{payload}", accept=accept), b"")
        assert reply is not None
        assert reply.status == 200
    assert made.source.looked_up == []


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_posted_code_is_answered_at_once_as_behind_the_framework(name: str, tmp_path: Path) -> None:
    world, first = sample_world()
    text = SAMPLES[name](world, first)
    made = make_site(world, tmp_path)
    body = orjson.dumps({"qr": text})
    reply = app_of(made).at_once(scope(VERIFY, "POST"), body)
    assert reply is not None
    async with made.client() as client:
        ordinary = await client.post(VERIFY, content=body)
    assert CHECK_ID.sub("", b"".join(reply.pieces).decode()) == CHECK_ID.sub("", ordinary.text)
    sent = [*reply.headers.pairs, (b"content-length", str(reply.length).encode())]
    assert sorted(sent) == sorted(ordinary.headers.raw)
    assert made.site.metrics._counts["kezheng_requests", "POST", VERIFY, "200"] == 2
    assert sum(made.site.metrics._counts["kezheng_verifications", "qr", verdict] for verdict in Verdict) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"no json",
        b'{"qr": 7}',
        b'{"qr": "no code"}',
        b'{"number": "P000115000001262000001B"}',
        b'{"qr": "HTTPS://VERIFY.EXAMPLE.CN/V/AAAA", "more": 1}',
        b'{"qr": "HTTPS://VERIFY.EXAMPLE.CN/V/AAAA", "at": "2099-01-01"}',
    ],
)
async def test_questions_that_are_refused_or_looked_up_go_the_ordinary_way(made: TestSite, body: bytes) -> None:
    assert app_of(made).at_once(scope(VERIFY, "POST"), body) is None
    assert app_of(made).at_once(scope(VERIFY, "GET"), b'{"qr": "HTTPS://VERIFY.EXAMPLE.CN/V/AAAA"}') is None
    assert not made.site.metrics._counts


async def test_of_several_accept_headers_the_first_counts(made: TestSite) -> None:
    asked = scope("/v/AAAA")
    asked["headers"] = [(b"host", b"x"), (b"accept", b"text/html"), (b"accept", b"application/json")]
    reply = app_of(made).at_once(asked, b"")
    assert reply is not None
    assert b"".join(reply.pieces).startswith(b"<!doctype html>")


async def test_no_environment_can_turn_tracing_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A trace would hold whole paths."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    world, _ = sample_world()
    app = make_site(world, tmp_path).app
    assert not app._native_telemetry.enabled()
