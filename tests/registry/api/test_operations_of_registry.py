"""What operations learn of the registry role: that it lives, that it can work, and what it has counted."""

from __future__ import annotations

import pytest
from exposed_metrics import samples
from registry_role import RegistryRole

from certs.errors import KezhengError
from registry.api.receipt_api import create_registry_app
from registry.home import Home
from registry.receipts.kept_receipts import KeptReceipts
from registry.store.engine import open_write_store
from verify_site.webserver.counting import CONTENT_TYPE

pytestmark = pytest.mark.anyio


async def metrics_of(role: RegistryRole) -> dict[tuple[str, ...], float]:
    async with role.client() as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert role.payload not in answer.text
    assert role.number not in answer.text
    return samples(answer.content)


async def test_receipts_are_counted_by_what_came_of_them(role: RegistryRole) -> None:
    identifier = await role.make()
    async with role.client() as client:
        await client.post("/receipts", content=b"{")
        await client.get(f"/receipts/{identifier}.json")
        await client.get("/receipts/none.json")
        await client.get("/elsewhere")
        await client.request("BREW", "/receipts")
    found = await metrics_of(role)
    assert found["kezheng_receipts_total", "made"] == 1
    assert found["kezheng_receipts_total", "request_malformed"] == 1
    requests = {sample[1:]: count for sample, count in found.items() if sample[0] == "kezheng_requests_total"}
    assert requests == {
        ("POST", "/receipts", "201"): 1,
        ("POST", "/receipts", "400"): 1,
        ("GET", "/receipts/{name}", "200"): 1,
        ("GET", "/receipts/{name}", "404"): 1,
        ("GET", "unmatched", "404"): 1,
        ("OTHER", "/receipts", "404"): 1,
    }
    assert found["kezheng_request_seconds_count", "/receipts"] == 3


async def test_a_failure_of_the_program_is_counted_as_such(
    role: RegistryRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(KeptReceipts, "find", broken)
    async with role.client() as client:
        assert (await client.get("/receipts/some.json")).status_code == 503
    assert (await metrics_of(role))["kezheng_requests_total", "GET", "/receipts/{name}", "500"] == 1


async def test_it_is_not_ready_without_its_database(role: RegistryRole, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_write_store(role.desk.home.settings.database_url)
    role.app = create_registry_app(Home(role.desk.home.settings, store, {}), lambda: role.now)

    def away() -> None:
        raise KezhengError("store_unavailable")

    async with role.client() as client:
        before = await client.get("/readyz")
        monkeypatch.setattr(store, "reading", away)
        after, health = await client.get("/readyz"), await client.get("/healthz")
    store.close()
    assert (before.status_code, after.status_code, health.status_code) == (200, 503, 200)
    assert after.json()["code"] == "receipt_unavailable"
