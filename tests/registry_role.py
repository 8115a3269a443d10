"""The registry role of a register on disk, asked over HTTP in this process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from register_desk import Desk, people
from starlette.applications import Starlette

from certs.qr import base32
from certs.receipt import Receipt, check_receipt
from certs.root_chain import RootKey
from registry.api.receipt_api import create_registry_app

ASSESSOR = "P000115000001"
REGISTRY_URL = "http://127.0.0.1:8001"


@dataclass
class RegistryRole:
    """The role, the desk whose home it opens, one certificate, and a clock that tests turn."""

    desk: Desk
    now: datetime
    number: str
    payload: str
    app: Starlette

    def client(self) -> httpx.AsyncClient:
        """The public site, as the role sees it."""
        return httpx.AsyncClient(transport=self.transport(), base_url=REGISTRY_URL)

    def transport(self) -> httpx.ASGITransport:
        """The way to the role."""
        return httpx.ASGITransport(self.app, raise_app_exceptions=False)

    def root(self) -> RootKey:
        """The anchor of this register."""
        with self.desk.home.store.reading() as tx:
            return self.desk.home.own_root(tx)

    def work(self) -> None:
        """What the worker does every few seconds."""
        with self.desk.home.recording() as tx:
            self.desk.home.publish_if_needed(tx, self.now)

    async def receipt(self, payload: str | None = None) -> Receipt:
        """A receipt made now, re-verified."""
        return check_receipt(await self.file(await self.make(payload), "json"), self.root())

    async def make(self, payload: str | None = None) -> str:
        """Have a receipt made; its id."""
        async with self.client() as client:
            answer = await client.post("/receipts", json={"payload": payload or self.payload})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        identifier: str = answer.json()["id"]
        return identifier

    async def file(self, identifier: str, form: str) -> bytes:
        """One form of a kept receipt."""
        async with self.client() as client:
            answer = await client.get(f"/receipts/{identifier}.{form}")
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.content


def registry_role(desk: Desk) -> RegistryRole:
    """The role over a desk's home, in which one certificate has been issued."""
    (certificate,) = desk.certify(people(1), ASSESSOR)
    assert certificate.envelope is not None
    payload, now = base32(certificate.envelope), desk.now + timedelta(seconds=5)
    role = RegistryRole(desk, now, certificate.number, payload, Starlette())
    role.app = create_registry_app(desk.home, lambda: role.now)
    role.work()
    return role
