"""Counting a register's certificates from its published files alone, with nothing of the program that wrote them.

Files as C2SP tlog-tiles lays them out: ``tile/entries/x001/067``, the unfinished one ``…/067.p/8``, before each entry
two bytes with its length. A certificate's entry: 1 ‖ time (8 bytes, ms) ‖ kid (8) ‖ SHA-256 of the envelope (32).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CERTIFICATE = 1
LENGTH = struct.Struct(">H")
LEAF = struct.Struct(">BQ8s32s")


class Leaf(NamedTuple):
    """A certificate's entry."""

    logged_ms: int
    kid: bytes
    digest: bytes


def certificate_leaves(log_folder: Path) -> list[Leaf]:
    """All certificates of a published log, in its order.

    Raises ValueError when the files hold another number of entries than the checkpoint says.
    """
    entries = [entry for content in bundles(log_folder / "tile/entries") for entry in entries_of(content)]
    size = int((log_folder / "checkpoint").read_text("utf-8").split("\n")[1])
    if len(entries) != size:
        raise ValueError(f"{len(entries)} entries, the checkpoint says {size}")
    return [Leaf(*LEAF.unpack(entry)[1:]) for entry in entries if entry[0] == CERTIFICATE]


def bundles(folder: Path) -> Iterator[bytes]:
    """The bundles in order: whole ones, and of an unfinished one the longest that is there."""
    best: dict[int, tuple[int, Path]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            place, width = place_of(path.relative_to(folder).parts)
            best[place] = max(best.get(place, (0, path)), (width, path))
    for place in sorted(best):
        yield best[place][1].read_bytes()


def place_of(parts: tuple[str, ...]) -> tuple[int, int]:
    """Index and width of a bundle by its path."""
    width = 256
    if parts[-2:-1] and parts[-2].endswith(".p"):
        width, parts = int(parts[-1]), (*parts[:-2], parts[-2].removesuffix(".p"))
    return int("".join(part.removeprefix("x") for part in parts)), width


def entries_of(bundle: bytes) -> Iterator[bytes]:
    """The entries of a bundle."""
    start = 0
    while start < len(bundle):
        [length] = LENGTH.unpack_from(bundle, start)
        start += LENGTH.size + length
        yield bundle[start - length : start]
