"""What each kind of store may do, and how refusals of the database come out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, StatementError

from certs.errors import KezhengError
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
from registry.store.public_reader import (
    public_document,
    public_document_versions,
    public_envelope,
    public_envelopes,
)

NOW = datetime(2026, 5, 20, 2, 11, 7, 123456, UTC)


@pytest.fixture
def public(url: str) -> Iterator[PublicStore]:
    opened = open_public_store(url)
    yield opened
    opened.close()


def test_writer_is_durable_and_checks_references(store: WriteStore) -> None:
    with store.transaction() as tx:
        settings = {
            name: tx.connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


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
            with source.reading() as tx, pytest.raises(OperationalError, match=r"readonly|read-only"):
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


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT number FROM certificate",
        "SELECT name FROM roster_row",
        "SELECT number_ciphertext FROM person_document",
        "SELECT blind_index FROM person_document",
        "SELECT public_certificate.number FROM public_certificate, roster_row",
        "SELECT number FROM public_certificate WHERE number IN (SELECT number FROM certificate)",
        "SELECT count(*) FROM person",
        "PRAGMA query_only = OFF",
        "ATTACH DATABASE ':memory:' AS other",
        "CREATE TEMP VIEW stolen AS SELECT * FROM roster_row",
        "DELETE FROM certificate",
    ],
)
def test_public_side_is_refused_by_the_engine(public: PublicStore, statement: str) -> None:
    with public.reading() as tx, pytest.raises(DatabaseError, match=r"not authorized|prohibited"):
        tx.connection.execute(text(statement)).all()


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
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0)
    with (
        closing(open_write_store(url)) as other,
        store.transaction(),
        pytest.raises(KezhengError, match=r"^store_busy$"),
        other.transaction(),
    ):
        pass


def test_refusals_carry_no_values(store: WriteStore) -> None:
    with store.transaction() as tx:
        add_document(tx, PublishedDocument("secret-kind", 1, b"", NOW, None))
    with pytest.raises(KezhengError, match=r"^store_conflict$") as caught, store.transaction() as tx:
        add_document(tx, PublishedDocument("secret-kind", 1, b"", NOW, None))
    assert "secret-kind" not in repr(caught.value)
    with store.transaction() as tx, pytest.raises(IntegrityError) as raw:
        add_document(tx, PublishedDocument("secret-kind", 1, b"", NOW, None))
    assert "secret-kind" not in str(raw.value)


def test_unknown_references_are_refused(store: WriteStore) -> None:
    with pytest.raises(KezhengError, match=r"^store_conflict$"), store.transaction() as tx:
        tx.connection.execute(text("INSERT INTO person_document VALUES (1, 99, 't', x'00', x'00', x'00')"))


def test_instants_are_aware_and_exact(store: WriteStore) -> None:
    beijing = timezone(timedelta(hours=8))
    with store.transaction() as tx:
        record_act(tx, NOW.astimezone(beijing), "李明", "a", "x")
    with store.reading() as reading:
        found = acts_on(reading, "x")[0].at
    assert (found, found.tzinfo) == (NOW, UTC)
    with pytest.raises((ValueError, StatementError), match="naive"), store.transaction() as tx:
        record_act(tx, NOW.replace(tzinfo=None), "李明", "a", "x")


def test_a_new_database_is_for_its_folder_alone(database: Path, store: WriteStore) -> None:
    with store.transaction():
        assert {path.name for path in database.parent.iterdir()} <= {
            *("register.db", "register.db-wal", "register.db-shm")
        }
