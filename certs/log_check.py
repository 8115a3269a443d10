"""The register's step of a verification: is this certificate logged, and do its times fit?"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from certs.authority import AuthorityLimits
from certs.errors import KezhengError
from certs.finding import Check, CheckName, Outcome, unavailable_check
from certs.institution import InstitutionRecord
from certs.log_evidence import (
    FRESH_FOR,
    LoggedCertificate,
    LogReader,
    listing_is_logged,
    logged_certificate,
    logged_status_changes,
)
from certs.timestamps import format_minute
from certs.unavailable import Unavailable

_LOGGED = "logged"
_PASSED = Outcome.PASSED


class LogFinding(NamedTuple):
    """The check; the certificate's entry, where it has one whose time fits; the status changes that are logged."""

    check: Check
    logged: LoggedCertificate | None = None
    status_changes: frozenset[bytes] = frozenset()


def check_log(
    log: LogReader | Unavailable,
    envelope: bytes,
    kid: bytes,
    issued_at: datetime,
    limits: AuthorityLimits,
    at: datetime,
) -> LogFinding:
    """What the register says of an envelope that was signed under a key and claims to be issued at a time.

    ``not_logged`` is a failure only of a log that is at hand completely and covers the time in which the certificate
    had to be logged.
    """
    if isinstance(log, Unavailable):
        return LogFinding(unavailable_check(CheckName.LOG, log))
    digest = hashlib.sha256(envelope).digest()
    try:
        entries = log.entries_about(digest)
    except KezhengError as error:
        return LogFinding(Check(CheckName.LOG, Outcome.INDETERMINATE, error.code))
    found = logged_certificate(entries, kid + digest, log.size)
    delay = _hours(limits.log_delay_hours)
    if found is None:
        return LogFinding(_missing(log, issued_at + delay))
    logged_at = found.logged_at
    fault = _time_fault(logged_at, issued_at, delay)
    if fault is not None:
        return LogFinding(Check(CheckName.LOG, Outcome.FAILED, fault))
    check = _logged(logged_at, at - log.newest_at)
    return tuple.__new__(LogFinding, (check, found, logged_status_changes(entries)))


def _logged(logged_at: datetime, age: timedelta) -> Check:
    if age > FRESH_FOR:
        return Check(CheckName.LOG, Outcome.INDETERMINATE, "log_stale", (("hours", int(age.total_seconds() // 3600)),))
    return _in_register_since(logged_at)


@lru_cache(maxsize=4096)
def _in_register_since(time: datetime) -> Check:
    """Kept, because up to a thousand certificates are logged at the same instant."""
    return Check(CheckName.LOG, Outcome.PASSED, _LOGGED, (("logged_at", format_minute(time)),))


@lru_cache(maxsize=64)
def _hours(count: int) -> timedelta:
    return timedelta(hours=count)


def check_listing(log: LogReader | Unavailable, institution: InstitutionRecord, made: Check) -> Check:
    """The register's check, open where the trust list says of this institution what the register does not hold."""
    if made.outcome is not _PASSED or isinstance(log, Unavailable):
        return made
    try:
        is_logged = listing_is_logged(log, institution)
    except KezhengError as error:
        return Check(CheckName.LOG, Outcome.INDETERMINATE, error.code)
    return made if is_logged else Check(CheckName.LOG, Outcome.INDETERMINATE, "listing_not_logged")


def _missing(log: LogReader, due_by: datetime) -> Check:
    if log.covers(due_by):
        return Check(CheckName.LOG, Outcome.FAILED, "not_logged")
    return Check(CheckName.LOG, Outcome.INDETERMINATE, "log_unavailable")


def _time_fault(logged_at: datetime, issued_at: datetime, delay: timedelta) -> str | None:
    if logged_at < issued_at:
        return "logged_before_issue"
    return "logged_too_late" if logged_at > issued_at + delay else None
