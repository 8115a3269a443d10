"""Published files in a folder, as ``kezheng publish`` writes them: a mirror needs nothing else.

A folder holds no envelopes, so nothing is found by number there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path

from certs.evidence import LOG_FOLDER
from certs.log_paths import CHECKPOINT_FILE
from verify_site.log_files import read_log_file
from verify_site.pinned_root import PinnedRoot


class PublishedFolder(PinnedRoot):
    """The files below one folder, with a root pinned beside or elsewhere."""

    def __init__(self, folder: Path, root_file: Path) -> None:
        super().__init__(root_file)
        self._folder = folder
        self._log_folder = folder / LOG_FOLDER

    def marker(self) -> Hashable:
        """Names, times and sizes of all files; of the register the checkpoint stands for the rest."""
        checkpoint = self._log_folder / CHECKPOINT_FILE
        paths = [*self._paths(), *([checkpoint] if checkpoint.is_file() else [])]
        stats = [(str(path), path.stat()) for path in paths]
        return self.root_marker(), tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)

    def files(self) -> dict[str, bytes]:
        """All files by their path below the folder, but for the register's, which are read one by one."""
        return {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in self._paths()}

    def log_file(self, path: str) -> bytes | None:
        """A file of the public register."""
        return read_log_file(self._log_folder, path)

    def envelope_by_number(self, _number: str) -> bytes | None:
        """Always None."""
        return None

    def _paths(self) -> Iterator[Path]:
        for path in sorted(self._folder.iterdir()):
            if path.is_file():
                yield path
            elif path != self._log_folder:
                yield from (below for below in sorted(path.rglob("*")) if below.is_file())
