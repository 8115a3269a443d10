"""The Merkle tree of RFC 6962 §2.1 over SHA-256: hashes, roots, and the verification of proofs (RFC 9162 §2.1.3–4).

A leaf hash is SHA-256(00 ‖ entry), an inner node SHA-256(01 ‖ left ‖ right). All hashes are 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from certs.errors import KezhengError

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without entries."""

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return hashlib.sha256(_NODE + left + right).digest()


def tree_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The Merkle Tree Hash over leaf hashes, or over the roots of equally large trees and one smaller last one."""
    layer = leaf_hashes
    while len(layer) > 1:
        layer = _parent_layer(layer)
    return layer[0] if layer else EMPTY_ROOT


def _parent_layer(layer: Sequence[bytes]) -> list[bytes]:
    """The layer above: neighbours hashed in pairs, a last one without neighbour taken up as it is.

    Pairing from the left splits every subtree at the largest power of two below its size, as RFC 6962 wants.
    """
    sha256, pairs = hashlib.sha256, iter(layer)
    above = [sha256(_NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
    if len(layer) % 2:
        above.append(layer[-1])
    return above


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash stands at a place of the tree with this size and root.

    ``proof`` runs from the leaf's sibling to the root's child (RFC 9162 §2.1.3.2). Raises KezhengError
    ``log_proof_invalid``.
    """
    if not 0 <= index < size or _root_above(index, size - 1, leaf, proof) != root:
        raise KezhengError("log_proof_invalid")


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree with this size and root continues an older one, which must not be empty.

    ``proof`` as in RFC 9162 §2.1.4.1; equal sizes have an empty one. Raises KezhengError ``log_proof_invalid``.
    """
    if not 0 < old_size <= size:
        raise KezhengError("log_proof_invalid")
    if old_size == size:
        is_valid = not proof and old_root == root
    else:
        is_valid = _roots_of_both(old_size, old_root, size, proof) == (old_root, root)
    if not is_valid:
        raise KezhengError("log_proof_invalid")


def _first_shared_node(old_size: int) -> tuple[int, int]:
    """Where a consistency proof starts: layer and place of the largest perfect tree at the end of the older tree."""
    layer = (old_size & -old_size).bit_length() - 1
    return layer, (old_size >> layer) - 1


def _is_power_of_two(size: int) -> bool:
    """Whether a tree of this size is perfect; a consistency proof from it leaves its root out."""
    return size & (size - 1) == 0


def _roots_of_both(old_size: int, old_root: bytes, size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the older and of the newer tree, as the proof has them."""
    nodes = [old_root, *proof] if _is_power_of_two(old_size) else proof
    if not nodes:
        raise KezhengError("log_proof_invalid")
    layer, place = _first_shared_node(old_size)
    return _climb(place, (size - 1) >> layer, nodes[0], nodes[1:])


def _root_above(place: int, last: int, node: bytes, proof: Sequence[bytes]) -> bytes:
    """The root of everything that `_climb` gives, without the other one."""
    _require_hashes(node, proof)
    sha256 = hashlib.sha256
    for sibling in proof:
        if last == 0:
            raise KezhengError("log_proof_invalid")
        if place & 1 or place == last:
            node = sha256(_NODE + sibling + node).digest()
            while not place & 1 and place:  # as in `_climb`
                place, last = place >> 1, last >> 1
        else:
            node = sha256(_NODE + node + sibling).digest()
        place, last = place >> 1, last >> 1
    if last != 0:
        raise KezhengError("log_proof_invalid")
    return node


def _climb(place: int, last: int, node: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Hash a node with its siblings up to the top of a layer whose places end with ``last``.

    Gives the root of all that ends with the node (siblings on its left only) and the root of everything.
    """
    _require_hashes(node, proof)
    until_here = everything = node
    for sibling in proof:
        if last == 0:
            raise KezhengError("log_proof_invalid")
        if place & 1 or place == last:
            until_here, everything = node_hash(sibling, until_here), node_hash(sibling, everything)
            # the last node of a layer without a neighbour is taken up until it has one
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            everything = node_hash(everything, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise KezhengError("log_proof_invalid")
    return until_here, everything


def _require_hashes(node: bytes, proof: Sequence[bytes]) -> None:
    if set(map(len, (node, *proof))) != {HASH_SIZE}:
        raise KezhengError("log_proof_invalid")
