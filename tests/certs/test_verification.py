"""Verification: every end it can have, and each boundary to the second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import cbor2
import pytest
from simulator import NOW, PUBLIC_URL, Key, World
from verification_cases import CASES, verification_of
from verification_story import DAY, SECOND, Case, number_of

from certs.certificate import encode_claims
from certs.evidence import gather_evidence
from certs.finding import CheckName, Outcome, Verdict
from certs.grades import CertificateKind, Grade
from certs.institution import EventKind
from certs.qr import qr_text
from certs.report import ReportContext, report_json
from certs.timestamps import day_start
from certs.verification import verify, verify_payload, verify_qr_text
from certs.wording import all_codes

NAMES = [case.name for case in CASES]
MADE_FOR_REPORTS = {"institution_renamed", "occupation_code_changed"}
"""Notices that the report adds; its own test looks for them."""


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_every_story_ends_as_told(case: Case) -> None:
    found = verification_of(case.name)
    assert (found.verdict.value, found.deciding.code) == (case.verdict, case.code)
    assert case.check in (None, found.deciding.name.value)
    assert {notice.code for notice in found.notices} == set(case.notices) - MADE_FOR_REPORTS


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_what_is_shown_has_a_signature_that_passed(case: Case) -> None:
    found = verification_of(case.name)
    outcomes = {check.name: check.outcome for check in found.checks}
    assert list(outcomes) == list(CheckName)
    if found.genuine is not None:
        assert outcomes[CheckName.FORM] is outcomes[CheckName.SIGNATURE] is Outcome.PASSED
    if found.verdict in (Verdict.VALID, Verdict.NOT_IN_FORCE):
        assert found.genuine is not None
    assert (found.verdict is Verdict.VALID) == (set(outcomes.values()) == {Outcome.PASSED})


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_deciding_check_says_what_the_verdict_says(case: Case) -> None:
    found = verification_of(case.name)
    expected = {
        Verdict.VALID: Outcome.PASSED,
        Verdict.UNDETERMINED: Outcome.INDETERMINATE,
        Verdict.NOT_GENUINE: Outcome.FAILED,
        Verdict.NOT_IN_FORCE: Outcome.FAILED,
    }
    assert found.deciding.outcome is expected[found.verdict]


MADE_OF_RECEIPTS = {"receipt_not_signed"}
"""Said of a receipt that nobody counter-signed; a test of receipts reaches it."""


def test_every_code_with_words_is_reached_and_every_code_reached_has_words() -> None:
    codes = {check.code for case in CASES for check in verification_of(case.name).checks}
    assert codes | MADE_OF_RECEIPTS == set(all_codes("reason"))


def test_every_notice_is_reached_and_has_words() -> None:
    made = {notice.code for case in CASES for notice in verification_of(case.name).notices}
    told = {code for case in CASES for code in case.notices}
    of_files = {code for code in all_codes("notice") if code.startswith("pdf_signature_")}
    assert made | MADE_FOR_REPORTS == told == set(all_codes("notice")) - of_files


def judged(world: World, text: str, at: datetime = NOW) -> tuple[str, str]:
    found = verify_qr_text(text, world.evidence(), at)
    return found.verdict.value, found.deciding.code


VALID = ("valid", "in_force")


# --- the same certificate by other ways in


def test_the_payload_alone_is_verified_as_the_whole_text_is() -> None:
    world = World()
    text = world.issue(world.institution())
    evidence = world.evidence()
    payload = text.rsplit("/", 1)[1]
    [envelope] = world.envelopes.values()
    whole = verify_qr_text(text, evidence, NOW)
    assert verify_payload(payload, evidence, NOW) == verify_payload(payload.lower() + "/", evidence, NOW) == whole
    assert verify(envelope, evidence, NOW) == whole
    assert verify_payload("0189", evidence, NOW).deciding.code == "payload_malformed"


def test_a_foreign_host_is_only_said_when_ours_are_known() -> None:
    world = World()
    text = world.issue(world.institution()).replace("EXAMPLE.CN", "EXAMPLE.ORG")
    assert verify_qr_text(text, gather_evidence({}, world.root_key()), NOW).notices == ()
    world.public_urls = set()
    assert verify_qr_text(text, world.evidence(), NOW).notices == ()
    world.public_urls = {PUBLIC_URL, "https://verify.example.org"}
    assert verify_qr_text(text, world.evidence(), NOW).notices == ()


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("http://verify.example.cn", "host_altered"),
        ("https://verify.example.cn.", "host_altered"),
        ("https://verify.exampl.cn", "host_altered"),
        ("https://verify.example.cm", "host_altered"),
        ("https://verify.example.cn:8", "in_force"),
        ("https://verify.example.com.cn", "in_force"),
        ("https://verify.example.nc", "in_force"),
    ],
)
def test_an_address_one_edit_from_ours_is_altered_and_any_other_is_foreign(host: str, code: str) -> None:
    world = World()
    text = world.issue(world.institution())
    assert judged(world, text.replace(PUBLIC_URL.upper(), host.upper()))[1] == code


# --- time of issue against the time asked about


@pytest.mark.parametrize(
    ("off", "end"), [(-1, VALID), (0, VALID), (1, ("not_genuine", "issued_in_future"))], ids=["before", "at", "after"]
)
def test_an_issue_may_lie_five_minutes_ahead_of_the_clock(off: int, end: tuple[str, str]) -> None:
    world = World()
    text = world.issue(world.institution(), issued_at=NOW + timedelta(minutes=5, seconds=off))
    assert judged(world, text) == end


@pytest.mark.parametrize(
    ("not_before", "retired_at", "end"),
    [
        (1, None, "key_not_yet_valid"),
        (0, None, "in_force"),
        (-1, None, "in_force"),
        (-9, 1, "in_force"),
        (-9, 0, "in_force"),
        (-9, -1, "key_retired"),
    ],
)
def test_a_key_signs_from_its_first_second_to_its_last(not_before: int, retired_at: int | None, end: str) -> None:
    world = World()
    code = world.institution()
    [key] = world.institutions[code].keys
    issued = NOW - DAY
    retired = None if retired_at is None else issued + retired_at * SECOND
    world.change_institution(code, keys=(replace(key, not_before=issued + not_before * SECOND, retired_at=retired),))
    assert judged(world, world.issue(code))[1] == end


LISTED = NOW - timedelta(minutes=10)


@pytest.mark.parametrize(
    ("issued", "at", "end"),
    [
        (LISTED - DAY, NOW, "key_unknown"),
        (LISTED - SECOND, NOW, "key_unknown"),
        (LISTED, NOW, "trust_list_older_than_certificate"),
        (LISTED + SECOND, NOW, "trust_list_older_than_certificate"),
        (NOW, NOW, "trust_list_older_than_certificate"),
        (NOW + timedelta(minutes=5), NOW, "trust_list_older_than_certificate"),
        (NOW + timedelta(minutes=5) + SECOND, NOW, "issued_in_future"),
        (NOW + DAY, NOW, "issued_in_future"),
        (NOW + DAY, NOW + DAY, "trust_list_older_than_certificate"),
        (LISTED - SECOND, NOW + 29 * DAY, "key_unknown"),
        (LISTED - SECOND, NOW + 30 * DAY, "trust_list_stale"),
        (LISTED - SECOND, LISTED - DAY, "key_unknown"),
        (LISTED + SECOND, LISTED - DAY, "issued_in_future"),
    ],
)
def test_an_unknown_key_is_forged_or_merely_newer_than_the_list(issued: datetime, at: datetime, end: str) -> None:
    world = World()
    claims = world.claims(world.institution(), issued_at=issued)
    assert judged(world, qr_text(PUBLIC_URL, world.seal(claims, Key("unknown"))), at)[1] == end


def test_an_unknown_key_is_unknown_when_no_time_stands_where_ours_stands() -> None:
    world = World()
    code = world.institution()
    for payload in (b"", b"\xa3", b"\xa3\x06\x1b" + bytes(8), b"\x83\x06\x1a\xff\xff\xff\xff", b"\xa4\x04\x1a\x06\x1a"):
        assert judged(world, qr_text(PUBLIC_URL, world.seal_payload(payload, Key("unknown"))))[1] == "key_unknown", code


# --- freshness


@pytest.mark.parametrize(
    ("off", "end"), [(-1, VALID), (0, VALID), (1, ("undetermined", "trust_list_stale"))], ids=["before", "at", "after"]
)
def test_a_trust_list_serves_to_its_last_second(off: int, end: tuple[str, str]) -> None:
    world = World()
    text = world.issue(world.institution())
    world.trust_list_issued_at = NOW - timedelta(days=30) - off * SECOND
    assert judged(world, text) == end


@pytest.mark.parametrize(
    ("off", "end"), [(-1, VALID), (0, VALID), (1, ("undetermined", "status_stale"))], ids=["before", "at", "after"]
)
def test_a_status_file_serves_to_its_last_second(off: int, end: tuple[str, str]) -> None:
    world = World()
    text = world.issue(world.institution())
    world.status_issued_at = NOW - timedelta(hours=72) - off * SECOND
    assert judged(world, text) == end


def test_ages_are_said_in_words() -> None:
    stale = {check.code: dict(check.params) for check in verification_of("a_stale_trust_list").checks}
    assert stale["trust_list_stale"] == {"days": 30}
    stale = {check.code: dict(check.params) for check in verification_of("a_stale_status_file").checks}
    assert stale["status_stale"] == {"hours": 72}


# --- number and claims


@pytest.mark.parametrize(
    ("issued", "year"),
    [
        (datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC), 2025),
        (datetime(2025, 12, 31, 16, 0, 0, tzinfo=UTC), 2026),
        (datetime(2025, 12, 31, 16, 0, 1, tzinfo=UTC), 2026),
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), 2026),
    ],
)
def test_the_year_of_a_number_is_the_year_in_china(issued: datetime, year: int) -> None:
    world = World()
    code = world.institution()
    for written in (2025, 2026):
        text = world.issue(
            code, issued_at=issued, number=number_of(code, year=written), assessed_on=date(2025, 12, 1)
        )
        assert judged(world, text)[1] == ("in_force" if written == year else "number_claims_disagree")


@pytest.mark.parametrize("written", Grade)
@pytest.mark.parametrize("signed", Grade)
def test_the_grade_of_a_number_is_the_grade_signed(written: Grade, signed: Grade) -> None:
    world = World()
    code = world.institution()
    text = world.issue(code, number=number_of(code, grade=written), grade=signed)
    assert judged(world, text)[1] == ("in_force" if written is signed else "number_claims_disagree")


def test_the_institution_in_a_number_is_the_owner_of_the_key() -> None:
    world = World()
    assessor = world.institution()
    trainer = world.institution("塞上数字技术培训中心", CertificateKind.TRAINING)
    for signer, named in ((assessor, trainer), (trainer, assessor)):
        text = qr_text(PUBLIC_URL, world.seal(world.claims(signer, number=number_of(named)), world.keys[signer]))
        assert judged(world, text) == ("not_genuine", "key_of_other_institution")


def test_a_number_must_stand_as_it_is_printed() -> None:
    world = World()
    code = world.institution()
    number = number_of(code)
    for other in (number.lower(), number + " ", f"{number[:5]} {number[5:]}"):
        assert judged(world, world.issue(code, number=other))[1] == "number_layout_unknown", other


def test_a_completion_certificate_never_becomes_one_of_a_grade() -> None:
    found = verification_of("a_completion_certificate")
    assert found.genuine is not None
    assert found.genuine.number.kind is CertificateKind.TRAINING


HIDDEN = "\x00\t\n\u00a0\u00ad\u200b\u200f\u2028\u202e\u2066\u3000\ue000\ufeff\U000e0041\U000f0000"


@pytest.mark.parametrize("character", HIDDEN, ids=ascii)
def test_no_signed_text_holds_a_character_that_hides_or_turns_another(character: str) -> None:
    world = World()
    code = world.institution()
    evidence = world.evidence()
    for changes in (
        {"name": f"张{character}小明"},
        {"direction": f"智能{character}装备"},
        {"id_tail": f"12{character}X"},
        {"occupation_code": f"2-02-38-05{character}"},
    ):
        found = verify_qr_text(world.issue(code, **changes), evidence, NOW)
        assert found.deciding.code == "claims_malformed", changes


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("阿依古丽·买买提", "in_force"),
        ("Anna Müller", "in_force"),
        ("𠮷田〇々", "in_force"),
        ("\U00031350氏", "in_force"),
        ("a" * 60, "in_force"),
        ("a" * 61, "claims_malformed"),
        ("张  小明", "claims_malformed"),
        (" 张小明", "claims_malformed"),
        ("张小明 ", "claims_malformed"),
        ("张小明1", "claims_malformed"),
        ("张小明<br>", "claims_malformed"),
        ("张小明/a", "claims_malformed"),
        ("张小明✓", "claims_malformed"),
        ("张小明（有效）", "claims_malformed"),
        ("http://a", "claims_malformed"),
    ],
)
def test_a_signed_name_is_letters_middle_dots_and_single_spaces(name: str, end: str) -> None:
    world = World()
    assert judged(world, world.issue(world.institution(), name=name))[1] == end


# --- authority, through the whole verification; its own tests have each boundary


@pytest.mark.parametrize(("days", "end"), [(60, "in_force"), (61, "run_off_ended")])
def test_the_run_off_ends_after_its_last_day(days: int, end: str) -> None:
    world = World()
    code = world.institution()
    last_listed = date(2026, 11, 19) - timedelta(days=days)
    world.institution_event(code, EventKind.WITHDRAW, last_listed + DAY)
    assert judged(world, world.issue(code, assessed_on=last_listed))[1] == end


@pytest.mark.parametrize(("days", "end"), [(180, "in_force"), (181, "assessment_too_old")])
def test_an_assessment_counts_for_its_window(days: int, end: str) -> None:
    world = World()
    text = world.issue(world.institution(), assessed_on=date(2026, 11, 19) - timedelta(days=days))
    assert judged(world, text)[1] == end


def test_lengths_come_from_the_trust_list() -> None:
    world = World()
    text = world.issue(world.institution(), assessed_on=date(2026, 11, 1))
    world.limits = replace(world.limits, assessment_window_days=17)
    assert judged(world, text)[1] == "assessment_too_old"
    world.limits = replace(world.limits, assessment_window_days=18)
    assert judged(world, text) == VALID


@pytest.mark.parametrize(
    ("issued", "assessed", "end"),
    [
        (day_start(date(2026, 11, 19)) - SECOND, date(2026, 11, 19), "assessed_after_issue"),
        (day_start(date(2026, 11, 19)), date(2026, 11, 19), "in_force"),
        (day_start(date(2026, 11, 20)) - SECOND, date(2026, 11, 19), "in_force"),
        (day_start(date(2026, 11, 20)) - SECOND, date(2026, 11, 20), "assessed_after_issue"),
    ],
)
def test_an_assessment_of_the_day_of_issue_is_before_it(issued: datetime, assessed: date, end: str) -> None:
    world = World()
    assert judged(world, world.issue(world.institution(), issued_at=issued, assessed_on=assessed))[1] == end


def test_an_institution_is_named_suspended_and_not_gone_while_its_scope_runs_on() -> None:
    for valid_to in (None, date(2027, 12, 31)):
        world = World()
        code = world.institution(scopes=(world.scope(valid_to=valid_to),))
        world.institution_event(code, EventKind.SUSPEND, date(2026, 11, 20))
        [notice] = world.verify(world.issue(code)).notices
        assert notice == ("institution_suspended_now", ())


def test_an_institution_between_two_scopes_left_when_the_first_ended() -> None:
    world = World()
    later = world.scope(valid_from=date(2027, 6, 1), valid_to=date(2028, 5, 31))
    code = world.institution(scopes=(world.scope(valid_to=date(2026, 11, 19)), later))
    [notice] = world.verify(world.issue(code)).notices
    assert notice == ("listed_then_not_now", (("date", "2026-11-19"),))


def test_an_end_to_come_is_no_end_yet() -> None:
    world = World()
    code = world.institution()
    world.institution_event(code, EventKind.WITHDRAW, date(2026, 12, 1))
    text = world.issue(code)
    assert world.verify(text).notices == ()
    world.institution_event(code, EventKind.SUSPEND, date(2026, 11, 20))
    assert [notice.code for notice in world.verify(text).notices] == ["institution_suspended_now"]


@pytest.mark.parametrize(
    ("story", "listed"),
    [
        ("an_ordinary_certificate", True),
        ("an_assessment_long_before_issue", True),
        ("an_issue_after_the_run_off", True),
        ("an_institution_suspended_at_issue", True),
        ("an_institution_removed_before_issue", True),
        ("a_correction_while_its_first_issue_is_not_known", True),
        ("an_institution_suspended_at_the_assessment", False),
        ("an_institution_that_had_withdrawn", False),
        ("a_scope_that_had_not_started", False),
        ("a_training_institution_with_a_number_for_grades", False),
    ],
)
def test_listed_at_the_assessment_is_said_of_that_day_alone(story: str, listed: bool) -> None:
    genuine = verification_of(story).genuine
    assert genuine is not None
    assert genuine.accredited_at_assessment is listed


# --- corrections


def corrected(world: World, first: date, **changes: object) -> str:
    code = world.institution()
    text = world.issue(code, **({"assessed_on": date(2025, 10, 1), "status_index": 5} | changes))
    world.facts(5, first_issued_on=first)
    return text


@pytest.mark.parametrize(
    ("first", "end"),
    [
        (date(2025, 9, 30), "assessed_after_issue"),
        (date(2025, 10, 1), "in_force"),
        (date(2025, 10, 1) + timedelta(days=180), "in_force"),
        (date(2025, 10, 1) + timedelta(days=181), "assessment_too_old"),
        (date(2027, 1, 1), "assessment_too_old"),
    ],
)
def test_a_correction_counts_from_the_first_issue(first: date, end: str) -> None:
    world = World()
    assert judged(world, corrected(world, first))[1] == end


def test_a_correction_after_the_end_of_the_listing_counts_from_the_first_issue() -> None:
    world = World()
    text = corrected(world, date(2025, 10, 20))
    [code] = world.institutions
    world.institution_event(code, EventKind.WITHDRAW, date(2025, 11, 1))
    assert judged(world, text) == VALID


def test_what_a_first_issue_cannot_lift_fails_without_it() -> None:
    world = World()
    code = world.institution(scopes=(world.scope(granted_at=NOW),))
    text = world.issue(code)
    files = {name: content for name, content in world.files().items() if not name.startswith("status/")}
    found = verify_qr_text(text, gather_evidence(files, world.root_key()), NOW)
    assert (found.verdict, found.deciding.code) == (Verdict.NOT_GENUINE, "granted_after_issue")


# --- the past and the far future


def test_a_time_before_the_issue_is_no_time_to_ask_about() -> None:
    world = World()
    text = world.issue(world.institution())
    assert judged(world, text, NOW - DAY - timedelta(minutes=5) - SECOND)[1] == "issued_in_future"
    assert judged(world, text, NOW - DAY) == VALID


LAST = 253_402_271_999
"""The last second with a day in China."""


@pytest.mark.parametrize(
    ("key", "seconds", "end"),
    [
        (4, LAST, "in_force"),
        (4, LAST + 1, "claims_malformed"),
        (4, 2**62, "claims_malformed"),
        (6, LAST, "issued_in_future"),
        (6, LAST + 1, "claims_malformed"),
        (6, 2**62, "claims_malformed"),
    ],
)
def test_the_end_of_the_calendar_ends_in_a_verdict_and_a_report(key: int, seconds: int, end: str) -> None:
    world = World()
    code = world.institution()
    members = cbor2.loads(encode_claims(world.claims(code)))
    payload = cbor2.dumps(members | {key: seconds}, canonical=True)
    envelope = world.seal_payload(payload, world.keys[code])
    world.log_envelope(envelope, NOW - timedelta(days=1))
    found = verify_qr_text(qr_text(PUBLIC_URL, envelope), world.evidence(), NOW)
    assert found.deciding.code == end
    assert report_json(found, ReportContext("7K3F-92QD", NOW))["as_of"] == "2026-11-20T14:00:00+08:00"
