"""What each place answers: the wording differences, absences, dates, cities, and what is never said."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.equivalence import (
    PolicySet,
    effects_for_all,
    effects_json_for_all,
    load_policies,
    policies_from,
    policy_text,
    title_effects,
)
from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.jurisdictions import provinces
from certs.package_data import list_files, read_bytes
from certs.title_citation import citation_text_zh
from certs.title_effect import TitleEffect
from certs.title_policy import ABSENCES, TITLE_EFFECTS, Effect, QuoteSource
from certs.wording import all_codes, words

ON = date(2026, 11, 20)
P, T = CertificateKind.ASSESSMENT, CertificateKind.TRAINING
PROJECT = "参加数字技术工程师培育项目"
DESIGN_FIELDS = {
    "jurisdiction", "effect", "title_level", "title_name", "conditions", "open_points", "document",
    "document_number", "clause", "quote_zh", "quote_source", "in_force_from", "in_force_to", "confidence",
    "delegated_to",
}  # fmt: skip


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return load_policies()


def asked(
    jurisdiction: str, kind: CertificateKind = P, grade: Grade = Grade.INTERMEDIATE, on: date = ON
) -> list[TitleEffect]:
    return title_effects(load_policies(), jurisdiction, kind, grade, on)


def codes(effects: list[TitleEffect]) -> list[tuple[str, str]]:
    return [(effect.jurisdiction, effect.effect.value) for effect in effects]


def all_answers(on: date = ON) -> list[TitleEffect]:
    places = [*(place.code for place in provinces()), "00"]
    return [
        effect
        for code in places
        for kind in CertificateKind
        for grade in Grade
        for effect in asked(code, kind, grade, on)
    ]


# ---- the three provincial texts

WHOLE = {
    "15": "取得中初级专业技术等级证书的，可纳入中初级职称认定范围。",
    "45": "取得中级、初级专业技术等级证书的，可认定相应中级、初级职称。",
    "37": "取得中级、初级专业技术等级证书的，可纳入各市各部门中级、初级职称认定范围。",
}
CLAUSES = {
    "15": "二、工作重点（四）数字技术工程师培育",
    "45": "四、组织实施（二）支持人才培训第二自然段",
    "37": "四、组织实施（二）支持人才培训",
}
NUMBERS = {"15": "内人社发〔2022〕33号", "45": "桂人社发〔2022〕15号", "37": None}
LOWER = {"15": "within_scope", "45": "may_recognise", "37": "within_scope"}


@pytest.mark.parametrize("place", ["15", "45", "37"])
@pytest.mark.parametrize("grade", list(Grade))
@pytest.mark.parametrize("kind", list(CertificateKind))
def test_a_provincial_text_answers_with_its_own_wording(
    place: str, grade: Grade, kind: CertificateKind
) -> None:
    first = asked(place, kind, grade)[0].to_json()
    expected = "important_reference" if grade is Grade.SENIOR else LOWER[place]
    assert first["effect"] == ("subsidy_claim" if kind is T else expected)
    assert first["title_level"] == (None if kind is T else grade.value)
    assert first["title_name"] is None
    assert first["jurisdiction"] == place
    assert first["scope"] == "local"
    assert (first["document_number"], first["clause"]) == (NUMBERS[place], CLAUSES[place])
    assert first["quote_zh"].startswith(PROJECT + "，")
    assert first["quote_zh"].endswith(WHOLE[place])
    assert (first["quote_source"], first["confidence"]) == ("text", "H")
    assert (first["in_force_from"], first["in_force_to"]) == (None, None)


@pytest.mark.parametrize("place", ["15", "45", "37"])
@pytest.mark.parametrize("grade", list(Grade))
@pytest.mark.parametrize("kind", list(CertificateKind))
def test_taking_part_in_the_project_is_always_a_condition(
    place: str, grade: Grade, kind: CertificateKind
) -> None:
    conditions = asked(place, kind, grade)[0].to_json()["conditions"]
    assert (conditions[0]["zh"], conditions[0]["proof"]) == (PROJECT, "培训合格证书")
    held = "培训合格证书" if kind is T else f"{grade.zh}专业技术等级证书"
    assert conditions[1]["zh"] == f"取得{held}"


def test_shandong_sends_on_to_cities_and_departments() -> None:
    effect = asked("37")[0].to_json()
    assert effect["delegated_to"] == "各市各部门"
    assert effect["issued_on"] == "2022-12-28"
    assert "city_or_department_rule" in [condition["code"] for condition in effect["conditions"]]
    assert asked("37", grade=Grade.SENIOR)[0].delegated_to is None
    assert asked("45")[0].delegated_to is None
    assert asked("15")[0].delegated_to is None


def test_guangxi_lists_what_its_text_leaves_open() -> None:
    assert [point["zh"] for point in asked("45")[0].to_json()["open_points"]] == [
        "成文及施行日期、有效期",
        "初级对应员级还是助理级",
        "职称系列和专业名称",
        "认定程序、年限",
        "发证机构所在地是否限于本区",
    ]


def test_inner_mongolia_points_to_the_announced_text_once_it_was_announced() -> None:
    before, after = asked("15", on=date(2023, 12, 12))[0], asked("15", on=date(2023, 12, 13))[0]
    assert "later_text_announced" not in [point.code for point in before.open_points]
    assert "later_text_announced" in [point.code for point in after.open_points]
    pointer = after.to_json()["see_also"][0]
    assert (pointer["document_number"], pointer["clause"]) == (
        "内人社办发〔2023〕204号",
        "五、推进数字技术工程师培育项目",
    )
    assert "职称评审" in pointer["quote_zh"]


@pytest.mark.parametrize(("place", "expected"), [("45", True), ("37", True), ("15", False), ("12", False)])
@pytest.mark.parametrize("kind", list(CertificateKind))
def test_hours_and_experience_follow_only_where_the_text_has_them(
    place: str, expected: bool, kind: CertificateKind
) -> None:
    found = {effect.effect for effect in asked(place, kind)}
    assert ({Effect.HOURS_RECORDED, Effect.COUNTS_AS_EXPERIENCE} <= found) is expected


def test_an_occupation_outside_the_listed_fields_is_a_point_to_check(policies: PolicySet) -> None:
    def points(place: str, occupation: str | None) -> list[str]:
        effect = title_effects(policies, place, P, Grade.JUNIOR, ON, occupation)[0]
        return [point.code for point in effect.open_points]

    assert "occupation_not_listed" in points("45", "2-02-38-11")
    assert "occupation_not_listed" not in points("45", "2-02-38-05")
    assert "occupation_not_listed" not in points("45", "2-02-07-13")
    assert "occupation_not_listed" not in points("45", None)
    assert "occupation_not_listed" not in points("15", "2-02-38-11")


# ---- texts known from reports


def test_tianjin_names_the_title_and_quotes_nothing() -> None:
    for grade, effect, name in [
        (Grade.JUNIOR, "direct_recognition", "助理工程师"),
        (Grade.INTERMEDIATE, "direct_recognition", "工程师"),
        (Grade.SENIOR, "direct_apply_review", "高级工程师"),
    ]:
        found = asked("12", grade=grade)[0].to_json()
        assert (found["effect"], found["title_name"], found["quote_zh"]) == (effect, name, None)
        assert (found["quote_source"], found["clause"], found["document_number"]) == ("secondary", None, None)
        assert [item["code"] for item in found["conditions"]] == [
            "project_participation", "tianjin_title_scope", "grade_certificate",
        ]  # fmt: skip


def test_chongqing_and_shanxi_answer_as_reported() -> None:
    assert codes(asked("50"))[0] == ("50", "direct_recognition")
    assert codes(asked("50", grade=Grade.SENIOR))[0] == ("50", "performance_condition")
    assert codes(asked("14"))[:2] == [("14", "may_recognise"), ("14", "next_level_condition")]
    assert codes(asked("14", grade=Grade.SENIOR))[0] == ("14", "important_reference")
    assert {effect.to_json()["confidence"] for effect in asked("14")[:2]} == {"M"}
    assert asked("14")[1].title_level is None
    assert all(effect.to_json()["quote_zh"] is None for effect in [*asked("50")[:1], *asked("14")[:2]])


@pytest.mark.parametrize("place", ["11", "21", "31", "32", "33", "36", "42", "44", "51"])
def test_a_known_text_that_is_not_held_is_named_and_the_national_frame_follows(place: str) -> None:
    local = [effect for effect in asked(place) if not effect.is_national]
    assert {effect.effect for effect in local} == {Effect.TEXT_KNOWN_NOT_HELD}
    for effect in local:
        found = effect.to_json()
        assert found["document"] in found["plain_zh"]
        assert (found["quote_zh"], found["quote_source"], found["clause"]) == (None, "secondary", None)
        assert found["title_level"] is None
    assert [effect.is_national for effect in asked(place)][len(local) :] == [True, True, True]


NO_TEXT = [
    "13",
    "22",
    "23",
    "34",
    "35",
    "41",
    "43",
    "46",
    "52",
    "53",
    "54",
    "61",
    "62",
    "63",
    "64",
    "65",
    "66",
    "71",
    "81",
    "82",
]


@pytest.mark.parametrize("place", NO_TEXT)
def test_a_place_without_a_known_text_is_no_refusal_and_shows_the_national_frame(place: str) -> None:
    first, *frame = asked(place)
    found = first.to_json()
    assert (found["effect"], found["jurisdiction"], found["scope"]) == ("no_rule_known", place, "local")
    for name in (
        "document",
        "document_number",
        "clause",
        "quote_zh",
        "quote_source",
        "confidence",
        "delegated_to",
    ):
        assert found[name] is None
    assert "不表示不能认定" in found["plain_zh"]
    assert codes(frame) == [("00", "linkable"), ("00", "within_scope"), ("00", "linkable")]
    assert {effect.to_json()["scope_zh"] for effect in frame} == {"国家层面文本，不是当地规定"}
    assert {effect.to_json()["answered_for"] for effect in frame} == {place}


def test_the_national_texts_say_who_decides() -> None:
    held, rules, plan = (effect.to_json() for effect in asked("00"))
    assert (held["quote_source"], held["delegated_to"]) == ("text", "各地人力资源社会保障部门")
    assert (held["document_number"], held["issued_on"], held["title_level"]) == (None, "2022-03-14", None)
    assert (rules["document_number"], rules["delegated_to"]) == ("人社厅发〔2021〕71号", "各地各部门")
    assert rules["quote_zh"] == "可纳入各地各部门中级、初级职称认定范围"
    assert (plan["document_number"], plan["quote_zh"]) == ("人社部发〔2024〕37号", "可衔接认定相应职称")
    assert [item["quote_is_fragment"] for item in (held, rules, plan)] == [False, True, True]


def test_places_outside_the_addressee_line_are_told_so() -> None:
    for place in ("71", "81", "82"):
        assert "addressee_unclear" in [notice.code for notice in asked(place)[0].notices]
    assert "addressee_unclear" not in [notice.code for notice in asked("66")[0].notices]


# ---- cities


@pytest.mark.parametrize(("code", "shown"), [("4501", "450100"), ("450100", "450100"), ("450102", "450102")])
def test_a_city_without_its_own_rule_answers_with_its_provinces_and_says_so(code: str, shown: str) -> None:
    city, province = asked(code), asked("45")
    assert codes(city) == codes(province)
    found = city[0].to_json()
    assert (found["jurisdiction"], found["answered_for"]) == ("45", shown)
    assert [notice["zh"] for notice in found["notices"] if notice["code"] == "answered_by_province"] == [
        f"本系统未收录{shown}的规定，按广西壮族自治区的规定回答"
    ]
    assert all(notice.code != "answered_by_province" for notice in province[0].notices)


def test_a_city_with_its_own_rule_answers_for_itself_and_its_counties() -> None:
    files = {name: read_bytes("title_policies", name) for name in list_files("title_policies", ".toml")}
    own = files["guangxi-2022-15.toml"].decode().replace('jurisdiction = "45"', 'jurisdiction = "4501"')
    with_city = policies_from({**files, "city.toml": own.encode()}, policy_text)
    effects = title_effects(with_city, "450102", P, Grade.JUNIOR, ON)
    assert effects[0].jurisdiction == "4501"
    assert "按450100的规定回答" in effects[0].notices[1].zh
    assert title_effects(with_city, "450200", P, Grade.JUNIOR, ON)[0].jurisdiction == "45"


def test_an_unknown_code_is_refused(policies: PolicySet) -> None:
    with pytest.raises(KezhengError, match="jurisdiction_unknown"):
        title_effects(policies, "99", P, Grade.JUNIOR, ON)


# ---- days


def test_a_text_does_not_answer_before_it_was_issued() -> None:
    assert codes(asked("37", on=date(2022, 12, 27)))[0] == ("37", "no_rule_known")
    assert codes(asked("37", on=date(2022, 12, 28)))[0] == ("37", "within_scope")
    notices = asked("37", on=date(2022, 12, 27))[0].notices
    assert notices[0].code == "not_yet_issued"
    assert "山东省专业技术人才知识更新工程（2022-2030年）实施方案" in notices[0].zh


def test_a_text_does_not_answer_after_its_printed_period() -> None:
    assert codes(asked("37", on=date(2030, 12, 31)))[0] == ("37", "within_scope")
    ended = asked("37", on=date(2031, 1, 1))
    assert codes(ended)[0] == ("37", "no_rule_known")
    assert ended[0].notices[0].code == "period_ended"
    assert ("00", "linkable") in codes(asked("45", on=date(2026, 12, 31)))[-1:]
    numbers = [effect.to_json()["document_number"] for effect in asked("45", on=date(2027, 1, 1))]
    assert "人社部发〔2024〕37号" not in numbers


def test_before_any_text_there_is_no_rule_and_no_frame() -> None:
    only = asked("45", on=date(2021, 10, 7))
    assert codes(only) == [("45", "no_rule_known")]
    assert "下列" not in only[0].plain.zh
    assert codes(asked("00", on=date(2021, 10, 7))) == [("00", "no_rule_known")]


@settings(max_examples=200)
@given(st.dates(min_value=date(2022, 1, 1), max_value=date(2120, 1, 1)), st.sampled_from(["45", "15"]))
def test_a_day_that_is_not_printed_excludes_nothing(on: date, place: str) -> None:
    assert asked(place, on=on)[0].effect.value == LOWER[place]


@settings(max_examples=150, deadline=None)
@given(
    st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1)),
    st.sampled_from([place.code for place in provinces()] + ["00", "370200", "1501"]),
    st.sampled_from(list(CertificateKind)),
    st.sampled_from(list(Grade)),
)
def test_no_day_makes_an_answer_empty_or_gives_a_text_outside_its_days(
    on: date, place: str, kind: CertificateKind, grade: Grade
) -> None:
    effects = asked(place, kind, grade, on)
    assert effects
    for effect in effects:
        found = effect.to_json()
        assert found.keys() >= DESIGN_FIELDS
        assert found["issued_on"] is None or found["issued_on"] <= on.isoformat()
        assert kind is P or effect.effect not in TITLE_EFFECTS
    assert [effect.is_national for effect in effects] == sorted(effect.is_national for effect in effects)


@settings(max_examples=60)
@given(
    st.dates(min_value=date(2021, 1, 1), max_value=date(2031, 12, 1)),
    st.sampled_from(["37", "12", "11", "00"]),
)
def test_an_answer_changes_only_on_a_first_or_last_day_of_a_document(on: date, place: str) -> None:
    edges = {
        day
        for document in load_policies().documents
        for first in (document.issued_on or document.not_before,)
        for day in (first, document.not_after and document.not_after + timedelta(days=1))
    }
    changed = codes(asked(place, on=on)) != codes(asked(place, on=on + timedelta(days=1)))
    assert not changed or on + timedelta(days=1) in edges


# ---- what is never said, and what always is


def test_a_training_certificate_never_has_a_title_effect(policies: PolicySet) -> None:
    for effect in all_answers():
        if effect.kind is T:
            assert effect.effect in {
                Effect.SUBSIDY_CLAIM,
                Effect.HOURS_RECORDED,
                Effect.COUNTS_AS_EXPERIENCE,
                *ABSENCES,
            }
            assert effect.title_level is None
            assert effect.title_name is None
    for document in policies.documents:
        for rule in document.rules:
            assert T not in rule.kinds or rule.effect not in TITLE_EFFECTS


def test_nothing_ever_says_that_a_title_is_held() -> None:
    for effect in all_answers():
        said = json.dumps(effect.to_json(), ensure_ascii=False) + citation_text_zh(effect)
        assert "已取得" not in said.replace("不等于已取得", "")
        if effect.effect in TITLE_EFFECTS:
            assert (
                "不等于已取得职称" in effect.to_json()["caution_zh"]
                or effect.effect is Effect.IMPORTANT_REFERENCE
            )


def test_every_answer_is_whole_and_honest_about_its_source() -> None:
    for effect in all_answers():
        found = effect.to_json()
        assert found.keys() >= DESIGN_FIELDS
        assert all(
            found[name] for name in ("label_zh", "label_en", "plain_zh", "plain_en", "jurisdiction_zh")
        )
        for item in [*found["conditions"], *found["open_points"], *found["notices"]]:
            assert item["zh"]
            assert item["en"]
        assert effect.effect in ABSENCES or (found["conditions"] and found["open_points"])
        if effect.citation and effect.citation.quote_source is QuoteSource.SECONDARY:
            assert all(point["kind"] == "to_check" for point in found["open_points"])
            assert found["clause"] is None
        assert json.loads(json.dumps(found)) == found


def test_an_absence_has_the_same_fields_as_a_citation() -> None:
    assert list(asked("13")[0].to_json()) == list(asked("45")[0].to_json())


def test_every_effect_has_words_and_every_word_an_effect() -> None:
    assert set(all_codes("effect")) == {effect.value for effect in Effect}
    for namespace in ("effect", "effect_term", "effect_condition", "effect_open_point", "confidence"):
        for code in all_codes(namespace):
            assert words(namespace, code).zh
            assert words(namespace, code).en


def test_the_word_files_hold_nothing_unused(policies: PolicySet) -> None:
    rules = [rule for document in policies.documents for rule in document.rules]
    announced = {item.to_check for document in policies.documents for item in document.announcements}
    by_program = {"occupation_not_listed", "title_unverified"}
    assert set(all_codes("effect_condition")) == {code for rule in rules for code in rule.conditions}
    points = {code for rule in rules for code in (*rule.open_points, *rule.to_check)}
    assert set(all_codes("effect_open_point")) == points | announced | by_program


# ---- the report


def test_the_report_lists_every_place_with_a_rule_and_then_the_nation(policies: PolicySet) -> None:
    places = [effect.jurisdiction for effect in effects_for_all(policies, P, Grade.JUNIOR, ON)]
    assert list(dict.fromkeys(places)) == ["12", "14", "15", "37", "45", "50", "00"]
    training = effects_for_all(policies, T, Grade.JUNIOR, ON)
    assert list(dict.fromkeys(effect.jurisdiction for effect in training)) == ["15", "37", "45"]
    assert effects_for_all(policies, P, Grade.JUNIOR, date(2020, 1, 1)) == ()


def test_the_report_is_made_once_a_day(policies: PolicySet) -> None:
    assert effects_for_all(policies, P, Grade.SENIOR, ON) is effects_for_all(policies, P, Grade.SENIOR, ON)
    shared = effects_json_for_all(policies, P, Grade.SENIOR, ON)
    assert list(shared) == [effect.to_json() for effect in effects_for_all(policies, P, Grade.SENIOR, ON)]
