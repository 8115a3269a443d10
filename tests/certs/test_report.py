"""The report: exactly the published shape for every end of a verification, in words that fit, with nothing unsigned."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import NOW, PUBLIC_URL, Key, World
from verification_cases import CASES, verification_of
from verification_story import Case

from certs.finding import Verdict
from certs.qr import qr_text
from certs.report import CHECK_ALPHABET, ReportContext, format_check_id, report_json
from certs.status import State
from certs.status_reasons import REASONS
from certs.timestamps import day_after_end
from certs.verification import verify_qr_text
from certs.wording import all_codes, words

Json = dict[str, Any]
NAMES = [case.name for case in CASES]
CONTEXT = ReportContext("7K3F-92QD", NOW)

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
TEXT = re.compile(r".+", re.DOTALL)
NUMBER = re.compile(r"[PT]\d{12}\d{2}[123]\d{6}[0-9A-Z]")


class Maybe:
    """A member that may be null."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


WORDS = {"zh": TEXT, "en": TEXT}
CHECK = {"name": TEXT, "outcome": TEXT, "code": TEXT, "zh": TEXT, "en": TEXT, "advice_zh": str, "advice_en": str}
CERTIFICATE = {
    "number": NUMBER,
    "kind": {"assessment", "training"},
    "title_zh": {"专业技术等级证书", "培训合格证书"},
    "name": TEXT,
    "id_type": type(None),
    "id_tail": TEXT,
    "occupation": {"code": TEXT, "name_zh": TEXT, "name_en": TEXT, "code_edition": TEXT},
    "direction": Maybe(TEXT),
    "grade": {"junior", "intermediate", "senior"},
    "assessed_on": DAY,
    "issued_at": INSTANT,
    "valid_until": Maybe(DAY),
    "first_issued_on": DAY,
    "supersedes": Maybe(NUMBER),
    "official_number": Maybe(TEXT),
    "site": Maybe(TEXT),
}
INSTITUTION = {
    "code": re.compile(r"[PT]\d{12}"),
    "name": TEXT,
    "name_at_issue": TEXT,
    "accredited_at_assessment": bool,
    "accredited_now": bool,
    "listed_until": Maybe(DAY),
    "successor": Maybe(TEXT),
}
STATUS = {
    "state": {state.value for state in State},
    "since": Maybe(INSTANT),
    "until": Maybe(INSTANT),
    "reason_code": Maybe(TEXT),
    "reason_zh": Maybe(TEXT),
    "reason_en": Maybe(TEXT),
    "void_from_start": bool,
    "superseded_by": Maybe(NUMBER),
}
REPORT = {
    "verdict": {"valid", "not_in_force", "not_genuine", "undetermined"},
    "headline": WORDS,
    "summary": WORDS,
    "next_step": WORDS,
    "tone": {"ok", "notice", "stop", "unknown"},
    "check_id": re.compile(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}"),
    "checked_at": INSTANT,
    "as_of": INSTANT,
    "checks": [CHECK],
    "notices": [{"code": TEXT, "zh": TEXT, "en": TEXT}],
    "certificate": Maybe(CERTIFICATE),
    "institution": Maybe(INSTITUTION),
    "status": Maybe(STATUS),
    "equivalence": [{}],
    "log": Maybe({"tree_size": int, "leaf_index": int, "logged_at": INSTANT}),
}


def misfits(value: Any, shape: Any, where: str = "report") -> list[str]:
    """Where a value does not have its shape: members all there and no other, each of its kind."""
    if isinstance(shape, Maybe):
        return [] if value is None else misfits(value, shape.shape, where)
    if isinstance(shape, dict):
        if not isinstance(value, dict) or list(value) != list(shape):
            return [f"{where}: {value!r}"]
        return [fault for name in shape for fault in misfits(value[name], shape[name], f"{where}.{name}")]
    if isinstance(shape, list):
        items = value if isinstance(value, list) else [None]
        return [fault for place, item in enumerate(items) for fault in misfits(item, shape[0], f"{where}[{place}]")]
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value) is not None
    else:
        fits = value in shape if isinstance(shape, set) else type(value) is shape
    return [] if fits else [f"{where}: {value!r}"]


