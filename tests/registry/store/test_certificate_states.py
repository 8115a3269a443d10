"""Certificates move forward only, each change names the state it expects, and places are held once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from certs.errors import KezhengError
from registry.store.certificate_states import (
    LoggedCertificate,
    PreparedCertificate,
    SignedCertificate,
    give_up_places,
    hand_over_place,
    prepare_again,
    record_logged,
    record_prepared,
    record_released,
    record_signed,
    void_certificates,
)
from registry.store.certificate_store import (
    NewCertificate,
    certificate_by_number,
    certificates_by_number,
    certificates_of_batch,
    certificates_of_person,
    count_by_state,
    count_print,
    live_certificates,
    released_certificates,
    reserve_certificates,
    serials_in_use,
    successor_of,
)
from registry.store.engine import WriteTransaction, open_public_store
from registry.store.log_store import LogEntryRecord, add_entries, entries_between
from registry.store.public_reader import public_envelope
from registry.store.states import CertificateState

RESERVED, PREPARED, SIGNED, LOGGED, RELEASED, VOID = CertificateState


ALLOWED = {
    (RESERVED, PREPARED),
    (PREPARED, SIGNED),
    (SIGNED, LOGGED),
    (LOGGED, RELEASED),
}


def prepared(register: Any, certificate: NewCertificate) -> PreparedCertificate:
    return PreparedCertificate(certificate.id, b"t%d" % certificate.id, b"kid no 1", register.batch.imported_at)


def signed(certificate: NewCertificate) -> SignedCertificate:
    return SignedCertificate(certificate.id, b"envelope %d" % certificate.id, certificate.id.to_bytes(32))


def log(tx: WriteTransaction, register: Any, certificates: list[NewCertificate]) -> None:
    """Entries for certificates, and where they went."""
    first = len(entries_between(tx, 0, 1_000_000))
    places = range(first, first + len(certificates))
    add_entries(tx, [LogEntryRecord(place, 1, place.to_bytes(32), b"entry") for place in places], [])
    at = register.batch.imported_at
    record_logged(tx, [LoggedCertificate(c.id, place, at) for c, place in zip(certificates, places, strict=True)])


def bring_to(register: Any, certificates: list[NewCertificate], state: CertificateState) -> None:
    """Walk certificates from reserved up to a state."""
    ids = [certificate.id for certificate in certificates]
    steps: list[tuple[CertificateState, Callable[[WriteTransaction], None]]] = [
        (PREPARED, lambda tx: record_prepared(tx, [prepared(register, c) for c in certificates])),
        (SIGNED, lambda tx: record_signed(tx, [signed(c) for c in certificates])),
        (LOGGED, lambda tx: log(tx, register, certificates)),
        (RELEASED, lambda tx: record_released(tx, ids)),
    ]
    order = list(CertificateState)
    with register.store.transaction() as tx:
        if state is VOID:
            void_certificates(tx, ids, RESERVED)
            return
        for reached, step in steps:
            if order.index(reached) <= order.index(state):
                step(tx)


def change(register: Any, certificate: NewCertificate, to: CertificateState) -> None:
    """Try one change of state, from whatever state it is in."""
    with register.store.transaction() as tx:
        match to:
            case CertificateState.PREPARED:
                record_prepared(tx, [prepared(register, certificate)])
            case CertificateState.SIGNED:
                record_signed(tx, [signed(certificate)])
            case CertificateState.LOGGED:
                log(tx, register, [certificate])
            case CertificateState.RELEASED:
                record_released(tx, [certificate.id])


def state_of(register: Any, certificate: NewCertificate) -> CertificateState:
    with register.store.reading() as tx:
        found = certificate_by_number(tx, certificate.number)
    assert found is not None
    return found.state


def test_the_whole_way(register: Any, url: str) -> None:
    certificates = register.reserve(3)
    bring_to(register, certificates, RELEASED)
    with register.store.reading() as tx:
        found = certificates_of_batch(tx, register.batch.id)
        assert count_by_state(tx, register.batch.id) == {RELEASED: 3}
        assert found == list(certificates_by_number(tx, [c.number for c in certificates]).values())
        assert found[:1] == certificates_of_person(tx, certificates[0].person_id)
        assert [c.id for c in released_certificates(tx, after_id=found[0].id, limit=1)] == [found[1].id]
        assert serials_in_use(tx, certificates[0].prefix) == [(1, RELEASED), (2, RELEASED), (3, RELEASED)]
    first = found[0]
    assert (first.to_be_signed, first.kid, first.envelope) == (b"t1", b"kid no 1", b"envelope 1")
    assert (first.issued_at, first.status_index, first.grade) == (
        register.batch.imported_at,
        0,
        "intermediate",
    )
    with closing(open_public_store(url)) as public, public.reading() as public_tx:
        assert public_envelope(public_tx, first.number) == b"envelope 1"


@pytest.mark.parametrize("state", [RESERVED, PREPARED, SIGNED, LOGGED, VOID])
def test_the_public_side_sees_released_ones_only(register: Any, url: str, state: CertificateState) -> None:
    certificates = register.reserve(1)
    bring_to(register, certificates, state)
    with closing(open_public_store(url)) as public, public.reading() as tx:
        assert public_envelope(tx, certificates[0].number) is None


@pytest.mark.parametrize("start", list(CertificateState))
@pytest.mark.parametrize("to", [PREPARED, SIGNED, LOGGED, RELEASED])
def test_only_the_next_state_is_reached(register: Any, start: CertificateState, to: CertificateState) -> None:
    (certificate,) = register.reserve(1)
    bring_to(register, [certificate], start)
    if (start, to) in ALLOWED:
        change(register, certificate, to)
        assert state_of(register, certificate) is to
        return
    with pytest.raises(KezhengError, match=r"^certificate_state_changed"):
        change(register, certificate, to)
    assert state_of(register, certificate) is start


def test_one_that_is_not_ready_stops_all(register: Any) -> None:
    certificates = register.reserve(3)
    bring_to(register, certificates[:2], PREPARED)
    envelopes = [signed(certificate) for certificate in certificates]
    with register.refuses("certificate_state_changed") as tx:
        record_signed(tx, envelopes)
    with register.store.reading() as tx:
        assert count_by_state(tx, register.batch.id) == {PREPARED: 2, RESERVED: 1}
        assert all(found.envelope is None for found in certificates_of_batch(tx, register.batch.id))


def test_a_stored_signature_is_never_replaced(register: Any) -> None:
    (certificate,) = register.reserve(1)
    bring_to(register, [certificate], SIGNED)
    other = signed(certificate)._replace(envelope=b"another", envelope_digest=bytes(32))
    with register.refuses("certificate_state_changed") as tx:
        record_signed(tx, [other])
    with register.store.reading() as tx:
        found = certificate_by_number(tx, certificate.number)
    assert found is not None
    assert found.envelope == signed(certificate).envelope


@pytest.mark.parametrize("start", [PREPARED, SIGNED])
def test_prepared_again_with_a_new_time(register: Any, start: CertificateState) -> None:
    (certificate,) = register.reserve(1)
    bring_to(register, [certificate], start)
    later = register.batch.imported_at + timedelta(days=3)
    renewed = prepared(register, certificate)._replace(to_be_signed=b"new", issued_at=later)
    with register.store.transaction() as tx:
        prepare_again(tx, [renewed])
    with register.store.transaction() as tx:
        found = certificate_by_number(tx, certificate.number)
        assert found is not None
        assert (found.state, found.to_be_signed, found.issued_at) == (PREPARED, b"new", later)
        assert (found.envelope, found.envelope_digest) == (None, None)
        record_signed(tx, [signed(certificate)])


@pytest.mark.parametrize("start", [RESERVED, LOGGED, RELEASED, VOID])
def test_what_was_logged_is_not_prepared_again(register: Any, start: CertificateState) -> None:
    (certificate,) = register.reserve(1)
    bring_to(register, [certificate], start)
    with register.refuses("certificate_state_changed") as tx:
        prepare_again(tx, [prepared(register, certificate)])


def test_void_frees_the_place_and_keeps_the_number(register: Any) -> None:
    (certificate,) = register.reserve(1)
    with register.store.transaction() as tx:
        void_certificates(tx, [certificate.id], RESERVED)
        assert live_certificates(tx, [certificate.person_id]) == []
        rows = register.add_rows(tx, [certificate.person_id], first_sheet_row=900)
        (again,) = register.new_certificates(tx, [certificate.person_id], rows)
        reserve_certificates(tx, [again])
        assert serials_in_use(tx, certificate.prefix) == [(1, VOID), (2, RESERVED)]
    with register.store.transaction() as tx, pytest.raises(ValueError, match="cannot be void"):
        void_certificates(tx, [again.id], LOGGED)


def test_one_person_holds_a_place_once(register: Any) -> None:
    (certificate,) = register.reserve(1)
    with register.refuses("already_certified") as tx:
        rows = register.add_rows(tx, [certificate.person_id], first_sheet_row=900)
        reserve_certificates(tx, register.new_certificates(tx, [certificate.person_id], rows))
    with register.store.reading() as tx:
        (held,) = live_certificates(tx, [certificate.person_id, 4711])
        assert serials_in_use(tx, certificate.prefix) == [(1, RESERVED)]
    assert (held.number, held.state) == (certificate.number, RESERVED)


@pytest.mark.parametrize(
    "difference",
    [
        {"occupation_id": "other"},
        {"direction_key": "2"},
        {"direction_key": ""},
        {"grade": "senior"},
        {"kind": "training"},
    ],
)
def test_another_place_is_free(register: Any, difference: dict[str, str]) -> None:
    (certificate,) = register.reserve(1)
    with register.store.transaction() as tx:
        rows = register.add_rows(tx, [certificate.person_id], first_sheet_row=900)
        (other,) = register.new_certificates(tx, [certificate.person_id], rows)
        typed = {name: type(getattr(other, name))(value) for name, value in difference.items()}
        reserve_certificates(tx, [other._replace(**typed)])


def test_a_row_gets_one_number(register: Any) -> None:
    (certificate,) = register.reserve(1)
    with register.refuses("row_already_has_certificate") as tx:
        (other,) = register.new_certificates(tx, [certificate.person_id], [certificate.roster_row_id])
        reserve_certificates(tx, [other._replace(direction_key="2")])


@pytest.mark.parametrize("field", ["number", "status_index", "id"])
def test_numbers_and_places_are_used_once(register: Any, field: str) -> None:
    (certificate,) = register.reserve(1)
    with register.refuses("store_conflict") as tx:
        person_ids = register.add_people(tx, 1)
        (other,) = register.new_certificates(tx, person_ids, register.add_rows(tx, person_ids, 900))
        reserve_certificates(tx, [other._replace(**{field: getattr(certificate, field)})])


def replacement(register: Any, tx: WriteTransaction, old: NewCertificate, sheet_row: int) -> NewCertificate:
    rows = register.add_rows(tx, [old.person_id], first_sheet_row=sheet_row)
    (new,) = register.new_certificates(tx, [old.person_id], rows)
    return new._replace(supersedes=old.number, live=False)


def test_a_replacement_takes_over_the_place(register: Any) -> None:
    (old,) = register.reserve(1)
    with register.store.transaction() as tx:
        new = replacement(register, tx, old, 900)
        reserve_certificates(tx, [new])
        assert successor_of(tx, old.number) == new.number
        hand_over_place(tx, old.number, new.number)
        assert [held.number for held in live_certificates(tx, [old.person_id])] == [new.number]
    with register.refuses("certificate_not_live") as tx:
        hand_over_place(tx, old.number, new.number)


def test_a_predecessor_has_one_successor(register: Any) -> None:
    (old,) = register.reserve(1)
    with register.refuses("successor_exists") as tx:
        reserve_certificates(tx, [replacement(register, tx, old, 900)])
        reserve_certificates(tx, [replacement(register, tx, old, 901)])


def test_a_void_replacement_makes_room_for_another(register: Any) -> None:
    (old,) = register.reserve(1)
    with register.store.transaction() as tx:
        first = replacement(register, tx, old, 900)
        reserve_certificates(tx, [first])
        void_certificates(tx, [first.id], RESERVED)
        reserve_certificates(tx, [replacement(register, tx, old, 901)])


def test_a_stranger_cannot_take_over(register: Any) -> None:
    old, other = register.reserve(2)
    with register.refuses("certificate_not_live") as tx:
        hand_over_place(tx, old.number, other.number)


def test_places_are_given_up_once(register: Any) -> None:
    (certificate,) = register.reserve(1)
    with register.store.transaction() as tx:
        give_up_places(tx, [certificate.number])
    with register.refuses("certificate_not_live") as tx:
        give_up_places(tx, [certificate.number])


def test_prints_are_counted(register: Any) -> None:
    (certificate,) = register.reserve(1)
    with register.refuses("certificate_state_changed") as tx:
        count_print(tx, certificate.number)
    bring_to(register, [certificate], RELEASED)
    with register.store.transaction() as tx:
        assert [count_print(tx, certificate.number) for _ in range(3)] == [1, 2, 3]


def test_more_than_one_chunk(register: Any) -> None:
    certificates = register.reserve(6_000)
    bring_to(register, certificates, RELEASED)
    with register.store.reading() as tx:
        assert count_by_state(tx, register.batch.id) == {RELEASED: 6_000}
        assert len(live_certificates(tx, {c.person_id for c in certificates})) == 6_000
        assert len(certificates_by_number(tx, [c.number for c in certificates])) == 6_000
