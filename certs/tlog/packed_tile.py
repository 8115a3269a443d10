"""A full tile with its bundle in one block, laid out so that one entry is proved by 200 bytes and six hashes.

A block begins with its crown: the 16 nodes of the tile that each stand for 16 entries. Then come 128 slots of one
length, each for two entries that follow each other: the three nodes that lead from their root to a node of the crown,
the lowest first, then the entries as in a bundle, then zeros. Whoever made the block is not believed: a crown counts
when it leads to the tile's root, an entry when it leads to the crown.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from certs.errors import KezhengError
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import HASH_SIZE, leaf_hash, node_hash, tree_root
from certs.tlog.tiles import encode_bundle

GROUP = 2
"""Entries in a slot."""
SLOTS = TILE_WIDTH // GROUP
_CROWN_HEIGHT = 4
CROWN_LENGTH = (TILE_WIDTH >> _CROWN_HEIGHT) * HASH_SIZE
_PATH = (_CROWN_HEIGHT - 1) * HASH_SIZE
_LENGTH_SIZE = 2


class PackedTile(NamedTuple):
    """The root of a full tile, and its block."""

    root: bytes
    block: bytes


def pack_tile(entries: Sequence[bytes]) -> PackedTile:
    """The block of a full tile's entries. Raises ValueError for another number of them."""
    if len(entries) != TILE_WIDTH:
        raise ValueError("a full tile has 256 entries")
    layers = [[leaf_hash(entry) for entry in entries]]
    while len(layers) <= _CROWN_HEIGHT:
        pairs = iter(layers[-1])
        layers.append([node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)])
    crown, both = layers.pop(), zip(entries[::2], entries[1::2], strict=True)
    slots = [_path(layers, slot) + encode_bundle(two) for slot, two in enumerate(both)]
    length = max(map(len, slots))
    return PackedTile(tree_root(crown), b"".join(crown) + b"".join([slot.ljust(length, b"\0") for slot in slots]))


def checked_crown(crown: bytes, root: bytes) -> bytes:
    """The crown of the tile with a root that is believed. Raises KezhengError ``log_proof_invalid``."""
    nodes = [crown[start : start + HASH_SIZE] for start in range(0, CROWN_LENGTH, HASH_SIZE)]
    if len(crown) != CROWN_LENGTH or tree_root(nodes) != root:
        raise KezhengError("log_proof_invalid")
    return crown


def entry_of_slot(slot: bytes, place: int, crown: bytes) -> bytes:
    """The entry at a place, 0 to 255, of the tile with a checked crown, out of the slot of both neighbours.

    Raises KezhengError ``log_proof_invalid``.
    """
    first = _PATH + _LENGTH_SIZE
    end = first + int.from_bytes(slot[_PATH:first], "big")
    second = end + _LENGTH_SIZE
    one, two = slot[first:end], slot[second : second + int.from_bytes(slot[end:second], "big")]
    # The hashes of `certs.tlog.merkle`, written out: every scan waits for them.
    node = sha256(b"\x01" + sha256(b"\x00" + one).digest() + sha256(b"\x00" + two).digest()).digest()
    turn = place >> 1
    for start in range(0, _PATH, HASH_SIZE):
        sibling = slot[start : start + HASH_SIZE]
        node = sha256(b"\x01" + sibling + node if turn & 1 else b"\x01" + node + sibling).digest()
        turn >>= 1
    if node != crown[turn * HASH_SIZE : (turn + 1) * HASH_SIZE]:
        raise KezhengError("log_proof_invalid")
    return two if place & 1 else one


def _path(layers: Sequence[Sequence[bytes]], slot: int) -> bytes:
    """The siblings of a pair's root and of what is above it, below the crown."""
    return b"".join([layer[slot >> height ^ 1] for height, layer in enumerate(layers[1:])])
