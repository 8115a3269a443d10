"""Killed on PostgreSQL between all commits of an issue run: the same command finishes it, nothing happens twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from both_engines import copied_home
from register_crash import killed_at
from register_desk import Desk, people, person
from sqlalchemy import text

from registry.home import open_home
from registry.settings import load_settings
from registry.store.batch_store import batches_of_institution
from registry.store.states import BatchState, CertificateState
from registry.store.tables import TABLES

ASSESSOR = "P000115000001"
ROWS = [*people(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), person(11, 国家证书编号="国2026-1")]
"""Enough for COPY, which begins at ten rows."""
MOST_POINTS = 200
pytestmark = pytest.mark.slow


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    with open_home(load_settings(folder, {}), {}) as home:
        yield Desk(home)


def issue(folder: Path) -> None:
    """The whole command without its files: import, approve, issue."""
    with opened(folder) as desk:
        batch = desk.approve(desk.bring(ROWS, ASSESSOR))
        if batch.state is not BatchState.RELEASED:
            desk.finish(batch)


def what_is_left(folder: Path) -> tuple[Any, ...]:
    """What a killed process left: from the same state the same command does the same, so each is gone on from once."""
    with opened(folder) as desk, desk.home.store.reading() as tx:
        queries = [f"SELECT count(*) FROM {table.name}" for table in TABLES]
        for name in ("certificate", "batch"):
            queries.append(f"SELECT state, count(*) FROM {name} GROUP BY state ORDER BY state")
        queries.append("SELECT * FROM counter ORDER BY name")
        return tuple(tuple(map(tuple, tx.connection.execute(text(query)).all())) for query in queries)


def stored_envelopes(folder: Path) -> dict[str, bytes]:
    """Number → envelope of everything that bears a signature."""
    query = "SELECT number, envelope FROM certificate JOIN certificate_sealed ON certificate_id = certificate.id"
    with opened(folder) as desk, desk.home.store.reading() as tx:
        return {row.number: row.envelope for row in tx.connection.execute(text(query))}


def check_finished(folder: Path, signed_before: dict[str, bytes]) -> None:
    """All that must be true once the same command has run to its end."""
    with opened(folder) as desk:
        with desk.home.store.reading() as tx:
            [batch] = batches_of_institution(tx, ASSESSOR)
        certificates = desk.certificates(batch.id)
        assert batch.state is BatchState.RELEASED
        assert {c.state for c in certificates} == {CertificateState.RELEASED}
        assert sorted(c.serial for c in certificates) == list(range(1, len(ROWS) + 1))
        assert len({c.status_index for c in certificates}) == len(ROWS)
        envelopes = {c.number: c.envelope for c in certificates}
        assert signed_before.items() <= envelopes.items()
        reports = desk.reports(envelopes)
        assert {report["verdict"] for report in reports} == {"valid"}
        assert [report["certificate"]["official_number"] for report in reports].count("国2026-1") == 1


def test_killed_between_all_commits(prepared_on_postgresql: tuple[Path, str], tmp_path: Path) -> None:
    points, seen, is_done = 0, set(), False
    while not is_done:
        # What is left before a commit was left at the beginning of its transaction too: every second point is enough.
        points += 2
        with copied_home(*prepared_on_postgresql, tmp_path / f"home{points}") as folder:
            is_done = not killed_at(points, lambda folder=folder: issue(folder), writes=False)
            left = what_is_left(folder)
            if left in seen:
                continue
            seen.add(left)
            before = stored_envelopes(folder)
            issue(folder)
            check_finished(folder, before)
    assert 20 < points < MOST_POINTS
    assert len(seen) > 5


def test_killed_again_and_again_it_still_comes_to_its_end(
    prepared_on_postgresql: tuple[Path, str], tmp_path: Path
) -> None:
    """Some writes further at each attempt, in the middle of transactions, in one and the same home."""
    signed: dict[str, bytes] = {}
    with copied_home(*prepared_on_postgresql, tmp_path / "home") as folder:
        for attempt in range(MOST_POINTS):
            if not killed_at(5 + 3 * attempt, lambda: issue(folder)):
                break
            now_signed = stored_envelopes(folder)
            assert signed.items() <= now_signed.items()
            signed = now_signed
        check_finished(folder, signed)
