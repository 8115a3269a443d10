"""No step of a certificate's life reads through a table that is as long as the register.

Each function is called, and the engine is asked how it answers what was asked of it. The register of these tests is
small: what matters is which index is read, and that none is read from end to end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from postgres_server import postgres_database
from small_register import DAY, INSTITUTION, NOW, SmallRegister, digest
from sqlalchemy import Connection, event, text

from registry.store.access import Access
from registry.store.affected_store import counts_of_key, logged_under_key
from registry.store.audit_store import AuditEvent, acts_on
from registry.store.batch_store import add_batch
from registry.store.certificate_states import (
    LoggedCertificate,
    PreparedCertificate,
    SignedCertificate,
    give_up_places,
    record_logged,
    record_prepared,
    record_released,
    record_signed,
)
from registry.store.certificate_store import (
    certificate_by_number,
    certificates_by_number,
    certificates_of_batch,
    count_by_state,
    live_certificates,
    successor_of,
)
from registry.store.chunk_store import has_facts, places_of, standing_of, unfinished_ids
from registry.store.counter_store import take_ids, take_serials, take_status_places
from registry.store.document_store import (
    PublishedDocument,
    add_document,
    has_hidden_documents,
    latest_document,
    latest_documents,
    public_documents,
    show_documents,
)
from registry.store.engine import PublicTransaction, WriteStore, WriteTransaction, open_engine, open_write_store
from registry.store.fact_store import public_facts
from registry.store.institution_store import InstitutionNameRecord, add_institution
from registry.store.log_store import (
    LogEntryRecord,
    add_entries,
    advance_tree,
    entries_between,
    leaf_indices,
    read_tree,
    subjects_between,
)
from registry.store.migrate import upgrade_schema
from registry.store.person_store import persons_by_blind_index
from registry.store.public_reader import (
    public_document,
    public_document_versions,
    public_envelope,
    public_envelopes,
)
from registry.store.recovery_reads import numbers_of_envelopes
from registry.store.register_tables import AUDIT_EVENT
from registry.store.reissue_store import reissued_places, with_former_paper
from registry.store.roster_store import count_rows, roster_rows, roster_rows_by_id
from registry.store.rows import insert_records
from registry.store.signing_key_store import SigningKeyRecord, add_signing_key
from registry.store.status_store import first_issued_indices, public_status_events, status_events_of

ASKING = ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")
BATCHES, OF_EACH, KINDS, VERSIONS = 25, 160, 6, 40
KID, OTHER = b"kid no 1", "P000115000002"
"""A key of an institution that has one of the batches."""
LONG_TABLES = (
    *("certificate", "certificate_prepared", "certificate_sealed", "certificate_logged"),
    *("roster_row", "person", "person_document", "log_entry", "log_tile", "audit_event", "published_document"),
)
SHORT_INDEXES = ("ix_certificate_fact", "ix_roster_row_site", "ix_published_document_hidden")
"""Partial indexes that hold what is asked for and nothing else: reading all of one is reading the answer."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One database for all of these tests, which change nothing."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'register.db'}"
        upgrade_schema(address)
        yield address
    else:
        with postgres_database() as address:
            yield address


@pytest.fixture(scope="module")
def filled(url: str) -> Iterator[WriteStore]:
    """Some thousand released certificates in many batches, few with facts, and files in many versions."""
    with closing(open_write_store(url)) as store:
        register = SmallRegister.founded(store)
        certificates = []
        with store.transaction() as tx:
            other = register.institution._replace(code=OTHER, credit_code="12150000MB0012344X", registration="0002")
            add_institution(tx, other, InstitutionNameRecord(OTHER, DAY, "另一家"), [], [])
            add_signing_key(tx, SigningKeyRecord(KID, "institution", OTHER, bytes(32), NOW))
        for place in range(BATCHES):
            owner = INSTITUTION if place else OTHER
            batch = register.batch._replace(id=f"batch-of-{place}", institution_code=owner)
            with store.transaction() as tx:
                add_batch(tx, batch)
            certificates += replace(register, batch=batch).reserve(OF_EACH)
        with store.transaction() as tx:
            release(tx, [certificate.id for certificate in certificates])
            for kind in range(KINDS):
                for version in range(VERSIONS):
                    add_document(tx, PublishedDocument(f"file-{kind}", version, bytes(9_000), NOW, None))
            acts = take_ids(tx, "audit_event", 2_000)
            done = [AuditEvent(i, NOW, "李明", "done", f"object-{i % 500}", {}) for i in acts]
            insert_records(tx.connection, AUDIT_EVENT, done)
            tx.connection.execute(text("UPDATE certificate SET official_number = 'x' WHERE id IN (7, 8)"))
            tx.connection.execute(text("UPDATE roster_row SET site_code = '02' WHERE id IN (9, 10, 11)"))
            if tx.connection.dialect.name == "postgresql":
                tx.connection.execute(text("ANALYZE"))
        yield store


