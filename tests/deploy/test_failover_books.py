"""The drill's own bookkeeping: what was told, how long nothing was, what is lost or doubled."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.failover.checkpoints import Seen, differing, in_base64, roots_at
from bench.failover.checks import Row, check_serials, check_told, next_serials, rows_of, serials_missing
from bench.failover.journal import (
    BEGUN,
    ISSUED,
    REFUSED,
    REVOKED,
    REVOKING,
    Acknowledged,
    Journal,
    Reader,
    Told,
    read_all,
    unfinished,
)
from bench.failover.report import judge, markdown
from bench.failover.scanning import RIGHT, SETTLE_SECONDS, Pool, expected, outcome_of
from bench.failover.timeline import Event, Scan, effect_document, effect_of, longest_pause, read_scans
from bench.phases import Phases
from certs.qr import qr_text
from certs.tlog.merkle import leaf_hash, tree_root

QR = qr_text("https://verify.example.cn", b"an envelope")
DIGEST = "5ba5a3ee9df5e4fb9ae0f0ee3d5dd3bd0fb0ad1d7c09ad5ad3c40e3ea9e7b1a0"


def told_of(*entries: dict[str, Any]) -> Told:
    told = Told()
    for entry in entries:
        told.take("app1", entry)
    return told


def issued(at: float, *numbers: str) -> dict[str, Any]:
    return {"kind": ISSUED, "at": at, "begun": at - 1, "certificates": [(number, QR) for number in numbers]}


# --- journals


def test_a_journal_is_read_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    reader, journal = Reader(path), Journal(path)
    assert list(reader.new()) == []
    journal.write(BEGUN, 1.0, turn=0)
    assert list(reader.new()) == [{"kind": BEGUN, "at": 1.0, "turn": 0}]
    with path.open("ab") as file:
        file.write(b'{"kind": "iss')
    assert list(reader.new()) == []
    with path.open("ab") as file:
        file.write(b'ued", "at": 2}\n')
    assert list(reader.new()) == [{"kind": "issued", "at": 2}]


def test_what_was_written_lies_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    Journal(tmp_path / "journal.jsonl").write(BEGUN, 1.0, turn=0)
    assert len(synced) == 1


def test_what_was_begun_and_not_told_done_is_begun_again() -> None:
    begun = [{"kind": BEGUN, "at": at, "turn": turn} for turn, at in enumerate((1.0, 5.0))]
    done = issued(3.0, "N1")
    assert unfinished([]) is None
    assert unfinished([begun[0], done]) is None
    assert unfinished([begun[0], done, begun[1]]) == begun[1]
    assert unfinished([begun[0], {"kind": REFUSED, "at": 2.0, "code": "store_busy"}]) == begun[0]


def test_all_journals_together(tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in ("app1", "app2", "app3")}
    for name in ("app1", "app2"):
        journal = Journal(paths[name])
        journal.write(ISSUED, 4.0, begun=3.0, certificates=[[f"{name}-1", QR]])
        journal.write(REFUSED, 5.0, code="store_unavailable")
        journal.write(REVOKING, 6.0, number=f"{name}-1")
    Journal(paths["app2"]).write(REVOKED, 8.0, begun=6.0, number="app2-1")
    told = read_all(paths)
    assert {each.number: each.machine for each in told.certificates} == {"app1-1": "app1", "app2-1": "app2"}
    assert told.refusals == {"store_unavailable": 2}
    assert told.being_revoked.keys() == {"app1-1", "app2-1"}
    assert told.revoked == {"app2-1": 8.0}
    assert told.writes[-1] == Acknowledged("app2", 6.0, 8.0)


# --- phones


def test_what_a_scan_must_say() -> None:
    told = told_of(issued(1.0, "N1"), {"kind": REVOKING, "at": 10.0, "number": "N2"})
    told.take("app1", {"kind": REVOKING, "at": 10.0, "number": "N3"})
    told.take("app1", {"kind": REVOKED, "at": 11.0, "begun": 10.0, "number": "N3"})
    assert expected(told, "N1", 20.0) == "valid"
    assert expected(told, "N2", 20.0) is None
    assert [expected(told, "N3", 11.0 + SETTLE_SECONDS + d) for d in (-0.1, 0.0)] == [None, "not_in_force"]


def test_only_what_has_settled_is_scanned(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    pool, journal = Pool({"app1": path}), Journal(path)
    journal.write(ISSUED, 10.0, begun=9.0, certificates=[["N1", QR]])
    assert pool.choose(99.0) is None
    pool.look()
    assert pool.choose(10.0 + SETTLE_SECONDS - 0.1) is None
    chosen = pool.choose(10.0 + SETTLE_SECONDS)
    assert chosen is not None
    assert (chosen[0].number, chosen[1]) == ("N1", "valid")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"verdict":"valid","checks":[]}', RIGHT),
        (
            b'HTTP/1.1 200 OK\r\n\r\n{"verdict":"not_genuine","checks":'
            b'[{"code":"logged","outcome":"passed"},{"code":"not_logged","outcome":"failed"}]}',
            "not_genuine (not_logged) for valid",
        ),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "status 503"),
        (b"", "no answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "status 200"),
    ],
)
def test_what_came_of_a_scan(answer: bytes, outcome: str) -> None:
    assert outcome_of(answer, "valid") == outcome


# --- times


def test_the_longest_pause_counts_from_the_event_and_to_its_end() -> None:
    assert longest_pause([], 10.0, 40.0) == 30.0
    assert longest_pause([12.0, 13.0], 10.0, 15.0) == 2.0
    assert longest_pause([29.0, 9.0, 31.0], 10.0, 30.0) == 19.0


@given(st.lists(st.floats(0, 100), max_size=20))
def test_no_pause_is_longer_than_the_time_and_all_of_it_is_covered(moments: list[float]) -> None:
    pause = longest_pause(moments, 0.0, 100.0)
    assert 100.0 / (len(moments) + 1) - 1e-9 <= pause <= 100.0


def test_an_effect_is_what_happened_in_its_time() -> None:
    event = Event("a machine dies", "kill -9", 100.0, 130.0)
    writes = [Acknowledged("app1", at - 1, at) for at in (99.0, 101.0, 121.0, 131.0)]
    scans = [Scan(at, 0.1, RIGHT) for at in (99.0, 100.5, 110.0)] + [Scan(111.0, 2.0, "status 503")]
    effect = effect_of(event, writes, [(99.0, "store_busy"), (105.0, "store_unavailable")], scans)
    assert (effect.writes, effect.pause, effect.refusals) == (2, 20.0, 1)
    assert (effect.scans, effect.failures, effect.slowest) == (3, {"status 503": 1}, 2.0)
    assert effect.gap == pytest.approx(130.0 - 110.1)
    document = effect_document(effect)
    assert (document["longest_pause_of_writes"], document["scans_failed"]) == (20.0, {"status 503": 1})
    assert "| a machine dies | kill -9 |" in markdown([effect])


def test_an_effect_without_scans_is_a_gap() -> None:
    effect = effect_of(Event("x", "y", 0.0, 5.0), [], [], [])
    assert (effect.gap, effect.pause, effect.p99) == (5.0, 5.0, 0.0)


def test_scans_are_read_up_to_a_line_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "scans.jsonl"
    assert read_scans(path) == []
    path.write_bytes(b'[1.0, 0.5, "right"]\n[2.0, 0.')
    assert read_scans(path) == [Scan(1.0, 0.5, RIGHT)]
    assert read_scans(path)[0].answered_at == 1.5


@pytest.mark.parametrize(
    ("scans", "writes", "differences"),
    [
        ([Scan(at, 0.0, RIGHT) for at in range(40)], [10.0, 30.0], 0),
        ([Scan(at, 0.0, RIGHT) for at in range(40)], [5.0], 1),
        ([Scan(at, 0.0, RIGHT) for at in range(0, 40, 4)], [10.0, 30.0], 1),
        ([Scan(at / 2, 0.0, RIGHT) for at in range(80)] + [Scan(9.0, 1.0, "no answer")], [10.0, 30.0], 1),
    ],
)
def test_the_bars(scans: list[Scan], writes: list[float], differences: int) -> None:
    phases = Phases(lambda _line: None)
    told = [Acknowledged("app1", at, at) for at in writes]
    judge(phases, [effect_of(Event("x", "y", 0.0, 40.0), told, [], scans)])
    assert len(phases.differences) == differences


# --- what is looked up in the end


def row(serial: int, state: str = "released", number: str = "", digest: str = DIGEST, prefix: str = "P") -> Row:
    return Row(prefix, serial, state, number or f"N{serial}", digest)


def differences_of(told: Told, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("bench.failover.checks.digest_of", lambda _qr: DIGEST)
    phases = Phases(lambda _line: None)
    check_told(phases, told, rows)
    return phases.differences


def test_what_was_told_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_of(issued(1.0, "N1", "N2"))
    assert differences_of(told, [row(1), row(2), row(3, "void")], monkeypatch) == []


@pytest.mark.parametrize(
    "rows",
    [
        [row(1)],
        [row(1), row(2, "void")],
        [row(1), row(2, "logged")],
        [row(1), row(2, digest="00")],
    ],
)
def test_what_is_not_there_as_it_was_told_is_lost(rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    assert differences_of(told_of(issued(1.0, "N1", "N2")), rows, monkeypatch) == ["lost of 2 acknowledged"]


def test_doubles_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = told_of(issued(1.0, "N1"), issued(2.0, "N1"))
    assert differences_of(twice, [row(1)], monkeypatch) == ["acknowledged twice"]
    doubled = [row(1), row(2, number="N1")]
    assert differences_of(told_of(issued(1.0, "N1")), doubled, monkeypatch) == ["numbers in the database twice"]


@given(st.sets(st.integers(1, 30)), st.lists(st.integers(1, 30), max_size=3))
def test_every_serial_is_taken_once(left_out: set[int], doubled: list[int]) -> None:
    taken = [serial for serial in range(1, 31) if serial not in left_out] + doubled
    times = Counter(taken)
    assert set(serials_missing(taken, 31)) == {serial for serial in range(1, 31) if times[serial] != 1}


def test_a_serial_beyond_the_counter_is_wrong() -> None:
    assert serials_missing([1, 2, 3], 3) == [3]
    assert serials_missing([0, 1, 2], 3) == [0]


def test_what_is_neither_issued_nor_void_is_told() -> None:
    phases = Phases(lambda _line: None)
    check_serials(phases, [row(1), row(2, "void"), row(3, "signed"), row(1, prefix="Q")], {"P": 4, "Q": 2})
    assert phases.differences == ["P: neither issued nor void"]


def test_rows_and_counters_are_read_from_the_databases_answers() -> None:
    assert rows_of("P1|7|released|N7|ab\nP1|8|void|N8|") == [
        Row("P1", 7, "released", "N7", "ab"),
        Row("P1", 8, "void", "N8", ""),
    ]
    assert next_serials("P1|9\nQ2|1") == {"P1": 9, "Q2": 1}
    assert (rows_of(""), next_serials("")) == ([], {})


def checkpoint(size: int, root: str) -> Seen:
    return Seen("app1", 0.0, f"log.example\n{size}\n{root}\n\n— line\n".encode())


def test_checkpoints_of_one_history_and_others() -> None:
    entries = [bytes([place]) * 20 for place in range(9)]
    roots = {size: in_base64(tree_root([leaf_hash(each) for each in entries[:size]])) for size in range(1, 10)}
    assert roots_at({1, 5, 9, 12}, entries) == {size: roots[size] for size in (1, 5, 9)}
    seen = [checkpoint(size, roots[size]) for size in (9, 1, 4)]
    assert differing(seen, entries) == []
    forked, beyond = checkpoint(5, roots[4]), checkpoint(10, roots[9])
    assert differing([*seen, forked, beyond], entries) == [forked, beyond]
