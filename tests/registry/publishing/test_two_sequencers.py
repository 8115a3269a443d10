"""Two sequencers on one database, as after a failover: one signature per size, and one history."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from log_desk import NOW, LogDesk, bodies, open_desk, read_published
from register_crash import exit_code, in_child

from certs.log_entry import read_entry
from registry.publishing.sequence_log import append_entries
from registry.store.log_store import read_tree

ROUNDS = 12


def sequence(url: str, folder: Path, go: Path) -> None:
    """Append and publish in turn, with a pause between computing a tree and committing it."""
    desk = open_desk(url, folder)
    while not go.exists():
        time.sleep(0.001)
    with closing(desk.store):
        for turn in range(ROUNDS):
            with desk.store.transaction() as tx:
                first = read_tree(tx).size
                append_entries(tx, bodies(first, first + 50 + turn), NOW, place=desk.place)
                time.sleep(0.01)
            time.sleep(0.005)
            desk.publish()


@pytest.mark.parametrize("folders", [("log", "log"), ("log", "other")], ids=["one folder", "two machines"])
def test_one_signature_for_each_size(log_desk: LogDesk, tmp_path: Path, folders: tuple[str, str]) -> None:
    go = tmp_path / "go"
    children = [in_child(partial(sequence, log_desk.url, tmp_path / folder, go)) for folder in folders]
    go.touch()
    assert [exit_code(child) for child in children] == [0, 0]
    total = 2 * sum(50 + turn for turn in range(ROUNDS))
    signed = log_desk.signer.signed()
    assert set(Counter(made.size for made in signed).values()) == {1}
    assert [made.size for made in signed] == sorted(made.size for made in signed)
    assert signed[-1].size == log_desk.tree().size == total
    for folder in set(folders):
        published = read_published(tmp_path / folder, log_desk.signers)
        assert published.opened.checkpoint in signed
        bodies_read = [read_entry(entry).body for entry in published.entries]
        assert bodies_read == [body.body for body in bodies(0, published.size)]
    assert total in {read_published(tmp_path / folder, log_desk.signers).size for folder in folders}
