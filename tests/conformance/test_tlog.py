"""The public log against the world's vectors: proofs of transparency-dev/merkle, and a log that Tessera wrote."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certs.errors import KezhengError
from certs.tlog.checkpoint import open_checkpoint
from certs.tlog.merkle import leaf_hash, tree_root, verify_consistency, verify_inclusion
from certs.tlog.note import decode_vkey, encode_vkey
from certs.tlog.tile_reader import TileReader

VectorFiles = Callable[[str], list[Path]]
Case = dict[str, Any]
CASES_OF_EACH = 98
SIZES = range(16)
"""Tessera signed a checkpoint of each."""


@pytest.fixture(scope="module")
def proofs(vector_files: VectorFiles) -> dict[str, list[Case]]:
    (path,) = vector_files("tlog/transparency-dev-merkle-vectors.json")
    found: dict[str, list[Case]] = json.loads(path.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def tessera(vector_files: VectorFiles) -> Path:
    (vkey,) = vector_files("tlog/tessera-testdata/vkey.txt")
    return vkey.parent


def is_accepted(case: Case, verify: Callable[[Case, list[bytes]], None]) -> bool:
    try:
        verify(case, [b64decode(part) for part in case["proof"] or []])
    except KezhengError as error:
        assert error.code == "log_proof_invalid"
        return False
    return True


def inclusion(case: Case, proof: list[bytes]) -> None:
    verify_inclusion(b64decode(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, b64decode(case["root"]))


def consistency(case: Case, proof: list[bytes]) -> None:
    roots = b64decode(case["root1"]), b64decode(case["root2"])
    verify_consistency(case["size1"], roots[0], case["size2"], roots[1], proof)


@pytest.mark.parametrize(("kind", "verify"), [("inclusion", inclusion), ("consistency", consistency)])
def test_proofs_are_accepted_and_refused_as_there(
    kind: str, verify: Callable[[Case, list[bytes]], None], proofs: dict[str, list[Case]]
) -> None:
    cases = proofs[kind]
    assert len(cases) == CASES_OF_EACH
    assert [case["file"] for case in cases if is_accepted(case, verify) == case["wantErr"]] == []


def tree_of(tessera: Path, size: int) -> TileReader:
    vkey = (tessera / "vkey.txt").read_text("utf-8").strip()
    key = decode_vkey(vkey)
    assert encode_vkey(key) == vkey
    opened = open_checkpoint((tessera / f"log/checkpoint.{size}").read_bytes(), key.name, [key]).checkpoint
    assert opened.size == size

    def read(path: str) -> bytes | None:
        file = tessera / "log" / path
        return file.read_bytes() if file.is_file() else None

    return TileReader(size, opened.root, read)


@pytest.mark.parametrize("size", [size for size in SIZES if size])
def test_every_entry_of_tesseras_log_is_read_and_proved(size: int, tessera: Path) -> None:
    tree = tree_of(tessera, size)
    leaves = [leaf_hash(tree.entry(index)) for index in range(size)]
    assert tuple(leaves) == tree.tile(0, 0)
    assert tree_root(leaves) == tree.root
    for index, leaf in enumerate(leaves):
        verify_inclusion(leaf, index, size, tree.inclusion_proof(index), tree.root)


def test_tesseras_checkpoints_continue_one_another(tessera: Path) -> None:
    trees = [tree_of(tessera, size) for size in SIZES]
    for tree in trees:
        for older in trees[1 : tree.size + 1]:
            verify_consistency(older.size, older.root, tree.size, tree.root, tree.consistency_proof(older.size))


def test_a_checkpoint_of_tesseras_with_one_other_character_is_untrusted(tessera: Path) -> None:
    key = decode_vkey((tessera / "vkey.txt").read_text("utf-8").strip())
    note = (tessera / "log/checkpoint.15").read_bytes()
    for changed in (note.replace(b"\n15\n", b"\n14\n"), note.replace(b"/testdata\n", b"/testdatb\n")):
        assert changed != note
        with pytest.raises(KezhengError, match="checkpoint_untrusted"):
            open_checkpoint(changed, key.name, [key])
