"""The verification of one certificate, in numbered steps, from received bytes and gathered evidence.

1 form · 2 signature under a key of the trust list · 3 form again, of the now trusted content (claims, number, and
that they agree) · 4 public register: inclusion gives the time that nobody can choose · 5 the key at that time ·
6 authority on the assessment date · 7 status at the time asked about · 8 verdict.
The title effect is information for the report and no part of this.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from certs.authority import (
    AUTHORISED,
    COUNTED_TO_FIRST_ISSUE,
    AuthorityFinding,
    judge_covered,
)
from certs.certificate import CertificateClaims, peek_issued_at
from certs.certificate_number import CertificateNumber
from certs.claims_reader import read_claims
from certs.cohort import Cohort
from certs.cose import Sign1, take_apart
from certs.errors import KezhengError, Param
from certs.evidence import Evidence
from certs.finding import (
    Check,
    CheckName,
    Genuine,
    Notice,
    Outcome,
    Verification,
    form_verdict,
    unavailable_check,
)
from certs.institution import InstitutionRecord, SigningKey
from certs.log_check import LogFinding, check_listing, check_log
from certs.log_evidence import hides_status_change
from certs.qr import read_payload, read_qr_text
from certs.signing_key import verify_signature
from certs.status import VALID, State, Status, status_at
from certs.status_list import NO_FACTS, NOTHING_RECORDED, CertificateFacts, StatusList
from certs.timestamps import instant_from_epoch, shanghai_day
from certs.trust_list import KeyOwner, TrustList
from certs.unavailable import Unavailable
from certs.verification_notices import notices_of, reissue_notice

FUTURE_TOLERANCE = timedelta(minutes=5)
"""How far a certificate's issue time may lie ahead of the time asked about: clocks differ."""

_PASSED, _FAILED = Outcome.PASSED, Outcome.FAILED
_new = tuple.__new__
_FORM_OK = Check(CheckName.FORM, Outcome.PASSED, "form_ok")
_SIGNATURE_OK = Check(CheckName.SIGNATURE, Outcome.PASSED, "signature_ok")
_AUTHORISED = Check(CheckName.AUTHORITY, Outcome.PASSED, AUTHORISED)
_IN_FORCE = Check(CheckName.STATUS, Outcome.PASSED, "in_force")


def verify_qr_text(text: str, evidence: Evidence, at: datetime) -> Verification:
    """Verify what a QR code holds. Raises KezhengError ``not_a_certificate_code`` when it holds no payload of ours."""
    try:
        content = read_qr_text(text)
    except KezhengError as error:
        if error.code == "not_a_certificate_code":
            raise
        return _stopped(at, _failed(CheckName.FORM, error))
    public_urls = frozenset() if isinstance(evidence.trust, Unavailable) else evidence.trust.public_urls
    if content.origin in public_urls or not public_urls:
        return verify(content.envelope, evidence, at)
    if any(_one_edit_apart(content.origin, url) for url in public_urls):
        return _stopped(at, Check(CheckName.FORM, Outcome.FAILED, "host_altered"))
    return verify(content.envelope, evidence, at, Notice("host_foreign", (("url", min(public_urls)),)))


def verify_payload(payload: str, evidence: Evidence, at: datetime) -> Verification:
    """Verify the payload part of a QR text, as the path of the scan page holds it."""
    try:
        envelope = read_payload(payload)
    except KezhengError as error:
        return _stopped(at, _failed(CheckName.FORM, error))
    return verify(envelope, evidence, at)


