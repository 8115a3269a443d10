"""What a verification finds: outcomes with stable codes, and the facts they rest on. No words, no formats."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from certs.certificate import CertificateClaims
from certs.certificate_number import CertificateNumber
from certs.errors import Param
from certs.institution import InstitutionRecord
from certs.log_evidence import LoggedCertificate
from certs.occupations import Occupation
from certs.status import Status
from certs.status_list import CertificateFacts
from certs.unavailable import Unavailable


class Verdict(StrEnum):
    """The answer as a whole."""

    VALID = "valid"
    NOT_IN_FORCE = "not_in_force"
    NOT_GENUINE = "not_genuine"
    UNDETERMINED = "undetermined"


_VALID = Verdict.VALID


class Outcome(StrEnum):
    """The outcome of one check."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


_PASSED = Outcome.PASSED


class CheckName(StrEnum):
    """The checks, in the order in which they are made."""

    FORM = "form"
    SIGNATURE = "signature"
    LOG = "log"
    AUTHORITY = "authority"
    STATUS = "status"


class Check(NamedTuple):
    """One check with the code that says why it came out so; ``params`` fill the words of the code."""

    name: CheckName
    outcome: Outcome
    code: str
    params: tuple[tuple[str, Param], ...] = ()


def unavailable_check(name: CheckName, missing: Unavailable) -> Check:
    """The check of a step whose evidence cannot be used."""
    return Check(name, Outcome.INDETERMINATE, missing.code, missing.params)


class Notice(NamedTuple):
    """Something worth saying that does not change the verdict."""

    code: str
    params: tuple[tuple[str, Param], ...] = ()


class Genuine(NamedTuple):
    """What may be shown, because the signature has passed: claims, their number, and who signed."""

    claims: CertificateClaims
    number: CertificateNumber
    occupation: Occupation
    direction: str | None
    institution: InstitutionRecord
    accredited_at_assessment: bool
    status: Status | None
    facts: CertificateFacts
    logged: LoggedCertificate | None


class Verification(NamedTuple):
    """The result of one verification, judged for the time ``at``. ``genuine`` is None unless the signature passed."""

    verdict: Verdict
    checks: tuple[Check, ...]
    notices: tuple[Notice, ...]
    at: datetime
    genuine: Genuine | None

    @property
    def deciding(self) -> Check:
        """The check that made the verdict: the first that failed if one says no, else the first that is open."""
        wanted = Outcome.INDETERMINATE if self.verdict is Verdict.UNDETERMINED else Outcome.FAILED
        return next((check for check in self.checks if check.outcome is wanted), self.checks[-1])


def form_verdict(checks: tuple[Check, ...]) -> Verdict:
    """The one place where a verdict is made.

    ``not_genuine`` when form, signature, register or authority failed; ``undetermined`` when any check could not be
    made; ``not_in_force`` when only the status failed; ``valid`` only when every check passed.
    """
    open_checks = [check for check in checks if check.outcome is not _PASSED]
    if not open_checks:
        return _VALID
    if any(check.outcome is Outcome.FAILED and check.name is not CheckName.STATUS for check in open_checks):
        return Verdict.NOT_GENUINE
    if any(check.outcome is Outcome.INDETERMINATE for check in open_checks):
        return Verdict.UNDETERMINED
    return Verdict.NOT_IN_FORCE
