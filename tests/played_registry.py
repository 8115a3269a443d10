"""A registry role that a test plays: it keeps one receipt of a register in memory and answers like the real one."""

from __future__ import annotations

from pathlib import Path

import httpx
from simulated_receipt import receipt_of
from simulator import PUBLIC_URL
from site_simulator import TestSite, make_site, payload_of, sample_world

from verify_site.registry_desk import RegistryDesk

IDENTIFIER = "abcdefghijklmnopqrstuvwxyz"


class PlayedRegistry:
    """Answers like a registry role that keeps one receipt; counts what it was asked."""

    def __init__(self, picture: bytes = b"\x89PNG") -> None:
        self.world, first = sample_world()
        self.picture = picture
        self.payload = payload_of(self.world.issue(first))
        self.document = receipt_of(self.world, f"{PUBLIC_URL}/V/{self.payload}")
        self.asked: list[tuple[str, str, bytes]] = []
        self.answer: httpx.Response | Exception | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path, request.content))
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        if request.method == "POST":
            return httpx.Response(201, json={"id": IDENTIFIER})
        forms = {"json": self.document, "pdf": b"%PDF-1.7", "png": self.picture}
        kept = request.url.path.removeprefix(f"/receipts/{IDENTIFIER}.")
        return httpx.Response(200, content=forms[kept]) if kept in forms else httpx.Response(404)

    def site(self, home: Path) -> TestSite:
        """A site with this role behind it."""
        return make_site(self.world, home, RegistryDesk("http://127.0.0.1:8001/", httpx.MockTransport(self)))
