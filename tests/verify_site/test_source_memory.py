"""What a site has seen stays seen while it runs, also when a file was away for a look."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from simulator import World

from certs.evidence import LOG_FOLDER, STATUS_FILE
from certs.root_chain import RootKey
from certs.unavailable import Unavailable
from verify_site.source import RefreshingSource


class Folder:
    """Published files that a test replaces."""

    def __init__(self, root: RootKey) -> None:
        self.root = root
        self.held: dict[str, bytes] = {}
        self.version = 0

    def publish(self, files: dict[str, bytes]) -> None:
        self.held, self.version = files, self.version + 1

    def marker(self) -> Hashable:
        return self.version

    def files(self) -> dict[str, bytes]:
        return self.held

    def log_file(self, path: str) -> bytes | None:
        return self.held.get(LOG_FOLDER + path)

    def pinned_root(self) -> RootKey | None:
        return self.root

    def envelope_by_number(self, number: str) -> bytes | None:
        raise LookupError(number)


def why(part: object) -> str | None:
    return part.code if isinstance(part, Unavailable) else None


def looks(source: RefreshingSource, folder: Folder, files: dict[str, bytes]) -> tuple[str | None, str | None]:
    """Why status and register cannot be used after the next look."""
    folder.publish(files)
    source.refresh()
    evidence = source.snapshot().evidence
    assert not isinstance(evidence.trust, Unavailable)
    return why(evidence.status), why(evidence.log)


@pytest.mark.parametrize(
    ("away", "missing", "back"),
    [
        (STATUS_FILE, ("status_unavailable", None), ("status_rolled_back", None)),
        (LOG_FOLDER, (None, "log_unavailable"), (None, "log_rolled_back")),
    ],
)
def test_what_was_away_once_does_not_come_back_older(
    away: str, missing: tuple[str | None, str | None], back: tuple[str | None, str | None]
) -> None:
    world = World(status_version=1)
    code = world.institution()
    old_status = world.status_list()
    world.issue(code)
    world.status_version = 2
    new = world.files()
    world.logged, world.version = [], 2
    older = {STATUS_FILE: new | {STATUS_FILE: old_status}, LOG_FOLDER: world.files()}[away]
    folder = Folder(world.root_key())
    source = RefreshingSource(folder)
    assert looks(source, folder, new) == (None, None)
    assert looks(source, folder, {name: new[name] for name in new if not name.startswith(away)}) == missing
    for _ in range(2):
        assert looks(source, folder, older) == back
