"""A log's folder of entry bundles in memory, as a register leaves it behind while it grows.

Paths, bundles and roots are written from the C2SP text tlog-tiles and RFC 6962; nothing here is the program's but the
checkpoint that it is given.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from merkle_reference import mth

from certs.log_checkpoint import TrustedCheckpoint

WIDTH = 256


@dataclass
class BundleFolder:
    """Files by path. ``asked`` tells which were read, in order."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def read(self, path: str) -> bytes | None:
        """The file at a path, or None."""
        self.asked.append(path)
        return self.files.get(path)

    def publish(self, entries: list[bytes]) -> TrustedCheckpoint:
        """Write the bundles of a tree, in place of the partial ones of smaller trees; the tree's checkpoint."""
        self.files = {path: content for path, content in self.files.items() if ".p/" not in path}
        for start in range(0, len(entries), WIDTH):
            part = entries[start : start + WIDTH]
            self.files[bundle_place(start // WIDTH, len(part))] = bundle_of(part)
        return TrustedCheckpoint(len(entries), mth(entries), ())


def bundle_place(index: int, width: int) -> str:
    """Where a bundle with an index below 1,000 lies."""
    return f"tile/entries/{index:03}" + ("" if width == WIDTH else f".p/{width}")


def bundle_of(entries: list[bytes]) -> bytes:
    """The file of a bundle."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def certificate(digest: bytes, ms: int, kid: bytes = b"\x11" * 8) -> bytes:
    """A certificate's entry, laid out by hand."""
    return struct.pack(">BQ", 1, ms) + kid + digest
