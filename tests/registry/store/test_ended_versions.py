"""Which versions of status files go, against the rule said plainly; on both engines, and by two processes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from registry.publishing import status_retention
from registry.publishing.status_retention import AT_ONCE, KEPT_AFTER_END, forget_ended_status
from registry.store.document_store import PublishedDocument, add_document
from registry.store.engine import WriteStore, WriteTransaction, open_write_store
from registry.store.register_tables import PUBLISHED_DOCUMENT
from registry.store.rows import insert_records, records, select_record

NOW = datetime(2026, 5, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATUS, LIST, TRUST = "status/events.jws", "status/lists/0.jwt", "trust-list.jws"
Version = tuple[str, int]
Ends = tuple[int | None, bool]
"""Hours from now at which a version ends, None for never, and whether it is public."""

ENDS = st.tuples(st.one_of(st.none(), st.sampled_from([-100, -25, -24, -23, -1, 0, 50])), st.booleans())
FILES = st.dictionaries(st.tuples(st.sampled_from([STATUS, LIST, TRUST]), st.integers(1, 6)), ENDS, max_size=14)


def document(kind: str, version: int, ends: int | None, *, is_public: bool = True) -> PublishedDocument:
    until = None if ends is None else NOW + ends * HOUR
    return PublishedDocument(kind, version, b"%d" % version, NOW - 200 * HOUR, until, is_public)


def stored(store: WriteStore) -> set[Version]:
    with store.reading() as tx:
        found = tx.connection.execute(select(PUBLISHED_DOCUMENT.c.kind, PUBLISHED_DOCUMENT.c.version))
        return {(row.kind, row.version) for row in found}


def kept(files: dict[Version, Ends]) -> set[Version]:
    """The rule, version by version."""
    left: set[Version] = set()
    for kind, version in files:
        of_kind = {number: ends for (name, number), ends in files.items() if name == kind}
        public = [number for number, (_, is_public) in of_kind.items() if is_public]
        up_to_it = [ends for number, (ends, _) in of_kind.items() if number <= version]
        has_ended = all(ends is not None and ends * HOUR + KEPT_AFTER_END < 0 * HOUR for ends in up_to_it)
        if kind == TRUST or not public or version >= max(public) or not has_ended:
            left.add((kind, version))
    return left


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_what_has_ended_goes_and_nothing_else(store: WriteStore, files: dict[Version, Ends]) -> None:
    documents = [document(*place, ends, is_public=is_public) for place, (ends, is_public) in files.items()]
    with store.transaction() as tx:
        tx.connection.execute(PUBLISHED_DOCUMENT.delete())
        insert_records(tx.connection, PUBLISHED_DOCUMENT, documents)
    assert forget_ended_status(store, NOW)
    assert stored(store) == kept(files)
    with store.reading() as tx:
        same = records(tx.connection.execute(select_record(PUBLISHED_DOCUMENT, PublishedDocument)), PublishedDocument)
    assert set(same) <= set(documents)


def fill(store: WriteStore, count: int) -> None:
    with store.transaction() as tx:
        insert_records(tx.connection, PUBLISHED_DOCUMENT, [document(STATUS, n, -100) for n in range(1, count + 1)])


def test_a_large_backlog_goes_little_by_little(store: WriteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_retention, "MOST_TRANSACTIONS", 2)
    fill(store, 3 * AT_ONCE)
    assert not forget_ended_status(store, NOW)
    assert len(stored(store)) == AT_ONCE
    assert forget_ended_status(store, NOW)
    assert stored(store) == {(STATUS, 3 * AT_ONCE)}


class Interrupted:
    """A store in which something else happens after each look, before what was seen is removed."""

    def __init__(self, store: WriteStore, meanwhile: Callable[[], object]) -> None:
        self.reading = store.reading
        self._store = store
        self._meanwhile = meanwhile

    @contextmanager
    def transaction(self) -> Iterator[WriteTransaction]:
        self._meanwhile()
        with self._store.transaction() as tx:
            yield tx


def test_two_processes_at_once_remove_what_one_would(url: str, store: WriteStore) -> None:
    fill(store, 40)
    with closing(open_write_store(url)) as other:
        interrupted = Interrupted(store, lambda: forget_ended_status(other, NOW))
        assert forget_ended_status(interrupted, NOW)  # type: ignore[arg-type]
    assert stored(store) == {(STATUS, 40)}


def test_what_another_process_publishes_meanwhile_stays(store: WriteStore) -> None:
    """A version that is in use comes before one that has ended: from it on everything stays."""
    fill(store, 3)
    added = iter([document(STATUS, 4, 50), document(STATUS, 5, -100), document(STATUS, 6, 50)])

    def publish() -> None:
        with store.transaction() as tx:
            for each in added:
                add_document(tx, each)

    assert forget_ended_status(Interrupted(store, publish), NOW)  # type: ignore[arg-type]
    assert stored(store) == {(STATUS, 4), (STATUS, 5), (STATUS, 6)}
