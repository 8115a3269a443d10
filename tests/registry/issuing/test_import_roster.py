"""What an import stores, and that it stores nothing when one cell is wrong."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from register_desk import ASSESSED, OPERATOR, Desk, id_number, name_of, people, person, workbook

from certs.errors import KezhengError
from registry.issuing.import_roster import RosterRefused, check_roster, import_roster
from registry.store.states import BatchState

ASSESSOR, OTHER, TRAINER = "P000115000001", "P000215000002", "T000115000001"


def check(desk: Desk, rows: list[dict[str, str]], code: str = ASSESSOR) -> list[tuple[int | None, str | None, str]]:
    """Row, column and code of each fault of a dry run."""
    checked = check_roster(desk.home, workbook(rows), code, "试检", desk.now)
    return [(fault.row, fault.column, fault.code) for fault in checked.faults]


def test_an_import_stores_the_rows_and_no_certificate(desk: Desk) -> None:
    batch = desk.bring(people(1, 2, 3), ASSESSOR, label="2026年第三批")
    assert (batch.state, batch.operator, batch.label) == (BatchState.IMPORTED, OPERATOR, "2026年第三批")
    counts = desk.row_counts()
    assert (counts["roster_row"], counts["person"], counts["batch"], counts["certificate"]) == (3, 3, 1, 0)


FAULTY = {
    "a wrong check digit": person(2, 证件号码=id_number(2)[:-1] + ("0" if id_number(2)[-1] != "0" else "1")),
    "a mark below the pass line": person(2, 理论成绩="59.99"),
    "a day to come": person(2, 考核日期="2026-11-21"),
    "a day long past": person(2, 考核日期="2026-01-02"),
    "an unknown occupation": person(2, 职业="铁匠"),
    "an occupation out of scope": person(2, 职业="云计算工程技术人员", 职业方向="云计算运维"),
    "an unknown site": person(2, 考核站点="火星考点"),
    "a name without letters": person(2, 姓名="123"),
    "a person twice": person(1),
    "an unknown training certificate": person(2, 培训证书编号="T0001150000012620000011"),
}


@pytest.mark.parametrize("row", FAULTY.values(), ids=FAULTY)
def test_one_fault_and_nothing_is_stored(desk: Desk, row: dict[str, str]) -> None:
    before = desk.row_counts()
    with pytest.raises(RosterRefused) as refused:
        desk.bring([person(1), row, person(3)], ASSESSOR)
    assert {fault.row for fault in refused.value.checked.faults} == {3}
    assert desk.row_counts() == before


def test_every_fault_is_told_at_once(desk: Desk) -> None:
    faulty = [person(1, 等级="三级", 理论成绩="x"), person(2, 考核日期="5/6/2024"), person(3, 姓名="")]
    assert [row for row, _, _ in check(desk, faulty)] == [2, 2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no workbook", b"name,id\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_file_that_is_no_workbook_is_a_fault_of_the_whole_file(desk: Desk, content: bytes) -> None:
    before = desk.row_counts()
    with pytest.raises(RosterRefused) as refused:
        import_roster(desk.home, content, ASSESSOR, "x", OPERATOR, desk.now)
    assert [fault.row for fault in refused.value.checked.faults] == [None]
    assert desk.row_counts() == before


def test_the_same_file_is_the_same_batch(desk: Desk) -> None:
    rows = people(1, 2)
    first = desk.bring(rows, ASSESSOR)
    before = desk.row_counts()
    assert desk.bring(rows, ASSESSOR, operator="另一人", label="换个名字") == first
    issued = desk.finish(desk.approve(first))
    again = desk.bring(rows, ASSESSOR)
    assert (again.id, again.state, again.operator) == (first.id, BatchState.RELEASED, OPERATOR)
    assert len(desk.certificates(first.id)) == len(issued) == 2
    assert desk.row_counts()["roster_row"] == before["roster_row"]


def test_the_same_file_at_another_institution_is_another_batch(desk: Desk) -> None:
    rows = people(1)
    assert desk.bring(rows, ASSESSOR).id != desk.bring(rows, OTHER).id


def test_the_same_roster_in_another_file_finds_its_people_certified(desk: Desk) -> None:
    desk.certify(people(1, 2), ASSESSOR)
    before = desk.row_counts()
    with pytest.raises(RosterRefused) as refused:
        desk.bring([*people(1, 2), person(3)], ASSESSOR)
    found = [(fault.row, fault.code) for fault in refused.value.checked.faults]
    assert found == [(2, "already_certified"), (3, "already_certified")]
    assert desk.row_counts() == before | {"audit_event": before["audit_event"] + 1}


def test_a_dry_run_tells_only_of_the_own_institution(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    assert check(desk, people(1), ASSESSOR) == [(2, "id_number", "already_certified")]
    assert check(desk, people(1), OTHER) == []
    checked = check_roster(desk.home, workbook(people(1)), OTHER, "x", desk.now)
    never_seen = check_roster(desk.home, workbook(people(2)), OTHER, "x", desk.now)
    assert [w.code for w in checked.warnings] == [w.code for w in never_seen.warnings]


def test_the_submission_looks_across_the_register_and_names_no_institution(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    with pytest.raises(RosterRefused) as refused:
        desk.bring(people(1, 2), OTHER)
    (fault,) = refused.value.checked.faults
    assert (fault.row, fault.code) == (2, "already_certified")
    details = desk.value("SELECT details FROM audit_event WHERE action = 'roster_refused' AND subject = :o", o=OTHER)
    assert json.loads(details) == {"already_certified": 1}
    assert ASSESSOR not in str(fault.to_json())
    assert "北疆" not in str(fault.to_json())


def test_other_direction_and_grade_of_the_same_person_are_no_fault(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    assert check(desk, [person(1, 等级="高级")]) == []
    other = check_roster(desk.home, workbook([person(1, 职业方向="智能生产管控")]), ASSESSOR, "x", desk.now)
    assert (other.faults, "other_direction_held" in {w.code for w in other.warnings}) == ((), True)


def test_a_training_certificate_does_not_stand_in_the_way_of_the_grade(desk: Desk) -> None:
    completed = desk.certify(people(1), TRAINER)[0]
    assert check(desk, [person(1, 培训证书编号=completed.number)]) == []
    assert check(desk, [person(2, 培训证书编号=completed.number)]) == [
        (2, "training_certificate", "training_certificate_mismatch")
    ]


def test_one_person_is_one_person_whatever_the_renewal_of_the_document(desk: Desk) -> None:
    document = {"证件类型": "港澳居民来往内地通行证"}
    desk.certify([person(1, 证件号码="H1234567801", **document)], ASSESSOR)
    assert check(desk, [person(1, 证件号码="H1234567802", **document)]) == [(2, "id_number", "already_certified")]
    assert desk.row_counts()["person"] == 1


def test_people_are_entered_once(desk: Desk) -> None:
    desk.certify(people(1, 2), ASSESSOR)
    desk.certify([person(1, 等级="高级"), person(3)], OTHER)
    assert desk.row_counts()["person"] == 3
    assert desk.row_counts()["person_document"] == 3


def test_the_window_of_days_is_inclusive(desk: Desk) -> None:
    oldest = ASSESSED.replace(month=11, day=20) - timedelta(days=180)
    assert check(desk, [person(1, 考核日期=oldest.isoformat())]) == []
    too_old = (oldest - timedelta(days=1)).isoformat()
    assert check(desk, [person(1, 考核日期=too_old)]) == [(2, "assessed_on", "assessment_too_old")]


def test_an_unknown_institution_is_refused(desk: Desk) -> None:
    with pytest.raises(KezhengError, match="institution_unknown"):
        desk.bring(people(1), "P999915000001")
    with pytest.raises(KezhengError, match="institution_unknown"):
        check(desk, people(1), "x")


def test_values_of_id_cells_are_masked_in_what_is_told(desk: Desk) -> None:
    checked = check_roster(desk.home, workbook([person(1, 证件号码=id_number(1)[:-1] + "A")]), ASSESSOR, "x", desk.now)
    told = str([fault.to_json() for fault in checked.faults])
    assert checked.faults
    assert id_number(1)[:-1] not in told
    assert name_of(1) not in told
