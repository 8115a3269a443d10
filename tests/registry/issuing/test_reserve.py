"""Numbers: every one of a batch in one transaction, or none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from register_desk import Desk, people, person

from certs.errors import KezhengError
from registry.store.states import BatchState

ASSESSOR, OTHER = "P000115000001", "P000215000002"


def set_next_serial(desk: Desk, serial: int) -> None:
    desk.certify(people(1), ASSESSOR)
    assert desk.tamper("UPDATE serial_counter SET next_serial = :serial", serial=serial) == 1


def test_the_last_number_of_a_year_is_given(desk: Desk) -> None:
    set_next_serial(desk, 999_999)
    assert desk.certify(people(2), ASSESSOR)[0].serial == 999_999


def test_a_batch_that_does_not_fit_takes_no_number(desk: Desk) -> None:
    set_next_serial(desk, 999_999)
    batch = desk.approve(desk.bring(people(2, 3), ASSESSOR))
    with pytest.raises(KezhengError, match="number_serial_out_of_range"):
        desk.finish(batch)
    assert desk.certificates(batch.id) == []
    assert desk.batch(batch.id).state is BatchState.APPROVED
    assert desk.value("SELECT max(next_serial) FROM serial_counter") == 999_999


def test_another_grade_has_serials_of_its_own(desk: Desk) -> None:
    set_next_serial(desk, 1_000_000)
    assert desk.certify([person(2, 等级="高级")], ASSESSOR)[0].serial == 1


def test_somebody_certified_since_the_import_stops_the_whole_batch(desk: Desk) -> None:
    late = desk.approve(desk.bring(people(1, 2, 3), OTHER))
    desk.certify(people(2), ASSESSOR)
    with pytest.raises(KezhengError, match="already_certified"):
        desk.finish(late)
    assert desk.certificates(late.id) == []
    assert desk.certify(people(1, 3), OTHER)[0].serial == 1


def test_places_in_the_status_list_tell_nothing_of_the_order(desk: Desk) -> None:
    places = [c.status_index for c in desk.certify(people(*range(1, 61)), ASSESSOR)]
    assert len(set(places)) == 60
    assert 10 < sum(one < other for one, other in pairwise(places)) < 50
    assert max(places) < 131_072
