"""What each kind of store may do, and how refusals of the database come out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from certs.errors import KezhengError
from registry.store import access
from registry.store import engine as engine_module
from registry.store.audit_store import acts_on, record_act
from registry.store.document_store import PublishedDocument, add_document
from registry.store.engine import (
    PublicStore,
    PublicTransaction,
    ReadTransaction,
    WriteStore,
    WriteTransaction,
    open_public_store,
    open_read_store,
    open_write_store,
)
from registry.store.person_store import PersonDocumentRecord
from registry.store.public_reader import (
    public_document,
    public_document_versions,
    public_envelope,
    public_envelopes,
)
from registry.store.register_tables import PUBLISHED_DOCUMENT
from registry.store.roster_tables import PERSON_DOCUMENT
from registry.store.rows import insert_records

NOW = datetime(2026, 5, 20, 2, 11, 7, 123456, UTC)


@pytest.fixture
def public(url: str) -> Iterator[PublicStore]:
    opened = open_public_store(url)
    yield opened
    opened.close()


def write_and_fail(tx: WriteTransaction) -> None:
    record_act(tx, NOW, "李明", "lost", "x")
    raise ZeroDivisionError


def test_commit_at_the_end_and_rollback_on_any_exception(store: WriteStore) -> None:
    with store.transaction() as tx:
        record_act(tx, NOW, "李明", "kept", "x")
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        write_and_fail(tx)
    with store.reading() as reading:
        assert [act.action for act in acts_on(reading, "x")] == ["kept"]


def test_readers_cannot_write(url: str, store: WriteStore) -> None:
    with closing(open_read_store(url)) as reader:
        for source in (reader, store):
            with pytest.raises(KezhengError, match=r"^store_read_only$"), source.reading() as tx:
                tx.connection.execute(text("INSERT INTO person (id) VALUES (1)"))


def test_readers_see_one_snapshot(store: WriteStore) -> None:
    with store.reading() as reading:
        assert acts_on(reading, "x") == []
        with store.transaction() as tx:
            record_act(tx, NOW, "李明", "done", "x")
        assert acts_on(reading, "x") == []
    with store.reading() as reading:
        assert len(acts_on(reading, "x")) == 1


def test_transactions_are_different_types() -> None:
    assert not issubclass(PublicTransaction, ReadTransaction)
    assert not hasattr(PublicStore, "transaction")
    assert not hasattr(engine_module.ReadStore, "transaction")


def test_public_side_reads_its_views(store: WriteStore, public: PublicStore) -> None:
    with store.transaction() as tx:
        for version in (1, 2):
            add_document(tx, PublishedDocument("trust-list.jws", version, b"v%d" % version, NOW, None))
        add_document(tx, PublishedDocument("trust-list.jws", 3, b"kept back", NOW, None, is_public=False))
    with public.reading() as reading:
        found = public_document(reading, "trust-list.jws")
        assert found is not None
        assert (found.version, found.content, found.issued_at, found.expires_at) == (2, b"v2", NOW, None)
        assert public_document_versions(reading) == {"trust-list.jws": 2}
        assert public_document(reading, "none") is None
        assert public_envelope(reading, "none") is None
        assert public_envelopes(reading, ["none"]) == {}


def test_a_writer_that_waits_too_long(monkeypatch: pytest.MonkeyPatch, url: str, store: WriteStore) -> None:
    monkeypatch.setattr(access, "BUSY_SECONDS", 0)
    with closing(open_write_store(url)) as other:
        with store.transaction(), pytest.raises(KezhengError, match=r"^store_busy$"), other.transaction():
            pass
        with other.transaction() as tx:
            record_act(tx, NOW, "李明", "next", "x")


def test_a_writer_waits_for_the_one_before(url: str, store: WriteStore) -> None:
    """What a transaction reads cannot change before it writes: the second one sees what the first has done."""
    seen: list[int] = []

    def count_and_act() -> None:
        with closing(open_write_store(url)) as other, other.transaction() as tx:
            seen.append(len(acts_on(tx, "x")))
            record_act(tx, NOW, "李明", "second", "x")

    waiting = Thread(target=count_and_act)
    with store.transaction() as tx:
        record_act(tx, NOW, "李明", "first", "x")
        waiting.start()
        waiting.join(timeout=0.2)
        assert waiting.is_alive()
    waiting.join()
    assert seen == [1]


def test_refusals_carry_no_values(store: WriteStore) -> None:
    for count in (1, 20):
        with store.transaction() as tx:
            add_many(tx, f"secret-kind-{count}", count)
        with pytest.raises(KezhengError, match=r"^store_conflict$") as caught, store.transaction() as tx:
            add_many(tx, f"secret-kind-{count}", count)
        assert "secret-kind" not in repr(caught.value)
        assert caught.value.__suppress_context__


def add_many(tx: WriteTransaction, kind: str, count: int) -> None:
    versions = [PublishedDocument(kind, version, b"", NOW, None) for version in range(count)]
    insert_records(tx.connection, PUBLISHED_DOCUMENT, versions)


def test_unknown_references_are_refused(store: WriteStore) -> None:
    with pytest.raises(KezhengError, match=r"^store_conflict$"), store.transaction() as tx:
        insert_records(tx.connection, PERSON_DOCUMENT, [PersonDocumentRecord(1, 99, "t", b"\0", b"\0", b"\0")])


def test_a_mistake_in_a_statement_is_not_hidden(store: WriteStore) -> None:
    with pytest.raises(DBAPIError, match="nowhere"), store.reading() as tx:
        tx.connection.execute(text("SELECT 1 FROM nowhere"))


def test_instants_are_aware_and_exact(store: WriteStore) -> None:
    beijing = timezone(timedelta(hours=8))
    with store.transaction() as tx:
        record_act(tx, NOW.astimezone(beijing), "李明", "a", "x")
    with store.reading() as reading:
        found = acts_on(reading, "x")[0].at
    assert (found, found.tzinfo) == (NOW, UTC)
    with pytest.raises((ValueError, StatementError), match="naive"), store.transaction() as tx:
        record_act(tx, NOW.replace(tzinfo=None), "李明", "a", "x")
