"""Token Status Lists follow the status file: with every change, and by themselves when a suspension begins or ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
from register_desk import NOW, Desk, people
from sqlalchemy import event

from certs.evidence import STATUS_FILE
from certs.status import State
from certs.status_array import unpack
from certs.status_list import LIST_SIZE
from certs.status_list_token import cwt_file, jwt_file, open_status_list_cwt, open_status_list_jwt
from certs.token_status_list import Period, TokenState, TokenStatusList
from keys.key_record import KeyRole
from registry.delegation_changes import rotate_role
from registry.publishing.documents import published_files
from registry.publishing.publish_status import status_entries, status_list_needs_signing
from registry.publishing.publish_token_lists import TIME_TO_LIVE, publish_token_lists
from registry.publishing.static_files import read_published, write_published
from registry.settings import load_settings
from registry.status_changes import StatusChange, record_change
from registry.store.document_store import latest_document

ASSESSOR = "P000115000001"
PUBLIC_URL = "http://127.0.0.1:8000"
SECOND = timedelta(seconds=1)
LIFE = timedelta(hours=72)


def work(desk: Desk) -> None:
    """One round of the worker."""
    with desk.home.recording() as tx:
        desk.home.publish_if_needed(tx, desk.now)


def needs_signing(desk: Desk, public_url: str | None = None) -> bool:
    with desk.home.store.reading() as tx:
        return status_list_needs_signing(tx, desk.now, public_url or desk.home.settings.public_url)


def version(desk: Desk, name: str) -> int:
    with desk.home.store.reading() as tx:
        document = latest_document(tx, name)
    return 0 if document is None else document.version


def lists(desk: Desk, number: int = 0) -> tuple[TokenStatusList, TokenStatusList]:
    """A list as JWT and as CWT, opened under the delegated status key."""
    with desk.home.store.reading() as tx:
        files, key = published_files(tx), desk.home.delegated(tx).status_key
    return (
        open_status_list_jwt(files[jwt_file(number)], key),
        open_status_list_cwt(files[cwt_file(number)], key),
    )


def state_of(desk: Desk, index: int) -> TokenState:
    """What both forms say of a status index."""
    first, second = lists(desk, index // LIST_SIZE)
    assert first.array == second.array
    return first.state(index % LIST_SIZE)


def certified(desk: Desk) -> tuple[str, int]:
    """A released certificate, its list published: number and status index."""
    number = desk.certify(people(1), ASSESSOR)[0].number
    work(desk)
    return number, desk.certificate(number).status_index


def test_a_list_appears_with_its_first_certificate(desk: Desk) -> None:
    work(desk)
    assert (version(desk, jwt_file(0)), version(desk, cwt_file(0))) == (0, 0)
    assert not needs_signing(desk)
    _, index = certified(desk)
    for opened, name in zip(lists(desk), (jwt_file(0), cwt_file(0)), strict=True):
        assert opened.uri == f"{PUBLIC_URL}/published/{name}"
        assert (opened.issued_at, opened.expires_at, opened.ttl) == (NOW, NOW + LIFE, TIME_TO_LIVE)
    assert state_of(desk, index) is TokenState.VALID
    assert not needs_signing(desk)
    assert version(desk, jwt_file(1)) == 0


def test_names_of_the_files() -> None:
    assert (jwt_file(0), cwt_file(12)) == ("status/lists/0.jwt", "status/lists/12.cwt")


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (State.REVOKED, "exam_misconduct", TokenState.INVALID),
        (State.CANCELLED, "holder_request", TokenState.INVALID),
        (State.SUSPENDED, "under_review", TokenState.SUSPENDED),
    ],
)
def test_a_change_shows_in_the_same_transaction(
    desk: Desk, state: State, reason: str, expected: TokenState
) -> None:
    number, index = certified(desk)
    before = version(desk, STATUS_FILE), version(desk, jwt_file(0)), version(desk, cwt_file(0))
    desk.change(number, state, reason)
    assert state_of(desk, index) is expected
    after = version(desk, STATUS_FILE), version(desk, jwt_file(0)), version(desk, cwt_file(0))
    assert after == tuple(each + 1 for each in before)


def test_a_reinstatement_and_a_correction_show(desk: Desk) -> None:
    number, index = certified(desk)
    desk.change(number, State.SUSPENDED, "under_review")
    desk.now += SECOND
    desk.change(number, State.VALID, "review_closed")
    assert state_of(desk, index) is TokenState.VALID
    new = desk.correct(number, name="测试改名")
    work(desk)
    assert state_of(desk, index) is TokenState.INVALID
    assert state_of(desk, new.status_index) is TokenState.VALID


def suspended_until(desk: Desk) -> tuple[int, datetime]:
    """A certificate suspended to the end of the next day in China: its index, and the instant of the end."""
    number, index = certified(desk)
    desk.change(number, State.SUSPENDED, "under_review", until=date(2026, 11, 21))
    return index, datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


def test_a_list_ends_when_a_suspension_does(desk: Desk) -> None:
    index, until = suspended_until(desk)
    assert {opened.expires_at for opened in lists(desk)} == {until}
    assert state_of(desk, index) is TokenState.SUSPENDED


@pytest.mark.parametrize(("off", "signed"), [(-1, 0), (0, 1), (1, 1)])
def test_the_worker_follows_a_suspension_that_lapses(desk: Desk, off: int, signed: int) -> None:
    index, until = suspended_until(desk)
    desk.now = until - 2 * SECOND
    work(desk)  # the status file is past half of its life; the lists end with the suspension all the same
    before = version(desk, jwt_file(0)), version(desk, cwt_file(0))
    assert {opened.expires_at for opened in lists(desk)} == {until}
    desk.now = until + off * SECOND
    assert needs_signing(desk) is bool(signed)
    work(desk)
    assert (version(desk, jwt_file(0)), version(desk, cwt_file(0))) == tuple(each + signed for each in before)
    assert state_of(desk, index) is (TokenState.VALID if signed else TokenState.SUSPENDED)
    if signed:
        assert {opened.expires_at for opened in lists(desk)} == {desk.now + LIFE}
    work(desk)
    assert version(desk, jwt_file(0)) == before[0] + signed


@pytest.mark.parametrize("name", [jwt_file(0), cwt_file(0)])
def test_a_list_that_is_missing_is_signed(desk: Desk, name: str) -> None:
    certified(desk)
    assert desk.tamper("DELETE FROM published_document WHERE kind = :kind", kind=name) == 1
    assert needs_signing(desk)
    work(desk)
    assert version(desk, name) == 1
    assert not needs_signing(desk)


def test_lists_are_signed_anew_with_the_status_file(desk: Desk) -> None:
    certified(desk)
    desk.now = NOW + LIFE / 2 + SECOND
    work(desk)
    assert {(opened.issued_at, opened.expires_at) for opened in lists(desk)} == {(desk.now, desk.now + LIFE)}


def test_each_list_that_holds_a_certificate_is_published_and_no_other(desk: Desk) -> None:
    numbers = [certificate.number for certificate in desk.certify(people(1, 2, 3), ASSESSOR)]
    index = 3 * LIST_SIZE + 17
    move = "UPDATE certificate SET status_index = :index WHERE number = :number"
    desk.tamper(move, index=index, number=numbers[1])
    desk.tamper(move, index=LIST_SIZE, number=numbers[2])
    work(desk)
    assert [number for number in range(5) if version(desk, jwt_file(number))] == [0, 1, 3]
    desk.change(numbers[1], State.REVOKED, "exam_misconduct")
    assert state_of(desk, index) is TokenState.INVALID
    assert [opened.uri for opened in lists(desk, 3)] == [
        f"{PUBLIC_URL}/published/status/lists/3.jwt",
        f"{PUBLIC_URL}/published/status/lists/3.cwt",
    ]
    assert lists(desk, 0)[0].array == bytes(LIST_SIZE // 4)


def test_a_change_is_a_change_of_one_list(desk: Desk) -> None:
    """A register of ten million has 77 lists: those in which nothing changed are neither signed nor stored again."""
    numbers = [certificate.number for certificate in desk.certify(people(1, 2), ASSESSOR)]
    move = "UPDATE certificate SET status_index = :index WHERE number = :number"
    desk.tamper(move, index=LIST_SIZE, number=numbers[1])
    work(desk)
    desk.now += SECOND
    desk.change(numbers[0], State.REVOKED, "exam_misconduct")
    assert [version(desk, jwt_file(0)), version(desk, jwt_file(1))] == [2, 1]
    desk.now += SECOND
    desk.change(numbers[1], State.SUSPENDED, "under_review", until=date(2026, 11, 21))
    assert [version(desk, cwt_file(0)), version(desk, cwt_file(1))] == [2, 2]
    desk.now += SECOND
    # The same two bits, and an end that comes earlier: the list promises less than it did.
    desk.tamper("UPDATE status_event SET until = :until", until=str(desk.now + SECOND))
    with desk.home.store.transaction() as tx:
        desk.home.publish_status(tx, desk.now)
    assert [version(desk, jwt_file(0)), version(desk, jwt_file(1))] == [2, 3]


def statements_of_a_change(desk: Desk, number: str) -> int:
    """How often the database is asked to publish one change, and whether anything is due after it."""
    desk.now += SECOND
    asked: list[str] = []
    with desk.home.store.transaction() as tx:
        record_change(desk.home, tx, number, StatusChange(State.REVOKED, "exam_misconduct", "丙"), desk.now)
        event.listen(tx.connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
        desk.home.publish_status(tx, desk.now)
        desk.home.publish_if_needed(tx, desk.now)
    return len(asked)


def test_a_change_asks_no_more_of_a_register_with_more_lists(desk: Desk) -> None:
    certificates = desk.certify(people(1, 2, 3, 4, 5), ASSESSOR)
    work(desk)
    before = statements_of_a_change(desk, certificates[0].number)
    for number, certificate in enumerate(certificates[2:], 1):
        move = "UPDATE certificate SET status_index = :index WHERE number = :number"
        desk.tamper(move, index=number * LIST_SIZE, number=certificate.number)
    work(desk)
    assert statements_of_a_change(desk, certificates[1].number) == before
    assert [version(desk, jwt_file(number)) for number in range(4)] == [3, 1, 1, 1]


def test_lists_are_signed_with_the_key_that_is_delegated_now(desk: Desk) -> None:
    """Also those in which nothing changed: their readers know no other key."""
    certified(desk)
    desk.now += SECOND
    rotate_role(desk.home, KeyRole.STATUS, "丙", desk.now)
    assert [opened.issued_at for opened in lists(desk)] == [desk.now, desk.now]


def test_each_list_is_signed_anew_at_half_of_its_own_life(desk: Desk) -> None:
    certified(desk)
    move = "UPDATE published_document SET issued_at = '2026-11-16 02:00:00.000000' WHERE kind = :kind"
    assert desk.tamper(move, kind=jwt_file(0)) == 1
    assert needs_signing(desk)
    work(desk)
    assert [version(desk, jwt_file(0)), version(desk, cwt_file(0))] == [2, 2]
    assert not needs_signing(desk)


def test_a_new_public_address_needs_new_lists(desk: Desk, home_folder: Path) -> None:
    certified(desk)
    new = "https://verify.example.cn"
    assert not needs_signing(desk, PUBLIC_URL)
    assert needs_signing(desk, new)
    assert not needs_signing(desk)
    object.__setattr__(desk.home, "settings", load_settings(home_folder, {"KEZHENG_PUBLIC_URL": new}))
    with desk.home.store.transaction() as tx:
        desk.home.publish_status(tx, desk.now)
    assert not needs_signing(desk, new)
    assert lists(desk)[0].uri == f"{new}/published/status/lists/0.jwt"


def test_lists_lie_in_the_published_folder(desk: Desk, tmp_path: Path) -> None:
    certified(desk)
    with desk.home.store.reading() as tx:
        files = published_files(tx)
    names = write_published(tmp_path / "out", files, desk.home.settings.log_folder)
    assert {jwt_file(0), cwt_file(0)} <= set(names)
    assert read_published(tmp_path / "out")[cwt_file(0)] == files[cwt_file(0)]


def copy_row(connection: sqlite3.Connection, table: str, row_id: int, copies: Iterable[dict[str, object]]) -> None:
    """Insert copies of a row, each with some columns written otherwise."""
    connection.row_factory = sqlite3.Row
    row = dict(connection.execute(f"SELECT * FROM {table} WHERE id = ?", (row_id,)).fetchone())
    insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
    connection.executemany(insert, (row | changes for changes in copies))


def spread(desk: Desk, number: str, taken: set[int], count: int, every: int) -> None:
    """Put ``count`` copies of a revoked certificate beside it; each so many-th is revoked as well."""
    certificate = desk.certificate(number)
    event_id = desk.value("SELECT id FROM status_event WHERE certificate_number = :number", number=number)
    ids = range(1_000, 1_000 + count)
    free = (index for index in (i * 7919 % LIST_SIZE for i in range(LIST_SIZE)) if index not in taken)
    place = dict(zip(ids, free, strict=False))
    with closing(sqlite3.connect(desk.folder / "kezheng.db")) as connection, connection:
        copy_row(connection, "roster_row", certificate.roster_row_id, ({"id": i, "sheet_row": i} for i in ids))
        copies = ({"id": i, "number": f"copy{i}", "roster_row_id": i, "status_index": place[i], "live": 0} for i in ids)
        copy_row(connection, "certificate", certificate.id, copies)
        events = ({"id": i, "certificate_number": f"copy{i}", "status_index": place[i]} for i in ids[::every])
        copy_row(connection, "status_event", event_id, events)


@pytest.mark.slow
def test_lists_of_many_certificates_are_signed_in_little_time(desk: Desk) -> None:
    """80,000 certificates, 400 of them revoked: what the lists add to a change. The rest of a change is not counted."""
    certificates = desk.certify(people(*range(1, 6)), ASSESSOR)
    numbers = [certificate.number for certificate in certificates]
    desk.change(numbers[0], State.REVOKED, "exam_misconduct")
    spread(desk, numbers[0], {certificate.status_index for certificate in certificates}, 80_000, 200)
    signer = desk.home.keyring.signer(KeyRole.STATUS)
    seconds = []
    for _ in range(5):
        with desk.home.store.transaction() as tx:
            entries = status_entries(tx)
            start = perf_counter()
            publish_token_lists(tx, signer, PUBLIC_URL, entries, Period(NOW, NOW + LIFE, TIME_TO_LIVE))
            seconds.append(perf_counter() - start)
    assert unpack(lists(desk)[0].array, 2).count(TokenState.INVALID) == 400 + 1
    assert median(seconds) < 0.1, seconds
