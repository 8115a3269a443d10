"""Issuing one certificate: nothing is prepared that the verifier would refuse, nothing released that it did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from simulator import NOW, PUBLIC_URL, Key, World
from verification_story import number_of

from certs.certificate import decode_claims
from certs.certificate_number import load_layouts, parse_number
from certs.cose import to_be_signed
from certs.envelope import Prepared, seal
from certs.errors import KezhengError
from certs.evidence import gather_evidence
from certs.grades import CertificateKind, Grade
from certs.institution import EventKind
from certs.issuance import IssueContext, IssueRequest, Preparer, check_sealed, prepare_certificate
from certs.occupations import catalogue
from certs.status import State

DIRECTION = "智能装备与产线应用"


class Desk:
    """A world with one institution, and what it would issue now."""

    def __init__(self, **institution: Any) -> None:
        self.world = World()
        self.code = self.world.institution(**institution)
        self.run_off_confirmed = False

    def request(self, region: str | None = "150100", first: date | None = None, **claims: Any) -> IssueRequest:
        made = self.world.claims(self.code, **({"issued_at": NOW} | claims))
        number = parse_number(made.number, load_layouts())
        direction = DIRECTION if isinstance(made.direction, int) else made.direction
        return IssueRequest(made, number, catalogue().by_id("2-02-38-05"), direction, region, first)

    def prepare(self, request: IssueRequest) -> Prepared:
        record = self.world.institutions[self.code]
        kid = self.world.keys[self.code].kid
        context = IssueContext(record, self.world.limits, kid, self.run_off_confirmed, request.claims.issued_at)
        return prepare_certificate(request, context)

    def refusal(self, request: IssueRequest) -> tuple[str, Any]:
        with pytest.raises(KezhengError) as refused:
            self.prepare(request)
        return refused.value.code, refused.value.params.get("reason")

    def sealed(self, request: IssueRequest) -> bytes:
        prepared = self.prepare(request)
        envelope = seal(prepared, self.world.keys[self.code].sign(prepared.to_be_signed))
        self.world.log_envelope(envelope, request.claims.issued_at)
        return envelope


def test_what_is_prepared_seals_to_a_certificate_that_our_own_verifier_reads() -> None:
    desk = Desk()
    request = desk.request()
    prepared = desk.prepare(request)
    assert decode_claims(prepared.payload) == request.claims
    assert prepared.to_be_signed == to_be_signed(prepared.kid, prepared.payload)
    text = check_sealed(desk.sealed(request), PUBLIC_URL, desk.world.evidence(), NOW)
    assert text.startswith("HTTPS://VERIFY.EXAMPLE.CN/V/2KCE3")
    assert desk.world.verify(text).verdict.value == "valid"


OTHERWISE: list[dict[str, Any]] = [
    {},
    {"name": "李四"},
    {"name": "张 小明"},
    {"id_tail": "12"},
    {"direction": 99},
    {"direction": True},
    {"direction": None},
    {"direction": "别的方向"},
    {"grade": Grade.SENIOR},
    {"occupation_code": "2-02-38-01"},
    {"assessed_on": date(2020, 1, 1)},
    {"assessed_on": NOW.date() + timedelta(days=2)},
    {"issued_at": NOW - timedelta(days=400)},
    {"issued_at": NOW.replace(microsecond=1)},
    {"expires_at": NOW},
    {"region": "999999"},
    {"first": date(2020, 1, 1)},
]


@pytest.mark.parametrize("otherwise", OTHERWISE, ids=str)
def test_what_was_prepared_before_changes_no_answer(otherwise: dict[str, Any]) -> None:
    """What certificates of a batch share is judged once; one that differs anywhere is judged for itself."""
    desk = Desk()
    record, kid = desk.world.institutions[desk.code], desk.world.keys[desk.code].kid
    context = IssueContext(record, desk.world.limits, kid, False, NOW)
    used = Preparer(context)
    for request in (desk.request(), desk.request(**otherwise), desk.request(name="王五")):
        assert _outcome(used, request) == _outcome(Preparer(context), request)


def _outcome(preparer: Preparer, request: IssueRequest) -> Prepared | str:
    try:
        return preparer.prepare(request)
    except KezhengError as error:
        return str(error)


def test_the_same_request_prepares_the_same_bytes() -> None:
    desk = Desk()
    assert desk.prepare(desk.request()) == desk.prepare(desk.request())


def test_a_lint_comes_before_everything_else() -> None:
    assert Desk().refusal(Desk().request(name="张 小明"))[0] == "lint_name"


def test_a_number_of_another_institution_is_refused() -> None:
    desk = Desk()
    other = desk.world.institution("外地数字技术评价中心")
    request = desk.request(number=number_of(other))
    assert desk.refusal(request)[0] == "lint_number"


@pytest.mark.parametrize(
    ("institution", "claims", "reason"),
    [
        ({"scopes": ()}, {}, "occupation_out_of_scope"),
        ({"scopes": (World.scope(grades=frozenset({Grade.SENIOR})),)}, {}, "grade_out_of_scope"),
        ({"scopes": (World.scope(regions=frozenset({"4501"})),)}, {}, "region_out_of_scope"),
        ({"scopes": (World.scope(valid_to=date(2026, 10, 19)),)}, {}, "scope_ended"),
        ({"scopes": (World.scope(granted_at=NOW + timedelta(seconds=1)),)}, {}, "granted_after_issue"),
        ({}, {"assessed_on": date(2026, 11, 21)}, "assessed_after_issue"),
        ({}, {"assessed_on": date(2026, 5, 23)}, "assessment_too_old"),
    ],
)
def test_who_is_not_entitled_prepares_nothing(institution: dict[str, Any], claims: dict[str, Any], reason: str) -> None:
    desk = Desk(**institution)
    assert desk.refusal(desk.request(**claims)) == ("not_authorised", reason)


def test_the_kind_of_the_institution_is_the_kind_of_the_number() -> None:
    desk = Desk()
    desk.world.change_institution(desk.code, kind=CertificateKind.TRAINING)
    assert desk.refusal(desk.request()) == ("not_authorised", "wrong_kind_of_institution")


def test_in_the_run_off_the_registry_must_have_confirmed() -> None:
    desk = Desk()
    desk.world.institution_event(desk.code, EventKind.WITHDRAW, date(2026, 11, 1))
    assert desk.refusal(desk.request())[0] == "run_off_needs_confirmation"
    desk.run_off_confirmed = True
    check_sealed(desk.sealed(desk.request()), PUBLIC_URL, desk.world.evidence(), NOW)
    desk.world.institution_event(desk.code, EventKind.REMOVE, date(2026, 11, 20))
    assert desk.refusal(desk.request()) == ("not_authorised", "institution_removed")


def test_a_correction_is_prepared_when_its_first_issue_was_in_time() -> None:
    desk = Desk()
    old = {"assessed_on": date(2025, 10, 1)}
    assert desk.refusal(desk.request(**old)) == ("not_authorised", "assessment_too_old")
    desk.prepare(desk.request(first=date(2025, 10, 20), **old))


# --- our own verification of what was sealed


def own_refusal(desk: Desk, envelope: bytes, public_url: str = PUBLIC_URL, at: Any = NOW) -> Any:
    with pytest.raises(KezhengError) as refused:
        check_sealed(envelope, public_url, desk.world.evidence(), at)
    assert refused.value.code == "own_verification_failed"
    return refused.value.params["reason"]


def test_a_certificate_that_does_not_verify_is_not_released() -> None:
    desk = Desk()
    envelope = desk.sealed(desk.request(status_index=5))
    prepared = desk.prepare(desk.request())
    assert own_refusal(desk, seal(prepared, bytes(64))) == "signature_mismatch"
    assert own_refusal(desk, seal(prepared, Key("other").sign(prepared.to_be_signed))) == "signature_mismatch"
    assert own_refusal(desk, envelope[:-1]) == "payload_truncated"
    assert own_refusal(desk, envelope, at=NOW - timedelta(hours=1)) == "issued_in_future"
    assert own_refusal(desk, envelope, at=NOW + timedelta(days=3)) == "status_stale"
    assert own_refusal(desk, envelope, "http://verify.example.cn") == "host_altered"
    desk.world.status_event(5, State.SUSPENDED)
    assert own_refusal(desk, envelope) == "suspended"


def test_a_key_that_is_not_the_institution_s_is_found_before_release() -> None:
    desk = Desk()
    [key] = desk.world.institutions[desk.code].keys
    envelope = desk.sealed(desk.request())
    desk.world.change_institution(desk.code, keys=(replace(key, retired_at=NOW - timedelta(seconds=1)),))
    assert own_refusal(desk, envelope) == "key_retired"
    desk.world.change_institution(desk.code, keys=())
    assert own_refusal(desk, envelope) == "trust_list_older_than_certificate"


def test_without_evidence_nothing_is_released() -> None:
    desk = Desk()
    envelope = desk.sealed(desk.request())
    for evidence, reason in (
        (gather_evidence({}, desk.world.root_key()), "trust_list_unavailable"),
        (gather_evidence(desk.world.files(), None), "root_not_pinned"),
    ):
        with pytest.raises(KezhengError) as refused:
            check_sealed(envelope, PUBLIC_URL, evidence, NOW)
        assert refused.value.params["reason"] == reason