def verify(envelope: bytes, evidence: Evidence, at: datetime, *notices: Notice) -> Verification:
    """Verify an envelope as received, judged for the time ``at`` with everything the evidence knows."""
    # 1. Form: the one byte layout; no decoder has met the payload yet.
    try:
        sign1 = take_apart(envelope)
    except KezhengError as error:
        return _stopped(at, _failed(CheckName.FORM, error))
    # 2. Signature, under a key of a fresh trust list.
    trust, data = evidence.trust, evidence.data
    owner = _key_owner(sign1, trust, at)
    if isinstance(owner, Check) or isinstance(trust, Unavailable):
        assert isinstance(owner, Check)
        return _stopped(at, _FORM_OK, owner)
    institution, key = owner
    kid, _, payload, signature_bytes = sign1
    if not verify_signature(key.public_key, signature_bytes, sign1.to_be_signed):
        return _stopped(at, _FORM_OK, Check(CheckName.SIGNATURE, Outcome.FAILED, "signature_mismatch"))
    # 3. The signed content: decoded only now, and held against the key that signed it.
    if isinstance(data, Unavailable):
        return _stopped(at, unavailable_check(CheckName.FORM, data), _SIGNATURE_OK)
    try:
        claims = read_claims(payload)
        issued_at = claims.issued_at
        issued_on = shanghai_day(issued_at)
        number, cohort = evidence.cohorts.find(claims, issued_on.year, owner, data.layouts, data.catalogue)
    except KezhengError as error:
        return _stopped(at, _failed(CheckName.FORM, error), _SIGNATURE_OK)
    if institution.code != number.institution_code:
        return _stopped(at, _FORM_OK, Check(CheckName.SIGNATURE, Outcome.FAILED, "key_of_other_institution"))
    if issued_at > at and issued_at > at + FUTURE_TOLERANCE:
        return _stopped(at, _FORM_OK, Check(CheckName.SIGNATURE, Outcome.FAILED, "issued_in_future"))
    # 4. and 5. The register, and whether the key was good at the register's time.
    found = check_log(evidence.log, envelope, kid, issued_at, trust.limits, at)
    signature = _signature_check(key, issued_at, found)
    if signature.outcome is not _PASSED:
        said = reissue_notice(claims.status_index, evidence.status)
        return _stopped(at, _FORM_OK, signature, found.check)._replace(notices=said)
    if found.check.outcome is _FAILED:
        return _stopped(at, _FORM_OK, signature, found.check)
    signed = _new(_Signed, (envelope, claims, issued_on, number, cohort, institution))
    # 6.–8. What the evidence says about a genuine certificate.
    return _judge(signed, signature, found, evidence, at, notices)


def _key_owner(sign1: Sign1, trust: TrustList | Unavailable, at: datetime) -> KeyOwner | Check:
    """The owner of the key, or the check that says why there is none.

    An unknown key is a failure when the list is younger than the certificate claims to be; otherwise the key may
    have been added since.
    """
    if isinstance(trust, Unavailable):
        return unavailable_check(CheckName.SIGNATURE, trust)
    if at > trust.expires_at:
        days = max(1, (at - trust.issued_at).days)
        return Check(CheckName.SIGNATURE, Outcome.INDETERMINATE, "trust_list_stale", (("days", days),))
    owner = trust.keys.get(sign1.kid)
    if owner is not None:
        return owner
    claimed = peek_issued_at(sign1.payload)
    if claimed is None or instant_from_epoch(claimed) < trust.issued_at:
        return Check(CheckName.SIGNATURE, Outcome.FAILED, "key_unknown")
    if instant_from_epoch(claimed) > at + FUTURE_TOLERANCE:
        return Check(CheckName.SIGNATURE, Outcome.FAILED, "issued_in_future")
    return Check(CheckName.SIGNATURE, Outcome.INDETERMINATE, "trust_list_older_than_certificate")


class _Signed(NamedTuple):
    """A certificate whose bytes an institution's key has signed, on the day that the institution states."""

    envelope: bytes
    claims: CertificateClaims
    issued_on: date
    number: CertificateNumber
    cohort: Cohort
    institution: InstitutionRecord


def _signature_check(key: SigningKey, issued_at: datetime, found: LogFinding) -> Check:
    """Whether the key was good when the certificate was logged, or by the issuer's word while that is not known."""
    check, logged, _ = found
    known_at = issued_at if logged is None else logged.logged_at
    if issued_at < key.not_before:
        return Check(CheckName.SIGNATURE, Outcome.FAILED, "key_not_yet_valid")
    if key.retired_at is not None and known_at > key.retired_at:
        return Check(CheckName.SIGNATURE, Outcome.FAILED, "key_retired")
    if key.compromised_at is None:
        return _SIGNATURE_OK
    if logged is not None and known_at < key.compromised_at:
        return Check(CheckName.SIGNATURE, Outcome.PASSED, "key_compromised_after")
    if logged is not None or check.outcome is Outcome.FAILED:
        return Check(CheckName.SIGNATURE, Outcome.FAILED, "key_compromised_before")
    return check._replace(name=CheckName.SIGNATURE)


