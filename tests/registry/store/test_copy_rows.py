"""Rows that come by COPY are the rows that an INSERT brings, whatever stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from certs.errors import KezhengError
from certs.grades import Grade
from registry.store import rows as rows_module
from registry.store.document_store import PublishedDocument
from registry.store.engine import WriteStore, open_write_store
from registry.store.register_tables import PUBLISHED_DOCUMENT
from registry.store.roster_store import RosterRowRecord
from registry.store.roster_tables import ROSTER_ROW
from registry.store.rows import COPY_FROM, insert_records, records, select_record

NOW = datetime(2026, 5, 20, 2, 11, 7, 123456, UTC)
# PostgreSQL's text holds every character but NUL; lone surrogates are no text.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.integers(-(2**31), 2**31 - 1)


@pytest.fixture
def store(postgres_url: str) -> Iterator[WriteStore]:
    opened = open_write_store(postgres_url)
    yield opened
    opened.close()


def row(values: tuple[Any, ...], place: int) -> RosterRowRecord:
    name, content, mark, day, extra = values
    return RosterRowRecord(
        id=place,
        batch_id="b",
        sheet_row=place,
        person_id=2**40 + place,
        name=name,
        id_type="t",
        number_ciphertext=content,
        private_ciphertext=None if mark is None else content,
        key_id=b"key no 1",
        occupation_id="o",
        occupation_code="c",
        direction_number=mark,
        direction_text=None,
        grade=Grade.SENIOR,
        theory=mark,
        ability=None,
        assessed_on=day,
        site_code=name,
        training_certificate_number=None,
        official_number=None,
        extra=extra,
        result="pass",
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            TEXTS,
            st.binary(max_size=60),
            st.none() | NUMBERS,
            st.dates(date(1900, 1, 1), date(2100, 1, 1)),
            st.none() | st.dictionaries(TEXTS, TEXTS, max_size=3),
        ),
        min_size=COPY_FROM,
        max_size=COPY_FROM + 5,
    )
)
def test_what_is_copied_is_read_back(store: WriteStore, values: list[tuple[Any, ...]]) -> None:
    rows = [row(each, place) for place, each in enumerate(values, 1)]
    with store.transaction() as tx:
        # No batch and no people: this is about values, and the server's owner may leave references unchecked.
        tx.connection.execute(text("SET LOCAL session_replication_role = replica"))
        tx.connection.execute(ROSTER_ROW.delete())
        insert_records(tx.connection, ROSTER_ROW, rows)
        query = select_record(ROSTER_ROW, RosterRowRecord).order_by(ROSTER_ROW.c.id)
        assert records(tx.connection.execute(query), RosterRowRecord) == rows


@pytest.mark.parametrize("count", [1, COPY_FROM - 1, COPY_FROM, COPY_FROM + 1, 2_500])
def test_from_the_first_row_to_more_than_one_piece(store: WriteStore, count: int) -> None:
    documents = [
        PublishedDocument("k", version, b"\xff%d" % version, NOW, None if version % 2 else NOW, version % 3 == 0)
        for version in range(count)
    ]
    with store.transaction() as tx:
        insert_records(tx.connection, PUBLISHED_DOCUMENT, documents)
        query = select_record(PUBLISHED_DOCUMENT, PublishedDocument).order_by(PUBLISHED_DOCUMENT.c.version)
        assert records(tx.connection.execute(query), PublishedDocument) == documents


def test_many_rows_are_copied_and_few_are_not(store: WriteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    monkeypatch.setattr(rows_module, "copy_records", lambda _c, _table, rows: copied.append(len(rows)))
    with store.transaction() as tx:
        for count in (0, COPY_FROM - 1, COPY_FROM):
            documents = [PublishedDocument(f"k{count}", version, b"", NOW, None) for version in range(count)]
            insert_records(tx.connection, PUBLISHED_DOCUMENT, documents)
    assert copied == [COPY_FROM]


def test_a_refused_copy_says_why_at_once_and_leaves_nothing(store: WriteStore) -> None:
    twice = [PublishedDocument("secret", 1, b"", NOW, None)] * COPY_FROM
    with pytest.raises(KezhengError, match=r"^store_conflict$") as caught, store.transaction() as tx:
        insert_records(tx.connection, PUBLISHED_DOCUMENT, twice)
    assert "secret" not in repr(caught.value)
    too_long = [PublishedDocument("k" * 65, version, b"", NOW, None) for version in range(COPY_FROM)]
    with pytest.raises(KezhengError, match=r"^store_refused$"), store.transaction() as tx:
        insert_records(tx.connection, PUBLISHED_DOCUMENT, too_long)
    with store.reading() as reading:
        assert reading.connection.scalar(text("SELECT count(*) FROM published_document")) == 0