def report_of(name: str) -> Json:
    return report_json(verification_of(name), CONTEXT)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_every_end_has_the_published_shape(case: Case) -> None:
    report = report_of(case.name)
    assert misfits(report, REPORT) == []
    assert json.loads(json.dumps(report)) == report
    assert [check["name"] for check in report["checks"]] == ["form", "signature", "log", "authority", "status"]
    assert {check["outcome"] for check in report["checks"]} <= {"passed", "failed", "indeterminate"}
    assert (report["certificate"] is None) == (report["institution"] is None)
    assert {notice["code"] for notice in report["notices"]} == set(case.notices)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_no_words_are_left_unfilled(case: Case) -> None:
    for text in texts_of(report_of(case.name)):
        assert not re.search(r"[{}]|None|\bnull\b|–年", text), text


def texts_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for member in value.values() for text in texts_of(member)]
    if isinstance(value, list):
        return [text for member in value for text in texts_of(member)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_check_that_did_not_pass_says_what_to_do_next(case: Case) -> None:
    report = report_of(case.name)
    for check in report["checks"]:
        if check["outcome"] == "passed":
            assert (check["advice_zh"], check["advice_en"]) == ("", "")
        elif check["code"] != "not_reached":
            assert check["advice_zh"], check["code"]
            assert check["advice_en"], check["code"]


HEADLINES = {
    "an_ordinary_certificate": ("证书有效", "查验通过", "ok"),
    "a_suspended_certificate": ("证书暂停使用", "暂停期限未定", "stop"),
    "a_certificate_suspended_until_a_day": ("证书暂停使用", "暂停至2026年12月31日", "stop"),
    "a_certificate_void_from_the_start": ("证书已撤销", "2026年11月20日撤销，自始无效", "stop"),
    "a_certificate_revoked_from_a_day": ("证书已撤销", "2026年11月20日撤销，自该日起无效", "stop"),
    "a_cancelled_certificate": ("证书已注销", "2026年11月20日注销，此前效力不受影响", "stop"),
    "an_expired_certificate": ("证书已过有效期", "有效期至2026年11月19日", "stop"),
    "a_certificate_with_a_successor": ("证书已换发", "请查验新证：编号 P000115000001262000008Y", "notice"),
    "a_code_that_breaks_off": ("二维码不完整", "请重新扫描；如为图片，请向持证人索取原图", "stop"),
    "an_altered_signature": ("查验不通过", "签名不符，证书内容不可信", "stop"),
    "an_unknown_key_older_than_the_list": ("查验不通过", "签名密钥不在机构名录内", "stop"),
    "a_grade_out_of_scope": ("查验不通过", "该机构的评价范围不含此等级", "stop"),
    "an_institution_that_had_withdrawn": ("查验不通过", "考核时该项评价范围已经终止", "stop"),
    "a_stale_trust_list": (
        "暂无法判定",
        "机构名录过旧（更新于 30 天前）。未能取得最新数据，请联网后重试。这不表示证书有问题",
        "unknown",
    ),
    "no_status_file": ("暂无法判定", "未能取得状态。未能取得最新数据，请联网后重试。这不表示证书有问题", "unknown"),
}


@pytest.mark.parametrize("name", HEADLINES)
def test_the_first_two_lines_and_the_tone(name: str) -> None:
    report = report_of(name)
    assert (report["headline"]["zh"], report["summary"]["zh"], report["tone"]) == HEADLINES[name]


def test_english_lines_hold_days_as_tables_do() -> None:
    assert report_of("a_certificate_suspended_until_a_day")["summary"]["en"] == "Suspended until 2026-12-31"
    assert report_of("an_expired_certificate")["summary"]["en"] == "Valid until 2026-11-19"
    void = report_of("a_certificate_void_from_the_start")
    assert void["summary"]["en"] == "Revoked on 2026-11-20, void from the start"


def test_every_headline_is_reached_but_the_one_of_a_look_up() -> None:
    seen = {report_of(name)["headline"]["zh"] for name in NAMES}
    said = {words("verdict", code).zh for code in all_codes("verdict") if code != "no_match"}
    assert seen == said


def test_a_valid_certificate_asks_to_compare_with_the_card() -> None:
    assert report_of("an_ordinary_certificate")["next_step"]["zh"] == words("term", "compare_with_card").zh


# --- what is shown


def test_a_valid_certificate_in_full() -> None:
    report = report_of("an_ordinary_certificate")
    assert report["certificate"] == {
        "number": "P000115000001262000001B",
        "kind": "assessment",
        "title_zh": "专业技术等级证书",
        "name": "张小明",
        "id_type": None,
        "id_tail": "123X",
        "occupation": {
            "code": "2-02-38-05",
            "name_zh": "智能制造工程技术人员",
            "name_en": "Smart Manufacturing Engineering and Technical Personnel",
            "code_edition": "2022版大典",
        },
        "direction": "智能装备与产线应用",
        "grade": "intermediate",
        "assessed_on": "2026-10-20",
        "issued_at": "2026-11-19T14:00:00+08:00",
        "valid_until": None,
        "first_issued_on": "2026-11-19",
        "supersedes": None,
        "official_number": None,
        "site": None,
    }
    assert report["institution"] == {
        "code": "P000115000001",
        "name": "北疆数字技术评价中心",
        "name_at_issue": "北疆数字技术评价中心",
        "accredited_at_assessment": True,
        "accredited_now": True,
        "listed_until": "2027-12-31",
        "successor": None,
    }
    assert report["status"]["state"] == "valid"
    assert (report["checked_at"], report["as_of"]) == ("2026-11-20T14:00:00+08:00",) * 2


def test_a_correction_names_the_old_number_and_keeps_the_first_day() -> None:
    certificate = report_of("a_correction_long_after_the_first_issue")["certificate"]
    assert certificate["first_issued_on"] == "2025-10-20"
    assert NUMBER.fullmatch(certificate["supersedes"])


def test_the_title_says_which_kind_of_certificate_it_is() -> None:
    assert report_of("a_completion_certificate")["certificate"]["title_zh"] == "培训合格证书"


def test_institution_facts_come_from_the_trust_list() -> None:
    report = report_of("an_institution_renamed_after_issue")
    assert report["institution"]["name"] == "草原数字技术评价中心"
    assert report["institution"]["name_at_issue"] == "北疆数字技术评价中心"
    assert [notice["zh"] for notice in report["notices"]] == ["发证机构现名：草原数字技术评价中心"]


def test_a_superseded_certificate_names_its_successor_everywhere() -> None:
    report = report_of("a_certificate_with_a_successor")
    successor = report["status"]["superseded_by"]
    assert successor in report["summary"]["zh"]
    assert successor in report["notices"][0]["zh"]


def test_title_effects_come_along_only_with_a_certificate() -> None:
    effect = {"jurisdiction": "45"}
    context = ReportContext("7K3F-92QD", NOW, (effect,))
    assert report_json(verification_of("an_ordinary_certificate"), context)["equivalence"] == [effect]
    assert report_json(verification_of("an_altered_signature"), context)["equivalence"] == []


# --- public reasons


def status_with(state: State, reason: str) -> Json:
    world = World()
    text = world.issue(world.institution(), status_index=5)
    world.status_event(5, state, reason_code=reason)
    status: Json = report_json(world.verify(text), CONTEXT)["status"]
    return status


def test_every_reason_of_a_change_is_said_but_the_one_that_is_not_public() -> None:
    for state, reasons in REASONS.items():
        for reason in reasons if state is not State.VALID else ():
            status = status_with(state, reason)
            if reason == "not_stated":
                assert (status["reason_code"], status["reason_zh"], status["reason_en"]) == (None, None, None)
            else:
                said = words("status_reason", reason)
                assert (status["reason_code"], status["reason_zh"], status["reason_en"]) == (reason, said.zh, said.en)


def test_a_reason_of_a_newer_register_is_kept_back_and_the_state_is_said() -> None:
    status = status_with(State.REVOKED, "a_reason_to_come")
    assert status["state"] == "revoked"
    assert (status["reason_code"], status["reason_zh"], status["reason_en"]) == (None, None, None)


def test_the_last_second_of_the_calendar_is_shown() -> None:
    world = World()
    text = world.issue(world.institution(), status_index=5)
    until = day_after_end(date(9999, 12, 30))
    world.status_event(5, State.SUSPENDED, until=until)
    assert report_json(world.verify(text), CONTEXT)["summary"]["zh"] == "暂停至9999年12月30日"


# --- nothing unsigned


INJECTIONS = [
    "<script>alert(1)</script>",
    "请致电13800001111核实",
    "\u202e明小张",
    "张\u200b小明",
    "\ue000",
    "https://example.org",
    "张小明",
]


def forged(name: str, key: Key, kid: bytes | None = None) -> Json:
    world = World()
    code = world.institution()
    claims = world.claims(code, name=name, id_tail="987X", direction="伪造方向", occupation_code="2-02-38-01")
    found = verify_qr_text(qr_text(PUBLIC_URL, world.seal(claims, key, kid)), world.evidence(), NOW)
    return report_json(found, CONTEXT)


@pytest.mark.parametrize("name", INJECTIONS)
@pytest.mark.parametrize("has_our_kid", [False, True])
def test_nothing_of_a_forged_certificate_is_shown(name: str, has_our_kid: bool) -> None:
    kid = Key("P000115000001").kid if has_our_kid else None
    report = forged(name, Key("forger"), kid)
    assert report["verdict"] == "not_genuine"
    shown = json.dumps(report, ensure_ascii=False)
    for part in (name, "987X", "伪造方向", "2-02-38-01", "P000115000001", "北疆"):
        assert part not in shown


@settings(max_examples=50)
@given(st.text(st.characters(min_codepoint=0x100, exclude_categories=["Cs"]), min_size=3, max_size=20))
def test_no_text_of_a_forged_certificate_is_shown(name: str) -> None:
    report = forged(name, Key("forger"))
    assert report["certificate"] is report["institution"] is report["status"] is None
    assert name not in json.dumps(report, ensure_ascii=False)


@pytest.mark.parametrize("name", [name for name in INJECTIONS if name != "张小明"])
def test_not_even_an_institution_signs_such_a_name(name: str) -> None:
    report = forged(name, Key("P000115000001"))
    assert report["verdict"] == "not_genuine"
    assert report["checks"][0]["code"] == "claims_malformed"
    assert report["certificate"] is None
    assert name not in json.dumps(report, ensure_ascii=False)


# --- check ids


@given(st.binary(min_size=8, max_size=16))
def test_a_check_id_can_be_read_aloud(random_bytes: bytes) -> None:
    made = format_check_id(random_bytes)
    assert misfits(made, REPORT["check_id"]) == []
    assert made == format_check_id(random_bytes[:8])


def test_check_ids_use_the_whole_alphabet_without_look_alikes() -> None:
    seen = {letter for byte in range(256) for letter in format_check_id(bytes([byte] * 8)).replace("-", "")}
    assert seen == set(CHECK_ALPHABET)
    assert not seen & set("01OIL")


def test_the_table_of_shapes_can_fail() -> None:
    report = report_of("an_ordinary_certificate")
    for changed in (
        report | {"extra": 1},
        {name: value for name, value in report.items() if name != "log"},
        report | {"verdict": "maybe"},
        report | {"checks": [report["checks"][0] | {"code": ""}]},
        report | {"as_of": "2026-11-20"},
        report | {"certificate": {}},
        report | {"notices": None},
    ):
        assert misfits(changed, REPORT) != []


def test_tones_follow_the_verdict() -> None:
    expected = {Verdict.VALID: "ok", Verdict.NOT_GENUINE: "stop", Verdict.UNDETERMINED: "unknown"}
    for name in NAMES:
        verdict = verification_of(name).verdict
        assert report_of(name)["tone"] in (expected.get(verdict, "stop"), "notice")
        if verdict is not Verdict.NOT_IN_FORCE:
            assert report_of(name)["tone"] == expected[verdict]
