"""The issuing of one certificate: prepare (lints, authority) → the caller records, signs, seals → our own verifier.

Nothing is signed that was not linted: only what `prepare_certificate` made is ever recorded as to be signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from certs.authority import AuthorityLimits, Subject, judge_authority
from certs.certificate import CertificateClaims
from certs.certificate_number import CertificateNumber
from certs.envelope import Prepared, prepare
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.finding import Verdict
from certs.institution import InstitutionRecord
from certs.lints import LINTS, OWN_LINTS, Lints, LintSubject, check_lints
from certs.occupations import Occupation
from certs.qr import qr_text
from certs.verification import verify_qr_text


@dataclass(frozen=True, slots=True)
class IssueContext:
    """What is the same for all certificates of a batch: ``now`` is the time of issue, of which claims state the second.

    ``run_off_confirmed``: the registry confirmed a late batch.
    """

    institution: InstitutionRecord
    limits: AuthorityLimits
    kid: bytes
    run_off_confirmed: bool
    now: datetime


class IssueRequest(NamedTuple):
    """One certificate to be issued: its claims, the number they carry, and what they refer to.

    ``first_issued_on`` is given where there was a paper before: the day on which the first one was issued.
    """

    claims: CertificateClaims
    number: CertificateNumber
    occupation: Occupation
    direction: str | None
    region: str | None
    first_issued_on: date | None = None


def prepare_certificate(request: IssueRequest, context: IssueContext) -> Prepared:
    """The to-be-signed bytes, after every lint and the same authority rule as at verification.

    Raises KezhengError: ``lint_…``, ``not_authorised`` (with the reason code), ``run_off_needs_confirmation``.
    """
    return Preparer(context).prepare(request)


class Preparer:
    """Prepares certificates of one batch. What a certificate shares with an earlier one is judged once."""

    def __init__(self, context: IssueContext) -> None:
        self._context = context
        self._judged: set[tuple[object, ...]] = set()

    def prepare(self, request: IssueRequest) -> Prepared:
        """As `prepare_certificate`."""
        shared = _shared(request)
        is_judged = shared in self._judged
        self._check(request, OWN_LINTS if is_judged else LINTS)
        if not is_judged:
            self._judge(request)
            self._judged.add(shared)
        return prepare(request.claims, self._context.kid)

    def _check(self, request: IssueRequest, lints: Lints) -> None:
        number = request.number
        check_lints(LintSubject(request.claims, number, request.occupation, request.first_issued_on), lints)
        if number.institution_code != self._context.institution.code:
            raise KezhengError("lint_number", number=number.text)

    def _judge(self, request: IssueRequest) -> None:
        claims, context = request.claims, self._context
        subject = Subject(
            *(request.number.kind, request.occupation.id, request.direction),
            *(claims.grade, request.region, claims.assessed_on),
        )
        finding = judge_authority(
            context.institution, subject, context.now, context.limits, request.first_issued_on, claims.issued_at
        )
        if not finding.passed:
            raise KezhengError("not_authorised", reason=finding.code)
        if finding.in_run_off and not context.run_off_confirmed:
            raise KezhengError("run_off_needs_confirmation")


def _shared(request: IssueRequest) -> tuple[object, ...]:
    """All of a request that anything but its own lints looks at; with the types of what may be one or the other."""
    claims, number, occupation, direction, region, first_issued_on = request
    claimed = claims.direction
    return (
        *(number.kind, occupation.id, direction, region, first_issued_on, claims.issued_at, claims.expires_at),
        *(claims.occupation_code, type(claimed), claimed, claims.grade, claims.assessed_on),
    )


def check_sealed(envelope: bytes, public_url: str, evidence: Evidence, at: datetime) -> str:
    """The QR text of a sealed certificate that our own verifier has read from that text, as a stranger would.

    Raises KezhengError ``own_verification_failed`` with the deciding code.
    """
    text = qr_text(public_url, envelope)
    verification = verify_qr_text(text, evidence, at)
    if verification.verdict is not Verdict.VALID:
        raise KezhengError("own_verification_failed", reason=verification.deciding.code)
    return text
