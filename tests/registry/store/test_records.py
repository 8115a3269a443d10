"""Every record comes back from the store as it went in, in its order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from certs.errors import KezhengError
from certs.grades import CertificateKind
from registry.store.audit_store import acts_on, record_act
from registry.store.batch_store import (
    add_batch,
    approve_batch,
    batch_by_file_digest,
    batch_by_id,
    batches_of_institution,
    confirm_run_off,
    release_batch,
    require_batch,
    start_issuing,
    unfinished_batches,
    void_batch,
)
from registry.store.counter_store import take_ids
from registry.store.document_store import (
    PublishedDocument,
    add_document,
    latest_document,
    latest_documents,
    note_public_url,
    public_urls,
)
from registry.store.engine import WriteStore
from registry.store.institution_store import (
    InstitutionEventRecord,
    InstitutionNameRecord,
    add_event,
    add_name,
    institution_by_code,
    institutions,
    next_institution_sequence,
    registrations_in_use,
    set_successor,
)
from registry.store.person_store import (
    PersonDocumentRecord,
    documents_of_person,
    persons_by_blind_index,
)
from registry.store.person_store import (
    add_document as add_identity_document,
)
from registry.store.roster_store import count_rows, roster_rows, roster_rows_by_id
from registry.store.signing_key_store import (
    SigningKeyRecord,
    add_signing_key,
    declare_compromised,
    retire_signing_key,
    signing_keys,
)
from registry.store.states import BatchState, InstitutionEventKind
from registry.store.status_store import (
    StatusEventRecord,
    add_status_events,
    public_status_events,
    status_events_by_number,
    status_events_of,
    status_events_since,
)

NOW = datetime(2026, 5, 20, 2, 11, 7, 123456, UTC)
CODE = "P000115000001"


def test_institution_with_its_facts(register: Any) -> None:
    key = SigningKeyRecord(b"kid no 1", "institution", CODE, b"p" * 32, NOW, log_index=9)
    with register.store.transaction() as tx:
        add_name(tx, InstitutionNameRecord(CODE, date(2026, 9, 1), "新名称"))
        for place, kind in enumerate((InstitutionEventKind.REINSTATE, InstitutionEventKind.SUSPEND)):
            event_id = take_ids(tx, "institution_event", 1).start
            day = date(2026, 8, 2 - place)
            add_event(tx, InstitutionEventRecord(event_id, CODE, kind, day, "under_review", NOW, "王主任", 7 + place))
        add_signing_key(tx, key)
    with register.store.reading() as tx:
        (found,) = institutions(tx)
        assert institution_by_code(tx, CODE) == found
        assert institution_by_code(tx, "P000115000009") is None
        assert next_institution_sequence(tx, CertificateKind.ASSESSMENT, "15") == 2
        assert next_institution_sequence(tx, CertificateKind.TRAINING, "15") == 1
        assert registrations_in_use(tx, CertificateKind.ASSESSMENT) == {"0001"}
    assert found.institution == register.institution
    assert [name.name for name in found.names] == ["北疆数字技术评价中心", "新名称"]
    assert [(event.kind, event.log_index) for event in found.events] == [("suspend", 8), ("reinstate", 7)]
    assert found.scopes[0].log_index == 0
    assert found.keys == (key,)
    assert found.scopes[0].directions == (1, "其他")
    assert found.scopes[0].regions is None
    assert found.sites[0].name == "主考点"


def test_successor_of_an_institution(register: Any) -> None:
    with register.store.transaction() as tx:
        set_successor(tx, CODE, CODE)
        with pytest.raises(KezhengError, match=r"^institution_not_found"):
            set_successor(tx, "P000115000009", CODE)


def test_signing_keys(store: WriteStore) -> None:
    key = SigningKeyRecord(b"kid no 1", "list", None, b"p" * 32, NOW)
    with store.transaction() as tx:
        add_signing_key(tx, key)
        declare_compromised(tx, key.kid, NOW, log_index=5)
        declare_compromised(tx, key.kid, NOW - timedelta(days=1), log_index=6)
        retire_signing_key(tx, key.kid, NOW, log_index=7)
        times = {"retired_at": NOW, "compromised_at": NOW - timedelta(days=1)}
        places = {"retired_log_index": 7, "compromised_log_index": 6}
        assert signing_keys(tx, "list") == [key._replace(**times, **places)]
        assert signing_keys(tx, "log") == []
        for refused in (declare_compromised, retire_signing_key):
            with pytest.raises(KezhengError, match=r"^key_state_changed$"):
                refused(tx, key.kid, NOW)


@pytest.mark.parametrize("change", [{"public_key": b"q" * 32}, {"kid": b"kid no 2"}])
def test_a_kid_or_key_is_registered_once(store: WriteStore, change: dict[str, bytes]) -> None:
    key = SigningKeyRecord(b"kid no 1", "list", None, b"p" * 32, NOW)
    with store.transaction() as tx:
        add_signing_key(tx, key)
    with pytest.raises(KezhengError, match=r"^key_id_taken$"), store.transaction() as tx:
        add_signing_key(tx, key._replace(**change))


def test_people_are_found_by_any_document(register: Any) -> None:
    with register.store.transaction() as tx:
        (person,) = register.add_people(tx, 1)
        document = PersonDocumentRecord(
            take_ids(tx, "person_document", 1).start, person, "护照", b"b" * 32, b"c" * 40, b"key no 1"
        )
        add_identity_document(tx, document)
        first = documents_of_person(tx, person)[0]
        assert documents_of_person(tx, person) == [first, document]
        wanted = [document.blind_index, first.blind_index, bytes(32)]
        assert persons_by_blind_index(tx, wanted) == {document.blind_index: person, first.blind_index: person}
        assert persons_by_blind_index(tx, []) == {}


def test_two_people_cannot_share_a_document(register: Any) -> None:
    with register.store.transaction() as tx:
        (person,) = register.add_people(tx, 1)
        known = documents_of_person(tx, person)[0]
    with register.refuses("store_conflict") as tx:
        (other,) = register.add_people(tx, 1)
        add_identity_document(tx, known._replace(id=900, person_id=other))


def test_roster_rows(register: Any) -> None:
    with register.store.transaction() as tx:
        people = register.add_people(tx, 3)
        ids = register.add_rows(tx, people)
    with register.store.reading() as tx:
        rows = roster_rows(tx, register.batch.id)
        assert rows == [register.row(ids[i], people[i], 2 + i) for i in range(3)]
        assert roster_rows_by_id(tx, ids[1:]) == {row.id: row for row in rows[1:]}
        assert count_rows(tx, register.batch.id) == 3


def test_a_batch_on_its_way(register: Any) -> None:
    batch, store = register.batch, register.store
    with store.transaction() as tx:
        assert batch_by_id(tx, batch.id) == batch
        assert batch_by_file_digest(tx, CODE, batch.file_digest) == batch.id
        assert unfinished_batches(tx) == []
        confirm_run_off(tx, batch.id, "王主任")
        approve_batch(tx, batch.id, rows_digest=batch.rows_digest, approver="赵红", declared=True, at=NOW)
        assert [found.id for found in unfinished_batches(tx)] == [batch.id]
        start_issuing(tx, batch.id, rows_digest=batch.rows_digest, out_dir="/out")
        release_batch(tx, batch.id, NOW)
        found = require_batch(tx, batch.id)
        assert unfinished_batches(tx) == []
        assert batches_of_institution(tx, CODE) == [found]
    assert (found.approver, found.approver_declared, found.state) == ("赵红", True, BatchState.RELEASED)
    assert (found.run_off_confirmed_by, found.out_dir, found.released_at) == ("王主任", "/out", NOW)


def test_batches_change_from_the_expected_state_only(register: Any) -> None:
    batch, store = register.batch, register.store
    with store.transaction() as tx:
        refusals = [
            lambda: approve_batch(tx, batch.id, rows_digest=bytes(32), approver="赵", declared=True, at=NOW),
            lambda: start_issuing(tx, batch.id, rows_digest=batch.rows_digest, out_dir=None),
            lambda: release_batch(tx, batch.id, NOW),
            lambda: void_batch(tx, batch.id, BatchState.APPROVED),
        ]
        for refused in refusals:
            with pytest.raises(KezhengError, match=r"^batch_state_changed"):
                refused()
        assert batch_by_id(tx, batch.id) == batch
        void_batch(tx, batch.id, BatchState.IMPORTED)
        with pytest.raises(KezhengError, match=r"^batch_state_changed"):
            confirm_run_off(tx, batch.id, "王主任")
        assert batch_by_file_digest(tx, CODE, batch.file_digest) is None
        with pytest.raises(KezhengError, match=r"^batch_unknown"):
            require_batch(tx, "none")


def test_two_approvals_of_one_batch(register: Any) -> None:
    batch = register.batch
    for number, approver in enumerate(("赵红", "钱勇")):
        with register.store.transaction() as tx:
            if number == 0:
                approve_batch(tx, batch.id, rows_digest=batch.rows_digest, approver=approver, declared=False, at=NOW)
                continue
            with pytest.raises(KezhengError, match=r"^batch_state_changed"):
                approve_batch(tx, batch.id, rows_digest=batch.rows_digest, approver=approver, declared=False, at=NOW)
            assert require_batch(tx, batch.id).approver == "赵红"


def test_a_batch_id_is_used_once(register: Any) -> None:
    with register.refuses("store_conflict") as tx:
        add_batch(tx, register.batch)


def test_status_events(register: Any) -> None:
    first, second = register.reserve(2)
    with register.store.transaction() as tx:
        events = [
            StatusEventRecord(
                *(
                    event_id,
                    certificate.number,
                    certificate.status_index,
                    "suspended",
                    NOW,
                    NOW + timedelta(days=i),
                ),
                *("under_review", False, None, b"sealed", b"key no 1", "王主任", NOW + timedelta(hours=i)),
            )
            for i, (event_id, certificate) in enumerate(
                zip(take_ids(tx, "status_event", 3), (first, second, first), strict=True)
            )
        ]
        add_status_events(tx, events)
    with register.store.reading() as tx:
        assert status_events_of(tx, first.number) == [events[0], events[2]]
        assert status_events_by_number(tx, [second.number, "none"]) == {
            second.number: [events[1]],
            "none": [],
        }
        assert [event.id for event in public_status_events(tx, after_id=events[0].id)] == [2, 3]
        assert status_events_since(tx, NOW + timedelta(hours=1)) == events[1:]
        public = public_status_events(tx)[0]
    assert not {"note_ciphertext", "recorded_by", "certificate_number"} & set(public._fields)


def test_published_documents(store: WriteStore) -> None:
    versions = [PublishedDocument("a.jws", version, b"%d" % version, NOW, NOW) for version in (2, 10, 9)]
    other = PublishedDocument("b.jws", 1, b"other", NOW, None, is_public=False)
    with store.transaction() as tx:
        for document in (*versions, other):
            add_document(tx, document)
        assert latest_document(tx, "a.jws") == versions[1]
        assert latest_document(tx, "c.jws") is None
        assert latest_documents(tx) == [versions[1], other]


def test_public_urls_keep_their_first_use(store: WriteStore) -> None:
    with store.transaction() as tx:
        note_public_url(tx, "https://b.example", NOW)
        note_public_url(tx, "https://a.example", NOW + timedelta(days=1))
        note_public_url(tx, "https://b.example", NOW + timedelta(days=2))
        assert [(found.url, found.first_used_at) for found in public_urls(tx)] == [
            ("https://b.example", NOW),
            ("https://a.example", NOW + timedelta(days=1)),
        ]


def test_acts_are_kept_in_order(store: WriteStore) -> None:
    with store.transaction() as tx:
        record_act(tx, NOW, "李明", "batch_imported", "batch-1", rows=3)
        record_act(tx, NOW, "赵红", "batch_approved", "batch-1")
        found = acts_on(tx, "batch-1")
    assert [(act.actor, act.action, act.details) for act in found] == [
        ("李明", "batch_imported", {"rows": 3}),
        ("赵红", "batch_approved", {}),
    ]
