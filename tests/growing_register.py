"""A published register in memory that grows as a real one does: what was published once stays as it is.

Unlike the register of a `World`, which is made anew for each question, two publications of one `GrowingRegister` are
two states of one history; a deep copy of it is where a second history begins.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulated_log import Happened, SimulatedLog
from simulator import World

from certs.evidence import LOG_FOLDER, STATUS_FILE, TRUST_LIST_FILE, package_data_files
from certs.log_entry import EntryKind, LogBody, certificate_body, clock_body, file_body
from certs.root_chain import RootKey
from registry.log_source import LogSource


@dataclass
class GrowingRegister:
    """A world, its log, and the files published last."""

    world: World
    log: SimulatedLog = field(init=False)
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = self.world.log()
        self.publish()

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.world.now

    @property
    def root(self) -> RootKey:
        """The anchor."""
        return self.world.root_key()

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.log.entries)

    def enter(self, body: LogBody) -> int:
        """Enter something now; its place."""
        self.log.append(Happened(self.world.now, body))
        return self.size - 1

    def certify(self, code: str, count: int = 1) -> list[bytes]:
        """Enter so many certificates of an institution; their digests."""
        kid = self.world.keys[code].kid
        digests = [hashlib.sha256(f"{code} {self.size + place}".encode()).digest() for place in range(count)]
        for digest in digests:
            self.enter(certificate_body(kid, digest))
        return digests

    def fill(self, count: int) -> None:
        """Enter so many clock entries."""
        for _ in range(count):
            self.enter(clock_body())

    def publish(self, lapse: timedelta = timedelta(0)) -> dict[str, bytes]:
        """Publish what there is, under a new trust list that is the last entry."""
        self.world.now += lapse
        self.world.version += 1
        token = self.world.trust_list(self.log)
        self.enter(file_body(EntryKind.TRUST_LIST, token))
        self.files = package_data_files() | {TRUST_LIST_FILE: token, STATUS_FILE: self.world.status_list()}
        self.publish_log()
        return self.files

    def publish_log(self) -> None:
        """Publish the log alone."""
        world = self.world
        logged = self.log.files(world.log_origin, world.log_key, world.cosigner())
        kept = {name: content for name, content in self.files.items() if not name.startswith(LOG_FOLDER)}
        self.files = kept | {LOG_FOLDER + path: content for path, content in logged.items()}

    def note(self) -> bytes:
        """The checkpoint."""
        return self.files[f"{LOG_FOLDER}checkpoint"]

    def source(self) -> LogSource:
        """Where a monitor reads; ``asked`` tells what it has read."""

        def read(name: str) -> bytes | None:
            self.asked.append(name)
            return self.files.get(name)

        return LogSource("register", read)


def register_of_two() -> tuple[GrowingRegister, str, str]:
    """A register with two assessment institutions; their codes."""
    world = World()
    first, second = world.institution("北疆数字技术评价中心"), world.institution("南岭数字人才评价服务中心")
    return GrowingRegister(world), first, second
