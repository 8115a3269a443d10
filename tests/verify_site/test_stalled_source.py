"""A process that cannot look for changes says so after a minute; until then it answers from memory, without a database.

The whole way over HTTP, with the site's own source: only its background thread does not run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from simulator import NOW, PUBLIC_URL, World
from site_simulator import number_of, payload_of, sample_world
from watched_shelf import Seconds, Shelf

from certs.status import State
from verify_site.app import SiteApp, create_site_app
from verify_site.site import Site
from verify_site.source import STALE_SECONDS, RefreshingSource

pytestmark = pytest.mark.anyio
JSON = {"accept": "application/json"}


@dataclass
class Stall:
    """A site whose refresher a test freezes, over a certificate that it revokes."""

    world: World
    shelf: Shelf
    seconds: Seconds
    source: RefreshingSource
    app: SiteApp
    payload: str
    number: str

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=PUBLIC_URL)

    def after(self, seconds: float) -> None:
        """So long after the last look; the refresher has tried since, as often as it could."""
        self.seconds.now = 1000.0 + seconds

    def revoke(self) -> None:
        self.world.status_event(4711, State.REVOKED, reason_code="exam_misconduct")
        self.shelf.version += 1


@pytest.fixture
def stall(tmp_path: Path) -> Stall:
    world, first = sample_world()
    text = world.issue(first, status_index=4711)
    shelf, seconds = Shelf(world), Seconds()
    source = RefreshingSource(shelf, seconds)
    source.refresh()
    site = Site(source=source, public_url=PUBLIC_URL, well_known_folder=tmp_path, clock=lambda: NOW, seconds=seconds)
    return Stall(world, shelf, seconds, source, create_site_app(site), payload_of(text), number_of(world, text))


@pytest.mark.parametrize(("off", "is_believed"), [(-1.0, True), (0.0, True), (1.0, False)])
async def test_a_frozen_refresher_is_believed_for_a_minute(stall: Stall, off: float, is_believed: bool) -> None:
    stall.revoke()
    stall.after(STALE_SECONDS + off)
    async with stall.client() as client:
        report = (await client.get(f"/v/{stall.payload}", headers=JSON)).json()
        page = (await client.get(f"/v/{stall.payload}")).text
        printed = (await client.get(f"/v/{stall.payload}?view=print")).text
        program = (await client.post("/api/v1/verify", json={"qr": f"{PUBLIC_URL}/v/{stall.payload}"})).json()
        ready = await client.get("/readyz")
        health = await client.get("/healthz")
        metrics = (await client.get("/metrics")).text
    assert report["verdict"] == program["verdict"] == ("valid" if is_believed else "undetermined")
    assert ("<h1>证书有效</h1>" in page) is ("证书有效" in printed) is is_believed
    assert ready.status_code == (200 if is_believed else 503)
    assert health.status_code == 200
    [fresh] = [family for family in text_string_to_metric_families(metrics) if family.name == "kezheng_snapshot_fresh"]
    assert fresh.samples[0].value == float(is_believed)
    if not is_believed:
        assert report["checks"][4]["code"] == "status_unavailable"


async def test_once_it_looks_again_it_says_what_is(stall: Stall) -> None:
    stall.revoke()
    stall.after(STALE_SECONDS + 1)
    stall.source._try_refresh()
    async with stall.client() as client:
        report = (await client.get(f"/v/{stall.payload}", headers=JSON)).json()
        ready = await client.get("/readyz")
    assert (report["verdict"], report["status"]["state"], ready.status_code) == ("not_in_force", "revoked", 200)


async def test_without_the_database_codes_are_answered_and_numbers_are_refused_in_words(stall: Stall) -> None:
    stall.shelf.is_away = True
    stall.source._try_refresh()
    stall.after(30.0)
    stall.source._try_refresh()
    async with stall.client() as client:
        scan = (await client.get(f"/v/{stall.payload}", headers=JSON)).json()
        by_number = await client.post("/api/v1/verify", json={"number": stall.number})
        by_name = await client.post("/api/v1/verify", json={"number": stall.number, "name": "张小明"})
        page = await client.post("/check", data={"number": stall.number})
        files = await client.get("/published/trust-list.jws")
        ready = await client.get("/readyz")
    assert scan["verdict"] == "valid"
    for answer in (by_number, by_name):
        assert (answer.status_code, answer.json()["code"]) == (503, "data_unavailable")
    assert page.status_code == 503
    assert (files.status_code, ready.status_code) == (200, 200)


async def test_what_is_missing_while_the_database_is_away_is_not_called_a_forgery(stall: Stall) -> None:
    text = stall.world.issue(next(iter(stall.world.institutions)), name="李大文")
    stall.shelf.is_away = True
    async with stall.client() as client:
        report = (await client.get(f"/v/{payload_of(text)}", headers=JSON)).json()
    assert (report["verdict"], report["checks"][2]["code"]) == ("undetermined", "log_unavailable")