def release(tx: WriteTransaction, ids: list[int]) -> None:
    record_prepared(tx, [PreparedCertificate(i, b"t", KID, NOW) for i in ids])
    record_signed(tx, [SignedCertificate(i, b"envelope", digest(i)) for i in ids])
    entries = [LogEntryRecord(place, 1, digest(i), b"\1" + bytes(8) + KID) for place, i in enumerate(ids)]
    add_entries(tx, entries, [])
    advance_tree(tx, read_tree(tx), len(ids), bytes(32), 1)
    record_logged(tx, [LoggedCertificate(i, place, NOW) for place, i in enumerate(ids)])
    record_released(tx, ids)


Asking = Callable[[Any], object]
NUMBERS = [f"P000115000001262{serial:06d}M" for serial in (3, 500, 2_500)]
IDS = list(range(1_000, 1_400))
QUESTIONS: dict[str, Asking] = {
    "facts": lambda tx: public_facts(tx),
    "events": lambda tx: public_status_events(tx),
    "reissued": lambda tx: reissued_places(tx),
    "lists": lambda tx: first_issued_indices(tx, 100),
    "hidden files": lambda tx: has_hidden_documents(tx),
    "newest file": lambda tx: latest_document(tx, "file-1"),
    "newest files": lambda tx: latest_documents(tx),
    "newest public files": lambda tx: public_documents(tx),
    "certificate": lambda tx: certificate_by_number(tx, NUMBERS[0]),
    "certificates": lambda tx: certificates_by_number(tx, NUMBERS),
    "successor": lambda tx: successor_of(tx, NUMBERS[0]),
    "events of one": lambda tx: status_events_of(tx, NUMBERS[0]),
    "acts": lambda tx: acts_on(tx, "object-7"),
    "batch": lambda tx: certificates_of_batch(tx, "batch-of-3"),
    "states of a batch": lambda tx: count_by_state(tx, "batch-of-3"),
    "rows of a batch": lambda tx: (roster_rows(tx, "batch-of-3"), count_rows(tx, "batch-of-3")),
    "rows": lambda tx: roster_rows_by_id(tx, [5, 900, 3_000]),
    "what is left of a batch": lambda tx: unfinished_ids(tx, "batch-of-3"),
    "facts of a batch": lambda tx: has_facts(tx, "batch-of-3"),
    "chunk": lambda tx: (standing_of(tx, "batch-of-7", IDS), places_of(tx, "batch-of-7", IDS)),
    "former papers": lambda tx: with_former_paper(tx, IDS),
    "people": lambda tx: persons_by_blind_index(tx, [digest(4), digest(900)]),
    "places of people": lambda tx: live_certificates(tx, [3, 300, 3_000]),
    "tree": lambda tx: read_tree(tx),
    "entries": lambda tx: (entries_between(tx, 1_000, 1_050), subjects_between(tx, 1_000, 1_050)),
    "entry of a digest": lambda tx: leaf_indices(tx, digest(700)),
    "stolen key": lambda tx: (counts_of_key(tx, KID, 1), logged_under_key(tx, KID, 1)),
    "numbers of digests": lambda tx: numbers_of_envelopes(tx, [digest(700), digest(900), digest(2)]),
}
BACK = text("UPDATE certificate SET state = 'logged' WHERE id BETWEEN 1000 AND 1010")
CHANGES: dict[str, Asking] = {
    "counters": lambda tx: (take_serials(tx, "p", 3), take_status_places(tx, 3), take_ids(tx, "person", 3)),
    "revocation": lambda tx: give_up_places(tx, [NUMBERS[0]]),
    "showing": lambda tx: show_documents(tx),
    "release": lambda tx: (tx.connection.execute(BACK), record_released(tx, [1_000, 1_001, 1_002])),
    "release of a few": lambda tx: (tx.connection.execute(BACK), record_released(tx, [1_000, 1_007])),
}
PUBLIC_QUESTIONS: dict[str, Asking] = {
    "look-up": lambda tx: public_envelope(tx, NUMBERS[0]),
    "look-ups": lambda tx: public_envelopes(tx, NUMBERS),
    "file": lambda tx: public_document(tx, "file-1"),
    "versions": lambda tx: public_document_versions(tx),
}


