"""Published files in a folder, as ``kezheng publish`` writes them: a mirror needs nothing else.

A folder holds no envelopes, so nothing is found by number there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path

from verify_site.pinned_root import PinnedRoot


class PublishedFolder(PinnedRoot):
    """The files below one folder, with a root pinned beside or elsewhere."""

    def __init__(self, folder: Path, root_file: Path) -> None:
        super().__init__(root_file)
        self._folder = folder

    def marker(self) -> Hashable:
        """Names, times and sizes of all files."""
        stats = [(str(path), path.stat()) for path in self._paths()]
        return self.root_marker(), tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)

    def files(self) -> dict[str, bytes]:
        """All files by their path below the folder."""
        return {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in self._paths()}

    def envelope_by_number(self, _number: str) -> bytes | None:
        """Always None."""
        return None

    def _paths(self) -> Iterator[Path]:
        return (path for path in sorted(self._folder.rglob("*")) if path.is_file())
