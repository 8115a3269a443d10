"""Trees, tiles, notes and a proof file made by another hand: what we write and what we read."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from certs.errors import KezhengError
from certs.tlog.checkpoint import Cosigned, checkpoint_text, open_checkpoint
from certs.tlog.frontier import TILE_WIDTH, Frontier
from certs.tlog.merkle import leaf_hash, tree_root, verify_consistency, verify_inclusion
from certs.tlog.note import decode_vkey, encode_vkey, format_note, parse_note
from certs.tlog.proof_file import format_tlog_proof, parse_tlog_proof
from certs.tlog.tiles import bundle_path, encode_bundle, encode_tile, tile_path

FOLDER = Path(__file__).resolve().parents[1] / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "tlog.json").read_text("utf-8"))
KEYS = {role: decode_vkey(vkey) for role, vkey in VECTORS["keys"].items()}
ORIGIN = KEYS["log"].name


def entry(index: int) -> bytes:
    return f"entry {index}".encode()


def hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def named(part: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[part]]


@pytest.mark.parametrize("tree", VECTORS["trees"], ids=lambda tree: str(tree["size"]))
def test_tree(tree: dict[str, Any]) -> None:
    size, root = tree["size"], bytes.fromhex(tree["root"])
    leaves = [leaf_hash(entry(index)) for index in range(size)]
    assert tree_root(leaves) == root
    for index, proof in tree["inclusion"].items():
        verify_inclusion(leaves[int(index)], int(index), size, hashes(proof), root)
    for old_size, proof in tree["consistency"].items():
        verify_consistency(int(old_size), tree_root(leaves[: int(old_size)]), size, root, hashes(proof))


def test_tiles() -> None:
    size = VECTORS["tiles"]["size"]
    entries = [entry(index) for index in range(size)]
    frontier = Frontier()
    full = frontier.append_hashes([leaf_hash(each) for each in entries])
    assert frontier.root().hex() == VECTORS["tiles"]["root"]
    made = {bundle_path(size // TILE_WIDTH, size % TILE_WIDTH): encode_bundle(entries[-(size % TILE_WIDTH) :])}
    for level, part in enumerate(frontier.levels):
        made[tile_path(level, (size >> 8 * level) // TILE_WIDTH, len(part))] = encode_tile(part)
    made[tile_path(0, 0)] = encode_tile([leaf_hash(each) for each in entries[:TILE_WIDTH]])
    made[tile_path(1, 0)] = encode_tile([tile.root for tile in full if tile.level == 0][:TILE_WIDTH])
    assert {path: hashlib.sha256(data).hexdigest() for path, data in made.items()} == VECTORS["tiles"]["sha256"]


def test_verifier_keys() -> None:
    assert {role: encode_vkey(key) for role, key in KEYS.items()} == VECTORS["keys"]


@pytest.mark.parametrize("vector", named("accepted"))
def test_a_checkpoint_is_opened(vector: dict[str, Any]) -> None:
    note = vector["note"].encode()
    opened = open_checkpoint(note, ORIGIN, [KEYS["log"]], cosigners=[KEYS["cosigner"], KEYS["witness"]])
    assert list(opened.cosigned) == [Cosigned(*each) for each in vector["cosigned"]]
    assert opened.note.text.startswith(checkpoint_text(opened.checkpoint))
    assert (opened.checkpoint.size, opened.checkpoint.root.hex()) == (600, VECTORS["trees"][-1]["root"])
    assert format_note(parse_note(note)) == note


@pytest.mark.parametrize("vector", named("refused"))
def test_a_checkpoint_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(KezhengError) as refused:
        open_checkpoint(
            vector["note"].encode(), ORIGIN, [KEYS["log"]], cosigners=[KEYS["cosigner"], KEYS["witness"]]
        )
    assert refused.value.code == "checkpoint_untrusted"


def test_proof_file() -> None:
    vector = VECTORS["proof"]
    proof = parse_tlog_proof(vector["text"].encode())
    assert (proof.leaf_index, proof.extra) == (vector["index"], bytes.fromhex(vector["extra"]))
    opened = open_checkpoint(proof.checkpoint_note, ORIGIN, [KEYS["log"]]).checkpoint
    verify_inclusion(leaf_hash(entry(proof.leaf_index)), proof.leaf_index, opened.size, proof.hashes, opened.root)
    assert format_tlog_proof(proof) == vector["text"]


def test_the_vectors_are_what_their_generator_writes(tmp_path: Path) -> None:
    for name in ("make_tlog.py", "tlog.json"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    subprocess.run([sys.executable, str(tmp_path / "make_tlog.py")], check=True, timeout=60)
    assert (tmp_path / "tlog.json").read_bytes() == (FOLDER / "tlog.json").read_bytes()
