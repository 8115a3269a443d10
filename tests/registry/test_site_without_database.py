"""A public site that starts while its database is away: it says so, and works when the database is there, unasked.

Sites are processes of `kezheng serve --role public`; a server is stopped and started, a file is taken and put back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from both_engines import point_home_at
from exposed_metrics import scraped
from job_register import wait_until
from postgres_server import postgres_server
from psycopg import sql
from register_desk import Desk, institution_toml, name_of, people
from running_site import answers, free_port, served_role

from certs.qr import base32
from registry.home import open_home
from registry.initialise import initialise
from registry.settings import load_settings
from registry.store.public_role import grant_public_role

pytestmark = pytest.mark.slow


class RunningSite:
    """A public site on a port of loopback, and one certificate that it is asked about."""

    def __init__(self, port: int, number: str, payload: str) -> None:
        self.port = port
        self.number = number
        self.payload = payload

    def ask(self, path: str, body: object = None, accept: str = "application/json") -> tuple[int, str]:
        """Status and text of an answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": "application/json"}
        request = Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers)
        try:
            with urlopen(request, timeout=20) as response:
                return response.status, response.read().decode()
        except HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def scan(self) -> dict[str, Any]:
        """The report of a scan."""
        found: dict[str, Any] = json.loads(self.ask(f"/v/{self.payload}")[1])
        return found

    def look_up(self, name: str | None = None) -> tuple[int, str]:
        """Status, and verdict or code, of a look-up by number."""
        status, said = self.ask("/api/v1/verify", {"number": self.number} | ({"name": name} if name else {}))
        document = json.loads(said)
        return status, document.get("code") or document["verdict"]

    def expect_away(self) -> None:
        """It lives, is not ready, and says so to machines and people; nothing is called a forgery."""
        assert answers(self.port)
        assert (self.ask("/readyz")[0], "data_unavailable" in self.ask("/readyz")[1]) == (503, True)
        report = self.scan()
        assert report["verdict"] == "undetermined"
        assert "trust_list_unavailable" in {check["code"] for check in report["checks"]}
        assert self.look_up() == (503, "data_unavailable")
        assert self.look_up("测试安") == (503, "data_unavailable")
        status, page = self.ask(f"/v/{self.payload}", accept="text/html")
        assert (status, "无法" in page or "未能" in page) == (200, True)
        assert scraped(self.port)["kezheng_requests_total", "GET", "/readyz", "503"] >= 1

    def expect_working(self, name: str) -> None:
        """Everything works, without a restart."""
        wait_until(lambda: self.ask("/readyz")[0] == 200)
        assert self.scan()["verdict"] == "valid"
        assert self.look_up() == (200, "valid")
        assert self.look_up(name) == (200, "valid")


@contextmanager
def public_site(folder: Path, number: str, payload: str, **environ: str) -> Iterator[RunningSite]:
    """The site of a home until the end of the block."""
    port = free_port()
    with served_role(folder, "public", "--port", str(port), **environ):
        wait_until(lambda: answers(port))
        yield RunningSite(port, number, payload)


def certified(desk: Desk) -> tuple[str, str]:
    """Number and payload of a certificate made a minute ago."""
    desk.now = datetime.now(UTC) - timedelta(minutes=1)
    (certificate,) = desk.certify(people(1), "P000115000001")
    assert certificate.envelope is not None
    return certificate.number, base32(certificate.envelope)


def test_a_file_that_is_put_back(home_folder: Path, tmp_path: Path) -> None:
    with open_home(load_settings(home_folder, {}), {}) as home:
        number, payload = certified(Desk(home))
    away = tmp_path / "kezheng.db"
    shutil.move(home_folder / "kezheng.db", away)
    with public_site(home_folder, number, payload) as site:
        site.expect_away()
        shutil.move(away, home_folder / "kezheng.db")
        site.expect_working(name_of(1))


def test_a_server_that_is_started_later(tmp_path: Path, _each_passphrase_stretched_once: None) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    with postgres_server("fsync=off") as server:
        server.execute(sql.SQL("CREATE DATABASE register"))
        point_home_at(folder, server.url("register"))
        settings = load_settings(folder, {})
        made_at = datetime.now(UTC) - timedelta(minutes=2)
        initialise(settings, {}, made_at)
        with open_home(settings, {}) as home:
            desk = Desk(home, made_at)
            assert desk.list_institution(institution_toml()) == "P000115000001"
            number, payload = certified(desk)
        public_url = server.url("register", "kezheng_public")
        grant_public_role(settings.database_url, public_url)
        server.stop()
        with public_site(folder, number, payload, KEZHENG_PUBLIC_DATABASE_URL=public_url) as site:
            site.expect_away()
            server.restart()
            site.expect_working(name_of(1))
