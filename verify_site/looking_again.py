"""Before "not in the register" is said: the register is looked at again, and the database is asked.

A certificate may have been logged since the last look. With several machines it may also have been logged by another
one, whose entries the worker here writes into its own folder a moment later: then the database already has the
certificate that this folder lacks. In both cases "not in the register" would call an honest certificate forged.
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


def is_missing(made: Verification) -> bool:
    """Whether a verification failed for want of an entry in the register."""
    return made.verdict is Verdict.NOT_GENUINE and any(
        check.code == "not_logged" and check.outcome is Outcome.FAILED for check in made.checks
    )


def look_again(
    source: Source, verification: Verify, envelope: bytes, pause: Callable[[float], None] = time.sleep
) -> Judged:
    """A verification that failed for want of an entry, made again on what is published now. May wait.

    "Not in the register" stands only after a look that succeeded, and when the database has not released this very
    envelope; otherwise the register counts as not at hand.
    """
    for _ in range(TRIES):
        has_looked = source.look_now()
        evidence = source.snapshot().evidence
        made = verification(evidence)
        if not is_missing(made):
            return made, evidence
        is_released = _is_released(source, envelope) if has_looked else None
        if is_released is False:
            return made, evidence
        if is_released is None:
            break
        pause(PAUSE_SECONDS)
    evidence = replace(evidence, log=Unavailable("log_unavailable"))
    return verification(evidence), evidence


def _is_released(source: Source, envelope: bytes) -> bool | None:
    """Whether the database has released this envelope, None where it cannot be asked. The claims are signed."""
    number = decode_claims(take_apart(envelope).payload).number
    try:
        return source.envelope_by_number(number) == envelope
    except Exception:  # a database has many ways to be away, and none of them makes a certificate a forgery
        return None
