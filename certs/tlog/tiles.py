"""Where tiles and entry bundles lie below a log's folder, and what their files hold (C2SP tlog-tiles)."""

from __future__ import annotations

from collections.abc import Sequence

from certs.errors import KezhengError
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import HASH_SIZE

MAX_LEVEL = 63
MAX_ENTRY = 2**16 - 1
"""Bytes of an entry: its length is written in two bytes."""

_LENGTH_SIZE = 2


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile: ``tile/0/x001/067``, a partial one ``tile/0/x001/067.p/8``."""
    if not 0 <= level <= MAX_LEVEL:
        raise ValueError("a tile has a level from 0 to 63")
    return f"tile/{level}/{_place(index, width)}"


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of the entry bundle that belongs to the level-0 tile with this index and width."""
    return f"tile/entries/{_place(index, width)}"


def _place(index: int, width: int) -> str:
    """The index in groups of three digits, all but the last with an x, so that no file bears a folder's name."""
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise ValueError("a tile has an index from 0 and a width from 1 to 256")
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """The file of a tile: its hashes one after the other."""
    return b"".join(hashes)


def tile_hashes(data: bytes, width: int) -> list[bytes]:
    """The hashes in the file of a tile. Raises KezhengError ``log_tile_malformed`` unless it has exactly this width."""
    if len(data) != width * HASH_SIZE:
        raise KezhengError("log_tile_malformed")
    return [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The file of an entry bundle. Raises KezhengError ``log_tile_malformed`` for an entry that is too long."""
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise KezhengError("log_tile_malformed")
    return b"".join(len(entry).to_bytes(_LENGTH_SIZE, "big") + entry for entry in entries)


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """The entries of a bundle. Raises KezhengError ``log_tile_malformed`` unless it holds exactly this many."""
    entries: list[bytes] = []
    start = 0
    while start < len(data) and len(entries) < count:
        begin = start + _LENGTH_SIZE
        start = begin + int.from_bytes(data[start:begin], "big")
        entries.append(data[begin:start])
    if start != len(data) or len(entries) != count:
        raise KezhengError("log_tile_malformed")
    return entries
