"""Before "not in the register" is said, or that the status is behind it: what is published is looked at again.

A certificate may have been logged since the last look. With several machines it may also have been logged by another
one, whose entries the worker here writes into its own folder a moment later: then the database already has the
certificate that this folder lacks. In both cases "not in the register" would call an honest certificate forged. The
other way round, the folder may have a change of status that the standby, from which the site reads the status file,
shows a moment later; the two were committed together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from certs.certificate import decode_claims
from certs.cose import take_apart
from certs.evidence import Evidence
from certs.finding import Outcome, Verdict, Verification
from certs.unavailable import Unavailable
from verify_site.source import Source

Verify = Callable[[Evidence], Verification]
Judged = tuple[Verification, Evidence]
TRIES = 20
PAUSE_SECONDS = 0.1
"""The folder is waited for two seconds while the database has what it lacks."""


def wants_another_look(made: Verification) -> bool:
    """Whether the register lacks an entry about the certificate, or the status file a change that the register has."""
    return _is_missing(made) or any(check.code == "status_behind_log" for check in made.checks)


def look_again(
    source: Source, verification: Verify, envelope: bytes, pause: Callable[[float], None] = time.sleep
) -> Judged:
    """A verification that wants another look, made again on what is published now. May wait.

    "Not in the register" stands only after a look that succeeded, and when the database has not released this very
    envelope; otherwise the register counts as not at hand.
    """
    for _ in range(TRIES):
        has_looked = source.look_now()
        evidence = source.snapshot().evidence
        made = verification(evidence)
        if not wants_another_look(made):
            return made, evidence
        is_to_come = (not _is_missing(made) or _is_released(source, envelope)) if has_looked else None
        if is_to_come is False:
            return made, evidence
        if is_to_come is None:
            break
        pause(PAUSE_SECONDS)
    if not _is_missing(made):
        return made, evidence
    evidence = replace(evidence, log=Unavailable("log_unavailable"))
    return verification(evidence), evidence


def _is_missing(made: Verification) -> bool:
    return made.verdict is Verdict.NOT_GENUINE and any(
        check.code == "not_logged" and check.outcome is Outcome.FAILED for check in made.checks
    )


def _is_released(source: Source, envelope: bytes) -> bool | None:
    """Whether the database has released this envelope, None where it cannot be asked. The claims are signed."""
    number = decode_claims(take_apart(envelope).payload).number
    try:
        return source.envelope_by_number(number) == envelope
    except Exception:  # a database has many ways to be away, and none of them makes a certificate a forgery
        return None
