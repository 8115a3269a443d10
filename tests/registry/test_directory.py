"""Institutions: codes, files, names, successors, and a trust list that everything stays readable in."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from register_desk import NOW, OPERATOR, Desk, institution_toml, people

from certs.errors import KezhengError
from certs.institution import EventKind
from certs.occupations import catalogue
from registry.directory import name_successor, rename_institution, require_institution
from registry.institution_file import read_institution_file
from registry.verifying import evidence_of_home

ASSESSOR, TRAINER, OTHER = "P000115000001", "T000115000001", "P000215000002"


def rename(desk: Desk, name: str, on: date = date(2026, 11, 20)) -> None:
    rename_institution(desk.home, ASSESSOR, name, on, OPERATOR, desk.now)


def test_codes_go_on_and_registrations_can_be_chosen(desk: Desk) -> None:
    assert desk.list_institution(institution_toml(3)) == "P000315000003"
    assert desk.list_institution(institution_toml(4, more='registration = "0042"\n')) == "P004215000004"
    assert desk.list_institution(institution_toml(5, province="66")) == "P000466000001"
    with pytest.raises(KezhengError, match="registration_taken"):
        desk.list_institution(institution_toml(6, more='registration = "0042"\n'))


def test_one_institution_may_be_of_both_kinds_and_of_each_once(desk: Desk) -> None:
    assert desk.list_institution(institution_toml(3)).startswith("P")
    assert desk.list_institution(institution_toml(3, kind="training")).startswith("T")
    with pytest.raises(KezhengError, match="institution_exists"):
        desk.list_institution(institution_toml(3))


def test_what_is_refused_is_not_listed(desk: Desk) -> None:
    before = desk.row_counts()
    with pytest.raises(KezhengError, match="registration_taken"):
        desk.list_institution(institution_toml(6, more='registration = "0001"\n'))
    assert desk.row_counts() == before


SCOPE = 'occupation = "2-02-38-05"\ngrades = ["junior"]\nvalid_from = 2024-01-01\nvalid_to = 2030-12-31\n'
BAD_FILES = {
    "name": {"name": "　"},
    "long name": {"name": "长" * 61},
    "kind": {"kind": "both"},
    "province": {"province": "99"},
    "unknown member": {"more": 'nmae = "x"\n'},
    "registration": {"more": 'registration = "1"\n'},
    "no grade": {"scope": SCOPE.replace('["junior"]', "[]")},
    "a grade unknown": {"scope": SCOPE.replace("junior", "expert")},
    "an occupation unknown": {"scope": SCOPE.replace("2-02-38-05", "铁匠")},
    "a direction unknown": {"scope": SCOPE + 'directions = ["打铁"]\n'},
    "days turned round": {"scope": SCOPE.replace("2030", "2023")},
    "a day as text": {"scope": SCOPE.replace("2024-01-01", '"2024-01-01"')},
    "no end": {"scope": SCOPE.replace("valid_to = 2030-12-31\n", "")},
}


@pytest.mark.parametrize("changes", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_not_right(changes: dict[str, str]) -> None:
    with pytest.raises(KezhengError, match="institution_file_invalid"):
        read_institution_file(institution_toml(8, **changes), catalogue())


def test_a_credit_code_is_checked() -> None:
    with pytest.raises(KezhengError, match="credit_code_"):
        read_institution_file(institution_toml(8, credit_code="12150000MB0012343Y"), catalogue())


def test_a_new_name_is_shown_beside_the_old_one(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.now += timedelta(days=30)
    rename(desk, "北疆数字人才评价中心", date(2026, 12, 1))
    with desk.home.store.transaction() as tx:
        desk.home.publish_if_needed(tx, desk.now)
    report = desk.report(number)
    assert (report["institution"]["name_at_issue"], report["institution"]["name"]) == (
        "北疆数字技术评价中心",
        "北疆数字人才评价中心",
    )
    assert [notice["code"] for notice in report["notices"]] == ["institution_renamed"]
    assert report["verdict"] == "valid"


@pytest.mark.parametrize("name", ["", " ", "长" * 61, "两\n行", "\u202e反"])
def test_a_name_that_would_break_the_list_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(KezhengError, match="name_invalid"):
        rename(desk, name)
    assert not hasattr(evidence_of_home(desk.home.settings).trust, "code")


def test_two_names_from_one_day_conflict(desk: Desk) -> None:
    rename(desk, "甲名")
    with pytest.raises(KezhengError, match="store_conflict"):
        rename(desk, "乙名")


def test_a_successor_is_named_in_the_report(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    name_successor(desk.home, ASSESSOR, OTHER, OPERATOR, desk.now)
    assert desk.report(number)["institution"]["successor"] == OTHER
    assert desk.verdict(number) == "valid"


def test_succession_has_no_circle(desk: Desk) -> None:
    third = desk.list_institution(institution_toml(3))
    for code, following in ((ASSESSOR, OTHER), (OTHER, third)):
        name_successor(desk.home, code, following, OPERATOR, desk.now)
    for code, following in ((third, ASSESSOR), (third, OTHER), (third, third)):
        with pytest.raises(KezhengError, match="institution_succeeds_itself"):
            name_successor(desk.home, code, following, OPERATOR, desk.now)
    with pytest.raises(KezhengError, match="institution_unknown"):
        name_successor(desk.home, third, "P999915000001", OPERATOR, desk.now)


def test_who_did_what_is_on_record(desk: Desk) -> None:
    desk.institution_event(ASSESSOR, EventKind.SUSPEND, date(2026, 11, 1), "under_review")
    assert desk.value("SELECT actor FROM audit_event WHERE action = 'institution_suspend'") == OPERATOR
    with desk.home.store.reading() as tx:
        record = require_institution(tx, ASSESSOR)
    assert [(event.kind, event.recorded_at) for event in record.events] == [(EventKind.SUSPEND, NOW)]
