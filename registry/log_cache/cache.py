"""The cache of logs that were read: one folder below its own for each log, opened by many processes, written by one."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from certs.complete_log import KeptLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_follower import MISFITS, is_continued
from certs.tlog.tile_reader import ReadFile
from certs.tlog.tile_roots import TileRoots
from registry.log_cache.folder import CacheFolder
from registry.log_cache.kept_files import OpenFiles, open_files
from registry.log_cache.manifest import MANIFEST, decode_manifest
from registry.log_cache.reading import Progress, Reading

_LOG = logging.getLogger("kezheng.log")
_SAY_EVERY_SECONDS = 5.0
_TRIES = 3
"""So often a manifest may be replaced between being read and its files being opened."""

Marker = tuple[int, int, int] | None


class _Seen(NamedTuple):
    """A manifest as it was met, and what it led to: nothing when it is damaged."""

    marker: Marker
    files: OpenFiles | None


class DiskLogCache:
    """Keeps logs in a folder of this machine. Fits the LogCache interface."""

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        """Nothing is written before there is something to keep.

        Raises KezhengError ``log_cache_not_private`` for a folder that is there and open to others.
        """
        self._path = path
        self._progress = progress or said_in_log(time.monotonic)
        self._seen: dict[str, _Seen] = {}
        if path.is_dir():
            CacheFolder(path).require_private()

    def kept(self, origin: str) -> KeptLog | None:
        """What is kept of a log now, None when nothing is or it is damaged."""
        files = self._open(origin)
        return None if files is None else files.kept

    def extend(self, origin: str, checkpoint: TrustedCheckpoint, read: ReadFile) -> bool:
        """Read a log up to a checkpoint and keep it; whether that was done, here or by another process meanwhile.

        Raises KezhengError as `CompleteLog.advance` does when the published entries are not those of the checkpoint.
        """
        folder = self._folder(origin)
        try:
            if not self._is_prepared(folder):
                return False
            with folder.locked() as is_ours:
                if is_ours:
                    self._read_on(folder, origin, checkpoint, read)
                else:
                    _LOG.warning("another process has held the cache of the register without a sign")
                return is_ours
        except OSError as error:
            _LOG.warning("the register is read without its cache: %s", type(error).__name__)
            return False

    def _is_prepared(self, folder: CacheFolder) -> bool:
        """Make the folders; whether they are ours alone, which somebody may have changed since the start."""
        try:
            for each in (CacheFolder(self._path), folder):
                each.prepare()
        except KezhengError as error:
            _LOG.warning("the register is read without its cache: %s", error)
            return False
        return True

    def _read_on(self, folder: CacheFolder, origin: str, checkpoint: TrustedCheckpoint, read: ReadFile) -> None:
        """From what is kept; from the start when that is damaged or of another log."""
        base = self._open(origin)
        if base is not None:
            try:
                Reading(folder, base, self._progress).read_to(checkpoint, read)
                return
            except KezhengError as error:
                if not _is_misfit(error, base.kept, checkpoint, read):
                    raise
        Reading(folder, None, self._progress).read_to(checkpoint, read)

    def _open(self, origin: str) -> OpenFiles | None:
        folder, seen = self._folder(origin), self._seen.get(origin, _Seen(None, None))
        for _ in range(_TRIES):
            marker = folder.marker(MANIFEST)
            if marker == seen.marker:
                break
            seen = _Seen(marker, self._files(folder, origin, marker, seen))
        self._seen[origin] = seen
        return seen.files

    def _files(self, folder: CacheFolder, origin: str, marker: Marker, before: _Seen) -> OpenFiles | None:
        """What a manifest names, as far as it is sound."""
        if marker is None:
            return None
        known = {} if before.files is None else before.files.segments
        try:
            manifest = decode_manifest(folder.read(MANIFEST))
            return open_files(folder, manifest, lambda: self._give_up(origin, marker), known)
        except (KezhengError, OSError) as error:
            _LOG.warning("the cache of the register is not usable: %s", error)
            return None

    def _give_up(self, origin: str, marker: Marker) -> None:
        """Damage was met in files of a manifest: no process shall use them any longer."""
        seen, folder = self._seen.get(origin), self._folder(origin)
        if seen is None or seen.marker != marker or seen.files is None:
            return
        _LOG.warning("the cache of the register is damaged and will be made again")
        self._seen[origin] = _Seen(marker, None)
        try:
            if folder.marker(MANIFEST) == marker:
                folder.remove(MANIFEST)
        except OSError as error:
            _LOG.warning("the damaged cache could not be removed: %s", type(error).__name__)

    def _folder(self, origin: str) -> CacheFolder:
        return CacheFolder(self._path / f"log-{hashlib.sha256(origin.encode()).hexdigest()[:16]}")


def said_in_log(seconds: Callable[[], float]) -> Progress:
    """Progress as lines of the program's log, some seconds apart."""
    said_at = seconds()

    def tell(done: int, total: int) -> None:
        nonlocal said_at
        if seconds() - said_at >= _SAY_EVERY_SECONDS:
            said_at = seconds()
            _LOG.info("reading the register: %d of %d entries", done, total)

    return tell


def _is_misfit(error: KezhengError, kept: KeptLog, checkpoint: TrustedCheckpoint, read: ReadFile) -> bool:
    """Whether what is kept is at fault, and not the entries that were published after it."""
    if error.code == "log_cache_damaged" or kept.size > checkpoint.size:
        return True
    roots = TileRoots(kept.tile_roots)
    is_of_log = is_continued(kept.size, roots.tree_root(len(roots)), checkpoint, read)
    return error.code in (*MISFITS, "log_tile_malformed", "log_proof_invalid") and not is_of_log
