"""A mirror that starts before its folder is there: it says so, and answers scans as soon as the files are."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest
from simulator import NOW, PUBLIC_URL
from site_simulator import number_of, payload_of, sample_world
from watched_shelf import Seconds

from certs.root_chain import root_to_jwk
from verify_site.app import create_site_app
from verify_site.published_folder import PublishedFolder
from verify_site.site import Site
from verify_site.source import RefreshingSource

pytestmark = pytest.mark.anyio
JSON = {"accept": "application/json"}


async def test_a_mirror_answers_as_soon_as_its_files_are_there(tmp_path: Path) -> None:
    world, first = sample_world()
    text = world.issue(first)
    folder, root = tmp_path / "published", tmp_path / "root.jwk"
    root.write_bytes(orjson.dumps(root_to_jwk(world.root_key())))
    source = RefreshingSource(PublishedFolder(folder, root), Seconds())
    source.start()
    site = Site(source=source, public_url=PUBLIC_URL, well_known_folder=tmp_path, clock=lambda: NOW)
    transport = httpx.ASGITransport(create_site_app(site))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:

        async def told() -> tuple[int, str, int]:
            report = (await client.get(f"/v/{payload_of(text)}", headers=JSON)).json()
            by_number = await client.post("/api/v1/verify", json={"number": number_of(world, text)})
            return (await client.get("/readyz")).status_code, report["verdict"], by_number.status_code

        try:
            assert await told() == (503, "undetermined", 503)
            for name, content in world.files().items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            assert source.look_now()
            assert await told() == (200, "valid", 404)
        finally:
            source.stop()
