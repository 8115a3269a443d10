"""A full tile with its bundle in one block, laid out so that one entry is proved by 400 bytes and 13 hashes.

A block has 64 slots of one length, each for four entries that follow each other: the six nodes that lead from their
root to that of the tile, the lowest first, then the entries as in a bundle, then zeros. Whoever made the block is not
believed: an entry counts when it leads to the root.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from certs.errors import KezhengError
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import HASH_SIZE, leaf_hash, node_hash, tree_root
from certs.tlog.tiles import encode_bundle

GROUP = 4
"""Entries in a slot: fewer need more nodes on the disk, more need more hashes."""
SLOTS = TILE_WIDTH // GROUP
_NODES = SLOTS.bit_length() - 1
_PATH = _NODES * HASH_SIZE
_LENGTH_SIZE = 2


class PackedTile(NamedTuple):
    """The root of a full tile, and its block."""

    root: bytes
    block: bytes


def pack_tile(entries: Sequence[bytes]) -> PackedTile:
    """The block of a full tile's entries. Raises ValueError for another number of them."""
    if len(entries) != TILE_WIDTH:
        raise ValueError("a full tile has 256 entries")
    groups = [entries[start : start + GROUP] for start in range(0, TILE_WIDTH, GROUP)]
    layers = [[tree_root([leaf_hash(entry) for entry in group]) for group in groups]]
    while len(layers[-1]) > 1:
        pairs = iter(layers[-1])
        layers.append([node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)])
    [root] = layers.pop()
    slots = [_path(layers, slot) + encode_bundle(group) for slot, group in enumerate(groups)]
    length = max(map(len, slots))
    return PackedTile(root, b"".join([slot.ljust(length, b"\0") for slot in slots]))


def entry_of_slot(slot: bytes, place: int, root: bytes) -> bytes:
    """The entry at a place, 0 to 255, of the tile with a root that is believed, out of the slot of its group.

    Raises KezhengError ``log_proof_invalid``.
    """
    group, place = divmod(place, GROUP)
    entries, start = [], _PATH
    for _ in range(GROUP):
        begin = start + _LENGTH_SIZE
        start = begin + int.from_bytes(slot[start:begin], "big")
        entries.append(slot[begin:start])
    # The hashes of `certs.tlog.merkle`, written out: every scan waits for them.
    one, two, three, four = [sha256(b"\x00" + entry).digest() for entry in entries]
    left, right = sha256(b"\x01" + one + two).digest(), sha256(b"\x01" + three + four).digest()
    node = sha256(b"\x01" + left + right).digest()
    for start in range(0, _PATH, HASH_SIZE):
        sibling = slot[start : start + HASH_SIZE]
        node = sha256(b"\x01" + sibling + node if group & 1 else b"\x01" + node + sibling).digest()
        group >>= 1
    if node != root:
        raise KezhengError("log_proof_invalid")
    return entries[place]


def _path(layers: Sequence[Sequence[bytes]], slot: int) -> bytes:
    return b"".join([layer[slot >> height ^ 1] for height, layer in enumerate(layers)])
