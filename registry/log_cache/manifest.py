"""Which files of a cache belong together, and the digests by which damage to them is found.

Tiles and their roots lie in two files that grow at their end and bear the name of a series; segments are never changed.
The manifest is written last and as a whole: what it does not name is not there.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from certs.errors import KezhengError
from registry.log_cache.folder import CacheFolder

MANIFEST = "manifest"
FORMAT = 1
_DIGEST = 64


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A file of records and their table (see `certs.subject_segment`); ``table_sha256`` is in hex."""

    name: str
    start: int
    stop: int
    count: int
    table_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is kept of one log: so many complete tiles, the end of their blocks, the segments that cover them."""

    series: str
    tiles: int
    blocks_end: int
    roots_sha256: str
    segments: tuple[SegmentFile, ...]

    @property
    def blocks_file(self) -> str:
        """The packed tiles, one after the other."""
        return f"blocks-{self.series}"

    @property
    def roots_file(self) -> str:
        """For each tile its root and where its block ends."""
        return f"roots-{self.series}"

    @property
    def names(self) -> list[str]:
        """All files, the manifest's own included."""
        return [MANIFEST, self.blocks_file, self.roots_file, *(segment.name for segment in self.segments)]


def new_series() -> Manifest:
    """Nothing yet, in files that no other series has."""
    return Manifest(secrets.token_hex(8), 0, 0, hashlib.sha256().hexdigest(), ())


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest's file: its own digest, then JSON."""
    content = orjson.dumps(asdict(manifest) | {"format": FORMAT, "order": sys.byteorder})
    return hashlib.sha256(content).hexdigest().encode("ascii") + content


def decode_manifest(data: bytes) -> Manifest:
    """The manifest in a file. Raises KezhengError ``log_cache_damaged``, also for another format or byte order."""
    digest, content = data[:_DIGEST], data[_DIGEST:]
    if hashlib.sha256(content).hexdigest().encode("ascii") != digest:
        raise KezhengError("log_cache_damaged")
    found: dict[str, Any] = orjson.loads(content)
    if (found.pop("format"), found.pop("order")) != (FORMAT, sys.byteorder):
        raise KezhengError("log_cache_damaged")
    segments = tuple(SegmentFile(**segment) for segment in found.pop("segments"))
    return Manifest(**found, segments=segments)


def read_manifest(folder: CacheFolder) -> Manifest | None:
    """The manifest in a folder, None when there is none that can be used. Raises OSError."""
    try:
        return decode_manifest(folder.read(MANIFEST))
    except (FileNotFoundError, KezhengError):
        return None