@contextmanager
def statements_of(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the driver meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", note)


def whole_reads(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """The lines of the engine's plan that read a long table, or an index of it, from end to end."""
    many = isinstance(parameters, list)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN (COSTS OFF) "
    rows = connection.exec_driver_sql(explain + statement, parameters[0] if many else parameters).all()
    if connection.dialect.name == "sqlite":
        return [line for line in (str(row[-1]) for row in rows) if _reads_all_of_sqlite(line)]
    plan = "\n".join(str(row[0]) for row in rows)
    return _whole_reads_of_postgresql(plan)


def _reads_all_of_sqlite(line: str) -> bool:
    found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", line)
    if found is None or found[2] in SHORT_INDEXES:
        return False
    return found[1] in LONG_TABLES


def _whole_reads_of_postgresql(plan: str) -> list[str]:
    """Sequential reads, and index reads without a condition that are not stopped by a limit."""
    lines = plan.splitlines()
    whole = [line for line in lines if re.search(r"Seq Scan on (\w+)", line) and _is_long(line)]
    for place, line in enumerate(lines):
        found = re.search(r"Index (?:Only )?Scan (?:Backward )?using (\w+) on (\w+)", line)
        condition = place + 1 < len(lines) and "Index Cond" in lines[place + 1]
        limited = place > 0 and "Limit" in lines[place - 1]
        if found and found[2] in LONG_TABLES and found[1] not in SHORT_INDEXES and not condition and not limited:
            whole.append(line)
    return whole


def _is_long(line: str) -> bool:
    found = re.search(r"Seq Scan on (\w+)", line)
    return found is not None and found[1] in LONG_TABLES


@pytest.mark.parametrize("question", QUESTIONS)
def test_reading(filled: WriteStore, question: str) -> None:
    with filled.reading() as tx:
        check(tx, QUESTIONS[question])


class EndWithoutCommit(Exception):
    """Leaves the register as it is."""


@pytest.mark.parametrize("change", CHANGES)
def test_writing(filled: WriteStore, change: str) -> None:
    with pytest.raises(EndWithoutCommit), filled.transaction() as tx:
        check(tx, CHANGES[change])
        raise EndWithoutCommit


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("question", PUBLIC_QUESTIONS)
def test_reading_for_the_public(url: str, question: str) -> None:
    engine = open_engine(url, Access.PUBLIC)
    with engine.connect() as connection:
        check(PublicTransaction(connection), PUBLIC_QUESTIONS[question])
    engine.dispose()


def check(tx: Any, asking: Asking) -> None:
    with statements_of(tx.connection) as seen:
        asking(tx)
    asked = [(statement, given) for statement, given in seen if statement.startswith(ASKING)]
    assert asked
    if tx.connection.dialect.name == "postgresql":
        # A register as small as this one is read from end to end with good reason: look at what is possible.
        for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
            tx.connection.execute(text(f"SET LOCAL {setting} = off"))
    whole = {statement: whole_reads(tx.connection, statement, given) for statement, given in asked}
    assert {statement: lines for statement, lines in whole.items() if lines} == {}


def test_a_plan_that_reads_everything_is_seen(filled: WriteStore) -> None:
    """The test's own eyes: questions that nobody asks in daily work."""
    with filled.reading() as tx:
        for statement in (
            "SELECT count(*) FROM certificate WHERE grade = 'x'",
            "SELECT id FROM roster_row WHERE name = 'x'",
        ):
            assert whole_reads(tx.connection, statement, ()) != []
        with statements_of(tx.connection) as seen:
            tx.connection.execute(text("SELECT count(*) FROM log_entry WHERE kind > 0"))
        assert any(whole_reads(tx.connection, *asked) for asked in seen)