def _judge(
    signed: _Signed,
    signature: Check,
    found: LogFinding,
    evidence: Evidence,
    at: datetime,
    notices: tuple[Notice, ...],
) -> Verification:
    trust = evidence.trust
    assert not isinstance(trust, Unavailable)
    _, claims, issued_on, number, cohort, institution = signed
    subject, occupation, covered, _ = cohort
    log_check, logged, _ = found
    status_check, status, facts = _status(signed, found, evidence.status, at)
    form = _FORM_OK if number.year == issued_on.year else _form_of_older(number, facts, status_check)
    if form is not _FORM_OK:
        return _stopped(at, form, signature, log_check)
    known_at = claims.issued_at if logged is None else logged.logged_at
    finding = judge_covered(
        covered, institution, subject, known_at, issued_on, trust.limits, facts.first_issued_on
    )
    authority = _authority_check(finding, status_check)
    log = check_listing(evidence.log, institution, log_check)
    checks = (_FORM_OK, signature, log, authority, status_check)
    accredited = authority is _AUTHORISED or covered.fault is None
    genuine = _new(
        Genuine,
        (claims, number, occupation, subject.direction, institution, accredited, status, facts, logged),
    )
    said = notices + notices_of(finding, institution, trust, status, at)
    return _new(Verification, (form_verdict(checks), checks, said, at, genuine))


def _form_of_older(number: CertificateNumber, facts: CertificateFacts, status_check: Check) -> Check:
    """The form of a number of another year than its certificate: that of the first issue, by the register's facts."""
    if status_check.outcome is Outcome.INDETERMINATE:
        return status_check._replace(name=CheckName.FORM)
    if facts.first_issued_on is not None and number.year == facts.first_issued_on.year:
        return _FORM_OK
    return Check(CheckName.FORM, Outcome.FAILED, "number_claims_disagree")


def _authority_check(finding: AuthorityFinding, status_check: Check) -> Check:
    """The check of a finding. A length that a known first issue could lift is open while the facts are not at hand."""
    if finding.passed:
        return _AUTHORISED
    if status_check.outcome is Outcome.INDETERMINATE and finding.code in COUNTED_TO_FIRST_ISSUE:
        return status_check._replace(name=CheckName.AUTHORITY)
    return Check(CheckName.AUTHORITY, Outcome.FAILED, finding.code)


def _status(
    signed: _Signed, found: LogFinding, status_list: StatusList | Unavailable, at: datetime
) -> tuple[Check, Status | None, CertificateFacts]:
    if isinstance(status_list, Unavailable):
        return unavailable_check(CheckName.STATUS, status_list), None, NO_FACTS
    if at > status_list.expires_at:
        hours = int((at - status_list.issued_at).total_seconds() // 3600)
        stale = Check(CheckName.STATUS, Outcome.INDETERMINATE, "status_stale", (("hours", hours),))
        return stale, None, NO_FACTS
    claims, changes = signed.claims, found.status_changes
    entry = status_list.entry(claims.status_index)
    if entry is NOTHING_RECORDED and claims.expires_at is None and not changes:
        return _IN_FORCE, VALID, NO_FACTS
    if hides_status_change(changes, signed.envelope, entry.events):
        return Check(CheckName.STATUS, Outcome.INDETERMINATE, "status_behind_log"), None, NO_FACTS
    status = status_at(entry.events, claims.expires_at, at)
    if status.state is State.VALID:
        return _IN_FORCE, status, entry.facts
    return Check(CheckName.STATUS, Outcome.FAILED, status.state.value), status, entry.facts


def _failed(name: CheckName, error: KezhengError) -> Check:
    return Check(name, Outcome.FAILED, error.code, tuple(error.params.items()))


def _stopped(at: datetime, *made: Check) -> Verification:
    """A verification that ended early: the checks not made are said to be not made, and nothing is shown."""
    params: tuple[tuple[str, Param], ...] = ()
    done = {check.name: check for check in made}
    checks = tuple(done.get(name, Check(name, Outcome.INDETERMINATE, "not_reached", params)) for name in CheckName)
    return Verification(form_verdict(checks), checks, (), at, None)


def _one_edit_apart(one: str, other: str) -> bool:
    """Whether one substitution, deletion or insertion turns one text into the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest_one, rest_other = one[start:], other[start:]
    return rest_one[1:] == rest_other[1:] or rest_one[1:] == rest_other or rest_one == rest_other[1:]
