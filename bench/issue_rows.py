"""Rosters from their XLSX files to released certificates, beside as many bare signatures, checks and inserted rows.

Everything that `kezheng issue` does before the pages are drawn: read in a child process, checked, stored, approved,
numbered, signed, logged, archived, read by our own verifier, released; with the job engine, on this machine's disk.
Institutions bring rosters of ten thousand rows, and one process for each core takes them in turn, as a register's
processes do. Every round starts from the same home with one institution and no certificate.

The limit, on all cores at once: sign and verify messages of this length, and put the very same rows into empty tables
by what the driver has for many rows; each process has a database of its own, so that none waits for another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.bulk_insert import (
    Filled,
    copy_sqlite,
    empty_postgresql,
    empty_sqlite,
    postgresql_rows,
    rows_of_batches,
    sqlite_rows,
)
from bench.issuing_processes import bare, issuing
from bench.postgres_homes import PostgresHomes
from bench.rounds import Benchmark, Side
from bench.sample_home import make_home, roster_file
from bench.side_by_side import SideBySide
from registry.settings import Settings, load_settings

ROSTER = 10_000
FEW, ALL = 2, 10
"""Rosters of a measurement of minutes, and of one of 100,000 rows; as many more as give each core the same."""
DATABASE = "kezheng.db"


@contextmanager
def sqlite(rosters: int = FEW) -> Iterator[Benchmark]:
    """On SQLite."""
    rosters = _for_all_cores(rosters)
    with TemporaryDirectory() as folder:
        start, used = Path(folder, "start"), Path(folder, "used")
        [code] = make_home(load_settings(start, {}))
        databases = [str(Path(folder, f"limit{place}.db")) for place in range(cores())]
        for database in databases:
            copy_sqlite(start / DATABASE, database)

        def fresh_home() -> Settings:
            shutil.rmtree(used, ignore_errors=True)
            shutil.copytree(start, used)
            return load_settings(used, {})

        with _issuing(fresh_home, code, rosters) as issue:
            issue.make_ready()
            issue.work()
            filled = sqlite_rows(used / DATABASE)
            with _bare(databases, rosters, filled, empty_sqlite) as alone:
                yield Benchmark("certificates", issue, alone)


@contextmanager
def postgresql(rosters: int = FEW) -> Iterator[Benchmark]:
    """On PostgreSQL, with a server that is as durable as it is by default."""
    rosters = _for_all_cores(rosters)
    with PostgresHomes() as homes, _issuing(homes.fresh, homes.code, rosters) as issue:
        issue.make_ready()
        issue.work()
        filled = postgresql_rows(homes.address(homes.used))
        databases = [homes.address(homes.copy_of_start()) for _ in range(cores())]
        with _bare(databases, rosters, filled, empty_postgresql) as alone:
            yield Benchmark("certificates", issue, alone)


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
def _issuing(fresh_home: Callable[[], Settings], code: str, rosters: int) -> Iterator[Side]:
    """Our side: the rosters are dealt out in turn."""
    files = [roster_file(range(start * ROSTER, (start + 1) * ROSTER)) for start in range(rosters)]
    processes = SideBySide(issuing)

    def make_ready() -> None:
        settings = fresh_home()
        processes.make_ready([(settings, code, files[place :: cores()]) for place in range(cores())])

    def work() -> int:
        processes.work()
        return rosters * ROSTER

    try:
        yield Side("XLSX to released certificates", work, make_ready)
    finally:
        processes.end()


@contextmanager
def _bare(
    databases: Sequence[str], rosters: int, filled: Sequence[Filled], empty: Callable[[str], None]
) -> Iterator[Side]:
    """The limit: as many certificates in each of the processes as there are of them all, divided by the processes."""
    share = rosters * ROSTER // len(databases)
    parts = [_part(filled, place, len(databases)) for place in range(len(databases))]
    processes = SideBySide(bare)

    def make_ready() -> None:
        for database in databases:
            empty(database)
        arguments = zip(databases, parts, strict=True)
        processes.make_ready([(share, database, part) for database, part in arguments])

    def work() -> int:
        processes.work()
        return share * len(databases)

    try:
        yield Side("bare Ed25519 sign and verify, and the driver's insertion of the same rows", work, make_ready)
    finally:
        processes.end()


def _part(filled: Sequence[Filled], place: int, of: int) -> list[Filled]:
    """One part of rows that belong together: whole batches, so that no row refers to one of another part."""
    [batches] = [table for table in filled if table.table == "batch"]
    mine = {row[0] for row in batches.rows[place::of]}
    return rows_of_batches(filled, mine)


def _for_all_cores(rosters: int) -> int:
    return -(-rosters // cores()) * cores()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
