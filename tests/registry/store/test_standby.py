"""The public side works from a hot standby that streams from the primary; what would write there is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from postgres_server import PostgresServer, hot_standby, postgres_server, wait_for_standby
from psycopg import sql

from certs.errors import KezhengError
from registry.store.audit_store import acts_on, record_act
from registry.store.document_store import PublishedDocument, add_document
from registry.store.engine import open_public_store, open_read_store, open_write_store
from registry.store.migrate import upgrade_schema
from registry.store.public_reader import public_document, public_document_versions, public_envelopes
from registry.store.public_role import grant_public_role, refuse_wide_role

NOW = datetime(2026, 5, 20, 2, 11, 7, tzinfo=UTC)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgresServer]:
    with postgres_server("fsync=off") as server:
        server.execute(sql.SQL("CREATE DATABASE register"))
        upgrade_schema(server.url("register"))
        grant_public_role(server.url("register"), server.url("register", "kezheng_public"))
        yield server


@pytest.fixture(scope="module")
def standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    with hot_standby(primary) as server:
        yield server


def test_the_public_side_reads_from_a_standby(primary: PostgresServer, standby: PostgresServer) -> None:
    url = standby.url("register", "kezheng_public")
    refuse_wide_role(url)
    with closing(open_public_store(url)) as public, public.reading() as before:
        assert public_document_versions(before) == {}
        with closing(open_write_store(primary.url("register"))) as store, store.transaction() as tx:
            add_document(tx, PublishedDocument("trust-list.jws", 1, b"v1", NOW, None))
        wait_for_standby(primary, standby)
        # One snapshot to the end, and the next one has what came meanwhile.
        assert public_document_versions(before) == {}
    with closing(open_public_store(url)) as public, public.reading() as after:
        found = public_document(after, "trust-list.jws")
        assert found is not None
        assert (found.content, public_envelopes(after, ["none"])) == (b"v1", {})


def test_the_whole_register_is_readable_on_a_standby(primary: PostgresServer, standby: PostgresServer) -> None:
    with closing(open_write_store(primary.url("register"))) as store, store.transaction() as tx:
        record_act(tx, NOW, "李明", "done", "whole")
    wait_for_standby(primary, standby)
    with closing(open_read_store(standby.url("register"))) as reader, reader.reading() as reading:
        assert [act.action for act in acts_on(reading, "whole")] == ["done"]


def test_writes_are_refused_until_the_standby_is_promoted(primary: PostgresServer) -> None:
    """A store that was opened on a standby goes on by itself when that becomes the primary."""
    with hot_standby(primary) as second, closing(open_write_store(second.url("register"))) as store:
        for _ in range(2):
            with pytest.raises(KezhengError, match=r"^store_read_only$"), store.transaction() as tx:
                record_act(tx, NOW, "李明", "refused", "promoted")
        second.execute(sql.SQL("SELECT pg_promote()"))
        with store.transaction() as tx:
            record_act(tx, NOW, "李明", "kept", "promoted")
            assert [act.action for act in acts_on(tx, "promoted")] == ["kept"]
