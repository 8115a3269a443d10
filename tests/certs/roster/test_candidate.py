"""What a right row becomes, and the digest that an approval is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from certs.assessment import AssessmentResult
from certs.candidate import Candidate, CandidateDetails, rows_digest
from certs.grades import Grade
from certs.id_document import IdDocument, IdType
from certs.roster import RosterReading
from certs.sheet import Cell

Read = Callable[..., RosterReading]


def only(reading: RosterReading) -> Candidate:
    assert not reading.faults, [fault.zh for fault in reading.faults]
    (candidate,) = reading.candidates
    return candidate


def test_a_right_row(read: Read) -> None:
    candidate = only(read({}))
    assert candidate.name == "张小明"
    assert candidate.id_document.type is IdType.RESIDENT_ID
    assert (candidate.occupation_id, candidate.occupation_code) == ("2-02-38-05", "2-02-38-05")
    assert (candidate.direction, candidate.direction_name) == (2, "智能装备与产线应用")
    assert candidate.grade is Grade.INTERMEDIATE
    assert (candidate.theory, candidate.ability) == (8600, 6000)
    assert candidate.assessed_on == date(2026, 10, 20)
    assert candidate.site_code == ""
    assert candidate.earns_certificate


def test_a_code_that_is_written_is_kept(read: Read) -> None:
    candidate = only(read({"职业": "2-02-07-13"}))
    assert (candidate.occupation_id, candidate.occupation_code) == ("2-02-38-05", "2-02-07-13")


def test_a_name_gets_the_code_of_its_day(read: Read) -> None:
    candidate = only(read({"考核日期": "2022-09-27"}, today=date(2022, 10, 1), sites=()))
    assert candidate.occupation_code == "2-02-07-13"
    assert candidate.site_code == ""


def test_text_where_the_catalogue_has_no_direction(read: Read) -> None:
    candidate = only(read({"职业": "区块链", "职业方向": "区块链应用操作"}))
    assert (candidate.direction, candidate.direction_name) == ("区块链应用操作", "区块链应用操作")
    assert only(read({"职业": "区块链", "职业方向": None})).direction is None


def test_the_scope_is_asked_with_the_region_of_the_site_in_use_that_day(read: Read) -> None:
    asked: list[tuple[Any, ...]] = []
    candidate = only(read({"考核站点": "包头考点"}, scope_fault=lambda *question: asked.append(question)))
    assert candidate.site_code == "03"
    assert asked == [("2-02-38-05", "智能装备与产线应用", Grade.INTERMEDIATE, "150203", date(2026, 10, 20))]


def test_optional_columns(read: Read) -> None:
    changes: dict[str, Any] = {"考核批次": "第3批", "准考证号": Cell("n", "26001.0"), "照片": "a.jpg"}
    changes |= {"联系电话": "+86 138-0013-8000", "工作单位": "某\n公司", "性别": "男"}
    changes |= {"出生日期": "1904-01-01", "国籍/地区": "中国", "学历": "本科"}
    changes |= {"申报条件": "（2）", "国家证书编号": "Y0001", "学时": "80.5", "备注": "无"}
    assert only(read(changes)).details == CandidateDetails(
        batch="第3批",
        admission_number="26001",
        photo="a.jpg",
        phone="+8613800138000",
        employer="某 公司",
        sex="男",
        birth_date=date(1904, 1, 1),
        nationality="CN",
        education="本科",
        eligibility="（2）",
        official_number="Y0001",
        hours=8050,
        remark="无",
    )


def test_a_nationality_alone_is_kept(read: Read) -> None:
    assert only(read({"国籍/地区": "中国"})).details.nationality == "CN"


def test_the_batch_is_the_uploads_name_by_default(read: Read) -> None:
    assert only(read({}, default_batch="名册.xlsx")).details.batch == "名册.xlsx"
    assert only(read({"考核批次": None}, default_batch="名册.xlsx")).details.batch == "名册.xlsx"


@pytest.mark.parametrize(
    ("result", "theory", "kind"),
    [
        ("不合格", Cell("n", "59.5"), AssessmentResult.FAILED),
        ("不合格", None, AssessmentResult.FAILED),
        ("缺考", "缺考", AssessmentResult.ABSENT),
        ("违纪取消", Cell("n", "90"), AssessmentResult.DISQUALIFIED),
    ],
)
def test_examinees_who_did_not_pass_are_recorded_and_get_nothing(
    read: Read, result: str, theory: Cell | str | None, kind: AssessmentResult
) -> None:
    candidate = only(read({"考核结果": result, "理论成绩": theory}))
    assert candidate.result is kind
    assert not candidate.earns_certificate


def test_one_person_may_hold_two_directions_or_grades(read: Read) -> None:
    reading = read({}, {"职业方向": "智能生产管控"}, {"等级": "初级"})
    assert not reading.faults
    assert len(reading.candidates) == 3


def test_short_numeric_ids_are_their_digits(read: Read) -> None:
    candidate = only(read({"证件类型": "台胞证", "证件号码": Cell("n", "12345678.0")}))
    assert candidate.id_document.number == "12345678"


CHANGES: dict[str, Any] = {
    "row": 9,
    "ordinal": "9",
    "name": "李丽",
    "id_document": IdDocument(IdType.PASSPORT, "E1234567", "E1234567", nationality="US"),
    "occupation_id": "2-02-38-01",
    "occupation_code": "2-02-10-09",
    "direction": "文字",
    "direction_name": "文字",
    "grade": Grade.SENIOR,
    "theory": None,
    "ability": 6001,
    "result": AssessmentResult.FAILED,
    "assessed_on": date(2026, 10, 21),
    "training_certificate": "",
    "site_code": "03",
    "details": CandidateDetails(others=("x",)),
}


def test_the_digest_changes_with_every_field(read: Read) -> None:
    candidate = only(read({}))
    assert CHANGES.keys() == set(Candidate._fields)
    digests = {rows_digest([candidate._replace(**{field: value})]) for field, value in CHANGES.items()}
    assert len(digests | {rows_digest([candidate])}) == len(CHANGES) + 1


def test_the_digest_is_of_the_rows_not_of_their_order(
    read: Read, person_number: Callable[[int], str]
) -> None:
    one, two = read({}, {"证件号码": person_number(2)}).candidates
    assert rows_digest([one, two]) == rows_digest([two, one])
    assert rows_digest([one]) != rows_digest([one, one])
    assert rows_digest([]) != rows_digest([one])


def test_the_digest_is_what_its_description_says(read: Read, person_number: Callable[[int], str]) -> None:
    candidate = only(read({"民族": "汉族"}))
    number = person_number(1)
    document = ["resident_id", number, number, "1904-01-01", True, ""]
    details = ["", "", "", "", "", "", None, "", "", "", "", None, "", ["汉族"]]
    row = [2, "", "张小明", document, "2-02-38-05", "2-02-38-05"]
    row += [
        2,
        "智能装备与产线应用",
        "intermediate",
        8600,
        6000,
        "passed",
        "2026-10-20",
        "T000115000001262000001Z",
        "",
        details,
    ]
    text = json.dumps(["kezheng-roster-rows-1", row], ensure_ascii=False, separators=(",", ":"))
    assert rows_digest([candidate]) == hashlib.sha256(text.encode("utf-8")).digest()
