"""From a roster to certificates in force: what the register says of them, and what it says when somebody interferes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from register_desk import NOW, Desk, id_number, institution_toml, name_of, people, person

from certs.errors import KezhengError
from registry.store.states import BatchState, CertificateState

ASSESSOR, TRAINER = "P000115000001", "T000115000001"


def test_a_roster_becomes_certificates_that_verify(desk: Desk) -> None:
    issued = desk.certify([person(1), person(2, 等级="初级"), person(3, 等级="高级"), person(4)], ASSESSOR)
    serials = {desk.report(c.number)["certificate"]["name"]: c.number[15:22] for c in issued}
    assert serials == {
        name_of(1): "2000001",
        name_of(2): "3000001",
        name_of(3): "1000001",
        name_of(4): "2000002",
    }
    for certificate in issued:
        report = desk.report(certificate.number)
        assert certificate.state is CertificateState.RELEASED
        assert (report["verdict"], report["tone"], report["notices"]) == ("valid", "ok", [])
        assert report["certificate"]["number"] == certificate.number
        assert report["institution"]["code"] == ASSESSOR
    assert desk.batch(issued[0].batch_id).state is BatchState.RELEASED


def test_what_the_report_of_a_fresh_certificate_says(desk: Desk) -> None:
    number = desk.certify([person(1)], ASSESSOR)[0].number
    certificate = desk.report(number)["certificate"]
    assert certificate["id_tail"] == id_number(1)[-4:]
    assert certificate["assessed_on"] == "2026-11-02"
    assert certificate["issued_at"] == "2026-11-20T10:00:00+08:00"
    assert certificate["first_issued_on"] == "2026-11-20"
    assert (certificate["supersedes"], certificate["official_number"], certificate["valid_until"]) == (None, None, None)
    assert id_number(1) not in str(desk.report(number))


def test_the_batch_goes_on_from_one_serial_to_the_next(desk: Desk) -> None:
    first = desk.certify(people(1, 2), ASSESSOR)
    second = desk.certify(people(3, 4), ASSESSOR)
    assert [c.serial for c in (*first, *second)] == [1, 2, 3, 4]
    assert len({c.status_index for c in (*first, *second)}) == 4


def test_serials_begin_anew_with_the_year(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    desk.now = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # midnight in China
    assert desk.certify(people(2), ASSESSOR)[0].number[13:22] == "272000001"


def test_official_number_and_second_site_are_shown(desk: Desk) -> None:
    sites = "".join(f'[[sites]]\nname = "第{place}考点"\ndivision = "150100"\n' for place in "一二")
    code = desk.list_institution(institution_toml(11) + sites.encode())
    rows = [
        person(1, 考核站点="第二考点", 国家证书编号="国(2026)第0001号"),
        person(2, 考核站点="第一考点"),
        person(3, 考核站点=""),
    ]
    shown = [desk.report(c.number)["certificate"] for c in desk.certify(rows, code)]
    assert (shown[0]["site"], shown[0]["official_number"]) == ("第二考点", "国(2026)第0001号")
    assert [entry["official_number"] for entry in shown[1:]] == [None, None]
    assert {entry["site"] for entry in shown[1:]} <= {None, "第一考点"}
    assert shown[1]["site"] == shown[2]["site"]



def test_of_an_examinee_list_only_the_passed_get_certificates(desk: Desk) -> None:
    rows = [
        person(1, 考核结果="合格"),
        person(2, 考核结果="不合格", 理论成绩="40"),
        person(3, 考核结果="缺考", 理论成绩="", 专业能力成绩=""),
        person(4, 考核结果="违纪取消", 理论成绩="", 专业能力成绩=""),
        person(5, 考核结果="合格"),
    ]
    issued = desk.certify(rows, ASSESSOR)
    assert [desk.report(c.number)["certificate"]["name"] for c in issued] == [name_of(1), name_of(5)]
    assert [c.serial for c in issued] == [1, 2]
    assert desk.value("SELECT count(*) FROM roster_row") == 5


DOCUMENTS = [
    ("居民身份证", id_number(1), {}),
    ("港澳居民居住证", "810000190401010033", {}),
    ("港澳居民来往内地通行证", "H12345678", {}),
    ("台湾居民来往大陆通行证", "12345678", {}),
    ("外国人永久居留身份证", "ABC123456789012", {}),
    ("护照", "E12345678", {"国籍/地区": "法国"}),
    ("其他", "军字第12345号", {"备注": "军官证，已核对原件"}),
]


@pytest.mark.parametrize(("kind", "number", "more"), DOCUMENTS, ids=[kind for kind, _, _ in DOCUMENTS])
def test_every_kind_of_document(desk: Desk, kind: str, number: str, more: dict[str, str]) -> None:
    issued = desk.certify([person(1, 证件类型=kind, 证件号码=number, **more)], ASSESSOR)
    report = desk.report(issued[0].number)
    assert report["verdict"] == "valid"
    assert report["certificate"]["id_tail"] == number[-4:]


def test_a_training_certificate_is_named_by_its_number(desk: Desk) -> None:
    completed = desk.certify([person(1)], TRAINER)[0]
    assert completed.number.startswith("T")
    assert desk.report(completed.number)["certificate"]["title_zh"] == "培训合格证书"
    graded = desk.certify([person(1, 培训证书编号=completed.number)], ASSESSOR)[0]
    assert desk.verdict(graded.number) == "valid"
    stored = desk.value("SELECT training_certificate_number FROM roster_row WHERE id = :id", id=graded.roster_row_id)
    assert stored == completed.number


def test_a_mark_that_was_edited_after_the_approval_stops_the_batch(desk: Desk) -> None:
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    assert desk.tamper("UPDATE roster_row SET theory = 10000 WHERE sheet_row = 2") == 1
    before = desk.row_counts()
    with pytest.raises(KezhengError, match="approval_stale"):
        desk.finish(batch)
    assert desk.row_counts() == before
    assert desk.certificates(batch.id) == []
    assert desk.batch(batch.id).state is BatchState.APPROVED


@pytest.mark.parametrize(
    "change",
    [
        "name = '王五'",
        "grade = 'senior'",
        "result = 'failed'",
        "assessed_on = '2026-11-03'",
        "official_number = 'X1'",
        "direction_number = 1",
        "occupation_code = '2-02-10-13'",
        "sheet_row = 99",
        "id_type = 'passport'",
    ],
)
def test_no_field_of_an_approved_row_can_be_changed(desk: Desk, change: str) -> None:
    batch = desk.approve(desk.bring([person(1, 职业方向="智能生产管控")], ASSESSOR))
    assert desk.tamper(f"UPDATE roster_row SET {change}") == 1
    with pytest.raises(KezhengError, match="approval_stale"):
        desk.finish(batch)
    assert desk.certificates(batch.id) == []


def test_a_row_added_behind_the_approvers_back_stops_the_batch(desk: Desk) -> None:
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    other = desk.bring(people(3), ASSESSOR, label="第二批")
    desk.tamper("UPDATE roster_row SET batch_id = :b, sheet_row = 77 WHERE batch_id = :o", b=batch.id, o=other.id)
    with pytest.raises(KezhengError, match="approval_stale"):
        desk.finish(batch)


@pytest.mark.parametrize("column", ["number_ciphertext", "private_ciphertext"])
def test_ciphertexts_of_two_people_cannot_be_swapped(desk: Desk, column: str) -> None:
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    desk.tamper(
        f"UPDATE roster_row SET {column} = (SELECT other.{column} FROM roster_row other "
        "WHERE other.batch_id = roster_row.batch_id AND other.id <> roster_row.id)"
    )
    with pytest.raises(KezhengError, match="data_damaged"):
        desk.finish(batch)
    assert desk.certificates(batch.id) == []


def test_a_name_edited_in_the_database_changes_nothing_that_is_shown(desk: Desk) -> None:
    issued = desk.certify(people(1), ASSESSOR)[0]
    before = desk.report(issued.number)
    desk.tamper("UPDATE roster_row SET name = '冒名者'")
    desk.tamper("UPDATE certificate SET grade = 'senior', official_number = NULL")
    after = desk.report(issued.number)
    for part in ("certificate", "institution", "verdict", "checks"):
        assert after[part] == before[part]


def test_an_altered_envelope_is_not_genuine(desk: Desk) -> None:
    issued = desk.certify(people(1, 2), ASSESSOR)
    envelope = bytearray(issued[0].envelope or b"")
    envelope[-1] ^= 1
    change = "UPDATE certificate_sealed SET envelope = :e WHERE certificate_id = :id"
    assert desk.tamper(change, e=bytes(envelope), id=issued[0].id) == 1
    report = desk.report(issued[0].number)
    assert (report["verdict"], report["certificate"], report["institution"]) == ("not_genuine", None, None)
    assert desk.verdict(issued[1].number) == "valid"


def test_recorded_bytes_are_what_is_signed_or_nothing_is(desk: Desk) -> None:
    """Bytes that were changed between record and signature are caught before anything is released."""
    batch = desk.approve(desk.bring(people(1), ASSESSOR))
    desk.finish(batch)
    assert desk.value("SELECT count(*) FROM certificate_sealed") == 1
    with pytest.raises(KezhengError, match="batch_state"):
        desk.finish(batch)
    assert desk.value("SELECT count(*) FROM certificate_sealed") == 1


def test_a_batch_that_is_not_approved_is_not_issued(desk: Desk) -> None:
    batch = desk.bring(people(1), ASSESSOR)
    with pytest.raises(KezhengError, match="batch_state"):
        desk.finish(batch)
    with pytest.raises(KezhengError, match="batch_unknown"):
        desk.finish(batch._replace(id="B20000101-0000000000"))
    assert desk.now == NOW
    assert desk.batch(batch.id).approved_at is None


def test_the_day_of_assessment_is_not_after_the_day_of_issue(desk: Desk) -> None:
    issued = desk.certify([person(1, 考核日期="2026-11-20")], ASSESSOR)[0]
    assert issued.assessed_on == date(2026, 11, 20)
    assert desk.verdict(issued.number) == "valid"
