"""The newest version of every kind, against a plain look at all of them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.store.document_store import (
    FileTimes,
    PublishedDocument,
    has_hidden_documents,
    latest_documents,
    newest_times,
    public_documents,
)
from registry.store.engine import WriteStore, open_public_store
from registry.store.public_reader import public_document_versions
from registry.store.register_tables import PUBLISHED_DOCUMENT
from registry.store.rows import insert_records

NOW = datetime(2026, 5, 20, tzinfo=UTC)
KINDS = ("root.jwk", "status/lists/0.cwt", "status/lists/0.jwt", "status/lists/10.jwt", "status/lists/9.jwt", "Ü")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.tuples(st.sampled_from(KINDS), st.integers(1, 5)), st.booleans(), max_size=20))
def test_the_newest_of_every_kind(url: str, store: WriteStore, files: dict[tuple[str, int], bool]) -> None:
    documents = [
        PublishedDocument(kind, version, b"%d" % version, NOW + timedelta(days=version), None, is_public)
        for (kind, version), is_public in files.items()
    ]
    with store.transaction() as tx:
        tx.connection.execute(PUBLISHED_DOCUMENT.delete())
        insert_records(tx.connection, PUBLISHED_DOCUMENT, documents)
    newest, public = by_kind(documents), by_kind([each for each in documents if each.is_public])
    with store.reading() as reading:
        assert {each.kind: each for each in latest_documents(reading)} == newest
        assert {each.kind: each for each in public_documents(reading)} == public
        assert newest_times(reading) == {
            kind: FileTimes(kind, each.issued_at, each.expires_at) for kind, each in newest.items()
        }
        assert has_hidden_documents(reading) == (not all(files.values()))
    with closing(open_public_store(url)) as opened, opened.reading() as looking:
        assert public_document_versions(looking) == {kind: each.version for kind, each in public.items()}


def by_kind(documents: list[PublishedDocument]) -> dict[str, PublishedDocument]:
    return {each.kind: each for each in sorted(documents, key=lambda each: each.version)}
