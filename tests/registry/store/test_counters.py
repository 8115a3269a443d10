"""Serials, places and ids are given out once, whoever asks and whoever dies."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from registry.store.certificate_store import certificates_of_batch, serials_in_use
from registry.store.counter_store import take_ids, take_serials, take_status_places
from registry.store.engine import WriteStore, WriteTransaction

WORKER = Path(__file__).with_name("serial_worker.py")
PREFIX = "P000115000001262"


def test_counters_start_and_go_on(store: WriteStore) -> None:
    with store.transaction() as tx:
        assert take_serials(tx, "A", 3) == range(1, 4)
        assert take_serials(tx, "B", 1) == range(1, 2)
        assert take_status_places(tx, 2) == range(2)
        assert take_ids(tx, "person", 5) == range(1, 6)
    with store.transaction() as tx:
        assert take_serials(tx, "A", 2) == range(4, 6)
        assert take_status_places(tx, 1) == range(2, 3)
        assert take_ids(tx, "person", 0) == range(6, 6)
        with pytest.raises(ValueError, match="negative"):
            take_serials(tx, "A", -1)


def take_and_fail(tx: WriteTransaction) -> None:
    take_serials(tx, "A", 3)
    raise ZeroDivisionError


def test_a_rolled_back_block_is_given_out_again(store: WriteStore) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        take_and_fail(tx)
    with store.transaction() as tx:
        assert take_serials(tx, "A", 1) == range(1, 2)


def test_eight_processes_some_of_which_die(register: Any, url: str) -> None:
    batch_id = register.batch.id
    workers = [subprocess.Popen([sys.executable, str(WORKER), url, str(seed), batch_id]) for seed in range(8)]
    codes = [worker.wait(timeout=120) for worker in workers]
    # Seeds decide who dies; at least one in a transaction whose serials were already taken.
    assert set(codes) == {0, -signal.SIGKILL}
    with register.store.transaction() as tx:
        serials = [serial for serial, _state in serials_in_use(tx, PREFIX)]
        found = certificates_of_batch(tx, batch_id)
        assert len(serials) > 100
        assert serials == list(range(1, len(serials) + 1))
        assert take_serials(tx, PREFIX, 1).start == len(serials) + 1
        assert sorted(c.status_index for c in found) == list(range(len(serials)))
        if tx.connection.dialect.name == "sqlite":
            assert tx.connection.scalar(text("PRAGMA integrity_check")) == "ok"
            assert tx.connection.execute(text("PRAGMA foreign_key_check")).all() == []
