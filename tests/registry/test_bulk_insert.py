"""The limit beside which issuing is measured really stores the same rows, and processes really start together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres_server import postgres_database
from register_desk import Desk, people

from bench.bulk_insert import (
    TABLES,
    Filled,
    copy_sqlite,
    empty_postgresql,
    empty_sqlite,
    insert_into_postgresql,
    insert_into_sqlite,
    postgresql_rows,
    rows_of_batches,
    sqlite_rows,
)
from bench.side_by_side import SideBySide

ASSESSOR = "P000115000001"


def issued(desk: Desk) -> list[str]:
    """Two released batches of three and two people; their ids."""
    return [desk.certify(people(*places), ASSESSOR)[0].batch_id for places in ((1, 2, 3), (4, 5))]


def counts(filled: list[Filled]) -> dict[str, int]:
    return {table.table: len(table.rows) for table in filled if table.table not in ("log_entry", "log_tile")}


def expected(people_in_batch: int, batches: int = 1) -> dict[str, int]:
    of_people = [name for name in TABLES if name not in ("batch", "log_entry", "log_tile")]
    return dict.fromkeys(of_people, people_in_batch) | {"batch": batches}


def test_the_same_rows_in_sqlite(desk: Desk, tmp_path: Path) -> None:
    one, other = issued(desk)
    used, copy = desk.folder / "kezheng.db", tmp_path / "limit.db"
    copy_sqlite(used, copy)
    filled = sqlite_rows(used)
    assert counts(filled) == expected(5, 2)
    for batch, size in ((one, 3), (other, 2)):
        empty_sqlite(copy)
        assert counts(sqlite_rows(copy)) == expected(0, 0)
        part = rows_of_batches(filled, {batch})
        insert_into_sqlite(copy, part)
        assert counts(sqlite_rows(copy)) == counts(part) == expected(size)
    assert [len(table.rows) for table in sqlite_rows(copy) if table.table == "log_entry"] == [2]


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_the_same_rows_in_postgresql(desk: Desk) -> None:
    one, _ = issued(desk)
    address = desk.home.settings.database_url.replace("postgresql+psycopg:", "postgresql:")
    filled = postgresql_rows(address)
    assert counts(filled) == expected(5, 2)
    desk.home.store.close()
    with postgres_database(copy_of=address) as copy:
        empty_postgresql(copy)
        assert counts(postgresql_rows(copy)) == expected(0, 0)
        part = rows_of_batches(filled, {one})
        insert_into_postgresql(copy, part)
        assert counts(postgresql_rows(copy)) == expected(3)


@contextmanager
def writing(folder: Path, place: int, count: int) -> Iterator[Callable[[], None]]:
    """Work that says which of the processes were ready when it was let go."""
    (folder / f"ready {place}").touch()

    def work() -> None:
        seen = sum((folder / f"ready {other}").exists() for other in range(count))
        (folder / f"seen {place}").write_text(str(seen), "utf-8")

    yield work


@contextmanager
def failing() -> Iterator[Callable[[], None]]:
    """Work that cannot be done."""

    def work() -> None:
        raise SystemExit(1)

    yield work


def test_processes_are_let_go_when_all_are_ready(tmp_path: Path) -> None:
    processes = SideBySide(writing)
    processes.make_ready([(tmp_path, place, 2) for place in range(2)])
    assert list(tmp_path.glob("seen *")) == []
    processes.work()
    processes.end()
    assert [(tmp_path / f"seen {place}").read_text("utf-8") for place in range(2)] == ["2", "2"]


def test_a_process_that_fails_is_told() -> None:
    processes = SideBySide(failing)
    processes.make_ready([()])
    with pytest.raises(EOFError):
        processes.work()
    processes.end()
