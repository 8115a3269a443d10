"""A full tile with its bundle in one block, laid out so that one entry is proved with 13 hashes instead of 511.

The block holds the tile's inner nodes from the subtrees of four entries up to the two below its root, layer by layer
from the left; where each group of four entries starts in the bundle (65 × uint32, big-endian, the last one its end);
and the bundle as it is published. Whoever made the block is not believed: an entry counts when it leads to the root.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from certs.errors import KezhengError
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import HASH_SIZE, leaf_hash, node_hash, tree_root
from certs.tlog.tiles import decode_bundle, encode_bundle

GROUP = 4
"""Entries that are read together: fewer need more nodes on the disk, more need more hashes."""
_GROUPS = TILE_WIDTH // GROUP
_LAYERS = tuple(_GROUPS >> layer for layer in range(_GROUPS.bit_length() - 1))
"""Nodes in each layer that a block holds: 64, 32, 16, 8, 4, 2."""
_NODES = sum(_LAYERS) * HASH_SIZE
_STARTS = Struct(f">{_GROUPS + 1}I")
_TWO_STARTS = Struct(">2I")
_HEAD = _NODES + _STARTS.size
_LENGTH_SIZE = 2


class PackedTile(NamedTuple):
    """The root of a full tile, and its block."""

    root: bytes
    block: bytes


def pack_tile(entries: Sequence[bytes]) -> PackedTile:
    """The block of a full tile's entries. Raises ValueError for another number of them."""
    if len(entries) != TILE_WIDTH:
        raise ValueError("a full tile has 256 entries")
    hashes = [leaf_hash(entry) for entry in entries]
    layer = [tree_root(hashes[start : start + GROUP]) for start in range(0, TILE_WIDTH, GROUP)]
    nodes: list[bytes] = []
    while len(layer) > 1:
        nodes += layer
        pairs = iter(layer)
        layer = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    starts = _STARTS.pack(*_group_starts(entries))
    return PackedTile(layer[0], b"".join(nodes) + starts + encode_bundle(entries))


def entry_of_block(block: bytes, place: int, root: bytes) -> bytes:
    """The entry at a place, 0 to 255, of the tile with a root that is believed.

    Raises KezhengError ``log_tile_malformed``, ``log_proof_invalid``.
    """
    group = place // GROUP
    entries = _entries_of_group(block, group)
    node = tree_root([leaf_hash(entry) for entry in entries])
    start = 0
    for width in _LAYERS:
        beside = start + (group ^ 1) * HASH_SIZE
        sibling = block[beside : beside + HASH_SIZE]
        node = node_hash(sibling, node) if group & 1 else node_hash(node, sibling)
        start, group = start + width * HASH_SIZE, group >> 1
    if node != root:
        raise KezhengError("log_proof_invalid")
    return entries[place % GROUP]


def bundle_of_block(block: bytes) -> list[bytes]:
    """All entries of a block, unproved. Raises KezhengError ``log_tile_malformed``."""
    return decode_bundle(block[_HEAD:], TILE_WIDTH)


def _entries_of_group(block: bytes, group: int) -> list[bytes]:
    if len(block) < _HEAD:
        raise KezhengError("log_tile_malformed")
    start, stop = _TWO_STARTS.unpack_from(block, _NODES + 4 * group)
    return decode_bundle(block[_HEAD + start : _HEAD + stop], GROUP)


def _group_starts(entries: Sequence[bytes]) -> list[int]:
    starts = [0]
    for first in range(0, TILE_WIDTH, GROUP):
        starts.append(starts[-1] + sum(_LENGTH_SIZE + len(entry) for entry in entries[first : first + GROUP]))
    return starts
