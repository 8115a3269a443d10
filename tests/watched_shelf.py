"""Published files that a test changes or takes away, and a clock that it turns: what the site's source looks at."""

from __future__ import annotations

from collections.abc import Hashable

from simulator import World

from certs.evidence import LOG_FOLDER
from certs.root_chain import RootKey


class Shelf:
    """Published files that a test changes; ``is_away`` makes every look fail."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.looks = 0
        self.version = 1
        self.is_away = False

    def marker(self) -> Hashable:
        if self.is_away:
            raise ConnectionError
        return self.version

    def files(self) -> dict[str, bytes]:
        self.looks += 1
        return self.world.files()

    def log_file(self, path: str) -> bytes | None:
        return self.world.files().get(LOG_FOLDER + path)

    def pinned_root(self) -> RootKey | None:
        return self.world.root_key()

    def envelope_by_number(self, number: str) -> bytes | None:
        if self.is_away:
            raise ConnectionError
        return self.world.envelopes.get(number)


class Seconds:
    """A monotonic clock that tests turn."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now
