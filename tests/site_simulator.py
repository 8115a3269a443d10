"""A site over a register in memory: tests change the world, publish it, and ask over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from simulated_status_list import status_list_files
from simulator import NOW, PUBLIC_URL, World

from certs.evidence import LOG_FOLDER, gather_evidence
from certs.grades import CertificateKind, Grade
from certs.institution import DatedName, EventKind
from certs.qr import read_qr_text
from certs.signing_key import public_jwk
from certs.status import State
from certs.verification import verify
from verify_site.access_log import AccessLog
from verify_site.app import create_site_app
from verify_site.client_address import ClientAddresses
from verify_site.registry_desk import RegistryDesk
from verify_site.site import Site
from verify_site.source import Snapshot


@dataclass
class WorldSource:
    """The site's source over a world: what was published last, and every envelope that was issued."""

    world: World
    current: Snapshot = field(init=False)
    looked_up: list[str] = field(default_factory=list)
    is_down: bool = False

    def __post_init__(self) -> None:
        self.publish()

    def publish(self) -> None:
        """Publish the world as it is now."""
        files = self.world.files() | {"jwks.json": b'{"keys":[]}', "root.jwk": _root_jwk(self.world)}
        files |= status_list_files(self.world)
        evidence = gather_evidence(files, self.world.root_key())
        self.current = Snapshot(evidence, files, 0.0, True, {path: f'"{hash(c)}"' for path, c in files.items()})

    def snapshot(self) -> Snapshot:
        return self.current

    def log_file(self, path: str) -> bytes | None:
        return self.current.files.get(LOG_FOLDER + path)

    def look_now(self) -> bool:
        self.publish()
        return True

    def envelope_by_number(self, number: str) -> bytes | None:
        self.looked_up.append(number)
        if self.is_down:
            raise ConnectionError("the database is away")
        return self.world.envelopes.get(number)

    def start(self) -> None:
        """Nothing runs in the background."""

    def stop(self) -> None:
        """Nothing runs in the background."""


def _root_jwk(world: World) -> bytes:
    return str(public_jwk(world.root.public_key)).encode()


@dataclass
class Clock:
    """A clock that tests turn."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        """The same clock as a monotonic one."""
        return self.now.timestamp()

    def forward(self, **lapse: float) -> None:
        """Let time pass."""
        self.now += timedelta(**lapse)


@dataclass
class TestSite:
    """A site, the world behind it, and the sample certificates of that world."""

    __test__ = False
    world: World
    source: WorldSource
    clock: Clock
    site: Site
    app: FastAPI
    lines: list[bytes]

    def logged(self) -> str:
        """What the site has written of requests."""
        self.site.access_log.flush()
        return b"".join(self.lines).decode("utf-8")

    def client(self, address: str = "203.0.113.7", **headers: str) -> httpx.AsyncClient:
        """A client of the site with an address of its own."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 50000))
        return httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers=headers)


def sample_world() -> tuple[World, str]:
    """Two assessment institutions and a training institution; the code of the first."""
    world = World()
    first = world.institution("北疆数字技术评价中心")
    second = world.institution("南岭数字人才评价服务中心")
    world.institution("云上数字技术培训学校", kind=CertificateKind.TRAINING)
    world.institution_event(second, EventKind.REMOVE, date(2026, 6, 1))
    return world, first


def payload_of(text: str) -> str:
    """The part of a QR text after /V/."""
    return text.rsplit("/", 1)[1]


def number_of(world: World, text: str) -> str:
    """The certificate number inside a QR text of this world."""
    found = verify(read_qr_text(text).envelope, world.evidence(), world.now).genuine
    assert found is not None
    return found.claims.number


Happening = Callable[[World, str], str]


def _valid(world: World, code: str) -> str:
    return world.issue(code)


def _in_state(state: State, **changes: Any) -> Happening:
    def issue(world: World, code: str) -> str:
        index = 4711
        text = world.issue(code, status_index=index)
        successor = {"successor": number_of(world, world.issue(code))} if state is State.SUPERSEDED else {}
        world.status_event(index, state, **(changes | successor))
        return text

    return issue


def _forged(world: World, code: str) -> str:
    text = world.issue(code)
    place = len(text) - 60
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def _undetermined(world: World, code: str) -> str:
    world.trust_list_issued_at = world.now - timedelta(days=40)
    return world.issue(code)


def _unauthorised(world: World, code: str) -> str:
    world.change_institution(code, scopes=(world.scope(grades=frozenset({Grade.JUNIOR})),))
    return world.issue(code)


SAMPLES: dict[str, Happening] = {
    "valid": _valid,
    "suspended": _in_state(State.SUSPENDED, reason_code="under_review"),
    "revoked": _in_state(State.REVOKED, reason_code="exam_misconduct", void_from_start=True),
    "superseded": _in_state(State.SUPERSEDED, reason_code="correction"),
    "forged": _forged,
    "undetermined": _undetermined,
    "unauthorised": _unauthorised,
}
"""Name → what happens in a world before the QR text that is scanned."""


def make_site(world: World, home: Path, registry: RegistryDesk | None = None) -> TestSite:
    """A site over a world as it is now, a mirror's unless there is a registry role behind it."""
    source, clock, lines = WorldSource(world), Clock(), list[bytes]()
    site = Site(
        source=source,
        public_url=PUBLIC_URL,
        well_known_folder=home,
        addresses=ClientAddresses(["10.0.0.0/8"]),
        registry=registry,
        clock=clock,
        seconds=clock.seconds,
        access_log=AccessLog(lines.append, clock.seconds),
    )
    return TestSite(world, source, clock, site, create_site_app(site), lines)


def _longest(world: World, code: str) -> str:
    """The longest texts that people really have, all in one certificate."""
    world.change_institution(
        code, names=(DatedName("内蒙古自治区数字经济与人工智能产业人才评价研究中心", date(2024, 1, 1)),)
    )
    name = "阿卜杜热合曼·麦麦提托合提·阿卜杜克热木·吐尔逊"
    return world.issue(code, name=name, direction="工业互联网平台与边缘计算系统集成应用开发")


SAMPLES["longest"] = _longest
