"""What is issued comes from the rows as approved: the same digest as the approver's, and the rows of that moment."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from register_desk import Desk, name_of, people, person

from certs.candidate import Candidate, RowsDigest, rows_digest
from certs.errors import KezhengError
from registry.issuing import approved_rows
from registry.issuing.approved_rows import forget_rows, kept_rows, read_again, read_approved_rows
from registry.store.batch_store import BatchRecord

ASSESSOR = "P000115000001"


@pytest.fixture
def batch(desk: Desk) -> BatchRecord:
    return desk.approve(desk.bring(people(1, 2, 3), ASSESSOR))


def read(desk: Desk, batch: BatchRecord, how: Any = read_approved_rows) -> dict[int, str]:
    """The names of the rows by their ids."""
    with desk.home.store.reading() as tx:
        return {row.id: row.name for row in how(desk.home, tx, batch).by_id.values()}


def test_what_is_kept_of_a_row(desk: Desk) -> None:
    rows = [person(1, 考核结果="合格"), person(2, 考核结果="不合格", 理论成绩="40", 国家证书编号="国7")]
    batch = desk.approve(desk.bring(rows, ASSESSOR))
    with desk.home.store.reading() as tx:
        found = read_approved_rows(desk.home, tx, batch)
    one, other = found.by_id.values()
    assert (one.name, other.name) == (name_of(1), name_of(2))
    assert (one.earns_certificate, other.earns_certificate) == (True, False)
    assert (one.official_number, other.official_number) == (None, "国7")
    assert one.subject is other.subject
    assert found.replaced == frozenset()


def test_of_a_correction_the_number_that_it_replaces(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0].number
    batch = desk.batch(desk.correct(old, name="测试改正").batch_id)
    with desk.home.store.reading() as tx:
        found = read_approved_rows(desk.home, tx, batch)
    assert found.replaced == {old}
    assert [row.replaces and row.replaces.number for row in found.by_id.values()] == [old]


def test_rows_are_read_piece_by_piece(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = desk.approve(desk.bring(people(*range(1, 8)), ASSESSOR))
    monkeypatch.setattr("registry.store.approval_store.AT_ONCE", 3)
    assert list(read(desk, batch).values()) == [name_of(place) for place in range(1, 8)]
    desk.tamper("UPDATE roster_row SET theory = 10000 WHERE sheet_row = 8")
    with pytest.raises(KezhengError, match=r"^approval_stale"):
        read(desk, batch)


def test_a_grade_that_is_none(desk: Desk, batch: BatchRecord) -> None:
    desk.tamper("UPDATE roster_row SET grade = 'highest' WHERE sheet_row = 2")
    with pytest.raises(KezhengError, match=r"^approval_stale"):
        read(desk, batch)


def test_chunk_after_chunk_is_made_from_the_same_rows(desk: Desk, batch: BatchRecord) -> None:
    """What is changed meanwhile is seen when a run begins, and has no effect on the chunks of one."""
    first = read(desk, batch, read_again)
    desk.tamper("UPDATE roster_row SET name = :name WHERE sheet_row = 2", name=name_of(77))
    assert read(desk, batch, kept_rows) == first
    with pytest.raises(KezhengError, match=r"^approval_stale"):
        read(desk, batch, read_again)
    forget_rows(desk.home, batch)
    with pytest.raises(KezhengError, match=r"^approval_stale"):
        read(desk, batch, kept_rows)


def test_what_is_kept_is_kept_for_exactly_these_rows(desk: Desk, batch: BatchRecord) -> None:
    read(desk, batch, read_again)
    with pytest.raises(KezhengError, match=r"^approval_stale"):
        read(desk, batch._replace(rows_digest=bytes(32)), kept_rows)


def test_no_more_is_kept_than_there_is_room_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of the batch that was looked at longest ago go first; the last are kept however many they are."""
    monkeypatch.setattr(approved_rows, "_kept", type(approved_rows._kept)())
    monkeypatch.setattr(approved_rows, "MOST_KEPT", 3)
    batches = [desk.approve(desk.bring(people(*places), ASSESSOR)) for places in ((1, 2), (3,), (4,), (5, 6, 7, 8))]
    kept = []
    for batch in batches:
        read(desk, batch, kept_rows)
        kept.append([key[1] for key in approved_rows._kept])
    ids = [batch.id for batch in batches]
    assert kept == [ids[:1], ids[:2], ids[1:3], ids[3:]]


ROW = st.lists(st.none() | st.integers(0, 99) | st.text(max_size=3), max_size=4)


@given(st.lists(ROW, max_size=9), st.integers(1, 9))
def test_a_digest_does_not_depend_on_the_pieces(rows: list[list[object]], size: int) -> None:
    whole, pieces = RowsDigest(), RowsDigest()
    whole.add(rows)
    for start in range(0, len(rows), size):
        pieces.add(rows[start : start + size])
    assert pieces.value() == whole.value()
    assert (whole.value() == rows_digest(list[Candidate]())) == (rows == [])
