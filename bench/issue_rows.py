"""Rosters from their XLSX files to released certificates, beside as many bare signatures, checks and inserted rows.

Everything that `kezheng issue` does before the pages are drawn: read in a child process, checked, stored, approved,
numbered, signed, logged, archived, read by our own verifier, released; with the job engine, on this machine's disk.
Institutions bring rosters of ten thousand rows, and one process for each core takes them in turn, as a register's
processes do. Every round starts from the same home with one institution and no certificate.

The limit is what one core does alone (sign and verify a message of this length, and put the very same rows into empty
tables by what the driver has for many rows) times the number of cores.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.bulk_insert import (
    empty_postgresql,
    empty_sqlite,
    insert_into_postgresql,
    insert_into_sqlite,
    postgresql_rows,
    sqlite_rows,
)
from bench.issuing_processes import IssuingProcesses
from bench.postgres_homes import PostgresHomes
from bench.rounds import Benchmark, Side
from bench.sample_home import make_home, roster_file
from bench.sample_log import key
from registry.settings import Settings, load_settings

ROSTER = 10_000
FEW, ALL = 2, 10
"""Rosters of a measurement of minutes, and of one of 100,000 rows."""
MESSAGE_LENGTH = 130
"""Bytes of an ordinary certificate's to-be-signed structure."""
DATABASE = "kezheng.db"
Insert = Callable[[], None]


@contextmanager
def sqlite(rosters: int = FEW) -> Iterator[Benchmark]:
    """On SQLite."""
    with TemporaryDirectory() as folder:
        start, used, limit = (Path(folder, name) for name in ("start", "used", "limit"))
        [code] = make_home(load_settings(start, {}))

        def fresh_home() -> Settings:
            shutil.rmtree(used, ignore_errors=True)
            shutil.copytree(start, used)
            return load_settings(used, {})

        with _processes(fresh_home, code, rosters) as processes:
            processes.make_ready()
            processes.issue()
            filled = sqlite_rows(used / DATABASE)
            shutil.copytree(start, limit)
            yield _benchmark(
                "XLSX to released certificates, SQLite",
                processes,
                lambda: empty_sqlite(limit / DATABASE),
                lambda: insert_into_sqlite(limit / DATABASE, filled),
            )


@contextmanager
def postgresql(rosters: int = FEW) -> Iterator[Benchmark]:
    """On PostgreSQL, with a server that is as durable as it is by default."""
    with PostgresHomes() as homes, _processes(homes.fresh, homes.code, rosters) as processes:
        processes.make_ready()
        processes.issue()
        filled = postgresql_rows(homes.address(homes.used))
        limit = homes.address(homes.copy_of_start())
        yield _benchmark(
            "XLSX to released certificates, PostgreSQL",
            processes,
            lambda: empty_postgresql(limit),
            lambda: insert_into_postgresql(limit, filled),
        )


@contextmanager
def sqlite_all() -> Iterator[Benchmark]:
    """100,000 rows on SQLite."""
    with sqlite(ALL) as benchmark:
        yield benchmark


@contextmanager
def postgresql_all() -> Iterator[Benchmark]:
    """100,000 rows on PostgreSQL."""
    with postgresql(ALL) as benchmark:
        yield benchmark


@contextmanager
def _processes(fresh_home: Callable[[], Settings], code: str, rosters: int) -> Iterator[IssuingProcesses]:
    files = [roster_file(range(start * ROSTER, (start + 1) * ROSTER)) for start in range(rosters)]
    processes = IssuingProcesses(fresh_home, code, files, cores())
    try:
        yield processes
    finally:
        processes.end()


def _benchmark(label: str, processes: IssuingProcesses, empty: Insert, insert: Insert) -> Benchmark:
    private, message = key("institution"), bytes(MESSAGE_LENGTH)
    public, rows = private.public_key(), ROSTER * len(processes.rosters)

    def issue() -> int:
        processes.issue()
        return rows

    def alone() -> int:
        for _ in range(rows):
            public.verify(private.sign(message), message)
        insert()
        return rows * cores()

    limit = f"bare Ed25519 sign and verify, and the driver's insertion of the same rows, times {cores()} cores"
    return Benchmark("certificates", Side(label, issue, processes.make_ready), Side(limit, alone, empty))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
