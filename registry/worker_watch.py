"""What operations learn of a worker: whether its upkeep succeeds, how far the register is, what waits.

The numbers are taken in the worker's own rounds and kept in memory: who asks waits for no database, and is answered
while there is none. What several workers of one register measure is the same for all of them and must not be added up;
what they count (rounds, refusals, released certificates) may be.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from certs.errors import KezhengError
from certs.evidence import STATUS_FILE, TRUST_LIST_FILE
from certs.log_paths import CHECKPOINT_FILE
from registry.home import Home
from registry.jobs.attempts import ENGINE_UNFINISHED, RUNNING, AttemptState
from registry.jobs.job import JobKind, parse_attempt_id
from registry.jobs.job_desk import job_database_of
from registry.store.certificate_states import CERTIFICATES_RELEASED
from registry.store.document_store import times_of
from registry.store.engine import COMMITTED
from registry.store.job_counts import JobCounts
from registry.store.webhook_store import count_messages_waiting
from verify_site.webserver.counting import Counting, Meanings
from verify_site.webserver.counts_of_processes import CountsOfProcesses, Sample

LATE_SECONDS = 60.0
"""After so long without a round that succeeded the worker is not ready."""
UNMEASURED = "kezheng_measurements_refused"
ROUNDS, REFUSALS, RELEASED = "kezheng_upkeep_rounds", "kezheng_upkeep_refusals", "kezheng_certificates_released"
AGE, CHECKPOINT_AGE = "kezheng_upkeep_age_seconds", "kezheng_checkpoint_age_seconds"
COMMITTED_ENTRIES, SIGNED_ENTRIES = "kezheng_log_committed_entries", "kezheng_log_signed_entries"
PUBLISHED_ENTRIES = "kezheng_log_published_entries"
TRUST_LEFT, STATUS_LEFT = "kezheng_trust_list_seconds_left", "kezheng_status_seconds_left"
JOBS, MESSAGES = "kezheng_jobs", "kezheng_webhook_messages_waiting"
_SECONDS_LEFT = {TRUST_LIST_FILE: TRUST_LEFT, STATUS_FILE: STATUS_LEFT}
_MEANINGS = Meanings(
    counters={
        ROUNDS: ("Rounds of upkeep that succeeded.", ()),
        REFUSALS: ("Rounds of upkeep that were refused, by code.", ("code",)),
        UNMEASURED: ("Times that what waits could not be counted, by code.", ("code",)),
        RELEASED: ("Certificates that these processes released.", ()),
    },
    lowest={
        SIGNED_ENTRIES: ("Entries of the register that are signed.", ()),
        PUBLISHED_ENTRIES: ("Entries of the register that are published in this machine's folder.", ()),
        TRUST_LEFT: ("How long the newest trust list may still be used.", ()),
        STATUS_LEFT: ("How long the newest status file may still be used.", ()),
    },
    highest={
        AGE: ("Since the last round of upkeep that succeeded, or since the start.", ()),
        COMMITTED_ENTRIES: ("Entries of the register that are committed.", ()),
        CHECKPOINT_AGE: ("Since the newest checkpoint was written into this machine's folder.", ()),
        JOBS: ("Runs at jobs by kind and state; the same on every machine.", ("kind", "state")),
        MESSAGES: ("Messages that webhooks have not taken yet; the same on every machine.", ()),
    },
    aging=frozenset({AGE, CHECKPOINT_AGE}),
)


class LogStanding(NamedTuple):
    """Entries of the register that are committed, signed, and published on this machine."""

    committed: int
    signed: int
    published: int


class WorkerWatch:
    """Counters and measurements of one worker process. Written by its upkeep, read by who asks, in another thread."""

    def __init__(
        self, shared: CountsOfProcesses | None = None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """``seconds`` is a clock that only goes on; it is replaced in tests."""
        self.counting = Counting(_MEANINGS, shared)
        self._seconds = seconds
        self._succeeded_at: float | None = None
        self._started_at = seconds()
        self._refusal: KezhengError | None = None
        self._measured: Mapping[Sample, float] = {}
        self._waiting: Mapping[Sample, float] = {}
        self._until: Mapping[str, datetime] = {}
        self._checkpoint_at: float | None = None
        self._released = 0

    def note_round(self, home: Home, standing: LogStanding) -> None:
        """A round succeeded, and found the register so."""
        self.counting.count(ROUNDS)
        self._count_released()
        self._measured = _of_log(standing)
        self._checkpoint_at = _written_at(home)
        self._refusal, self._succeeded_at = None, self._seconds()

    def note_refusal(self, error: KezhengError) -> None:
        """A round was refused; it is tried again."""
        self.counting.count(REFUSALS, error.code)
        self._count_released()
        self._refusal = error

    def measure(self, home: Home) -> None:
        """Ask the databases what is looked at every few seconds. Where they refuse, that is counted and nothing told.

        The upkeep goes on: jobs may be kept elsewhere than the register.
        """
        try:
            with home.store.reading() as tx:
                times, messages = times_of(tx, list(_SECONDS_LEFT)), count_messages_waiting(tx)
            self._until = {_SECONDS_LEFT[each.kind]: each.expires_at for each in times if each.expires_at is not None}
            self._waiting = {**_of_jobs(_runs(home)), (MESSAGES,): float(messages)}
        except KezhengError as error:
            self.counting.count(UNMEASURED, error.code)
            self._waiting = {}

    def refusal(self) -> KezhengError | None:
        """Why the worker is not ready: what the last round was refused with, or ``upkeep_overdue``; None when it is."""
        late = self._seconds() - (self._started_at if self._succeeded_at is None else self._succeeded_at)
        if self._succeeded_at is not None and late <= LATE_SECONDS:
            return None
        return self._refusal or KezhengError("upkeep_overdue", seconds=int(late))

    def gauges(self) -> dict[Sample, float]:
        """What is so now, from memory."""
        now = datetime.now(UTC)
        since = self._started_at if self._succeeded_at is None else self._succeeded_at
        left: dict[Sample, float] = {(name,): (until - now).total_seconds() for name, until in self._until.items()}
        written_at = self._checkpoint_at
        if written_at is not None:
            left[CHECKPOINT_AGE,] = max(0.0, now.timestamp() - written_at)
        return {(AGE,): self._seconds() - since, **left, **self._measured, **self._waiting}

    def _count_released(self) -> None:
        released = COMMITTED.count(CERTIFICATES_RELEASED)
        self.counting.count(RELEASED, by=released - self._released)
        self._released = released


def _of_log(standing: LogStanding) -> dict[Sample, float]:
    names = (COMMITTED_ENTRIES, SIGNED_ENTRIES, PUBLISHED_ENTRIES)
    return {(name,): float(size) for name, size in zip(names, standing, strict=True)}


def _runs(home: Home) -> list[tuple[str, str]]:
    jobs = JobCounts(job_database_of(home.settings))
    try:
        return jobs.by_name(ENGINE_UNFINISHED)
    finally:
        jobs.close()


def _of_jobs(runs: list[tuple[str, str]]) -> dict[Sample, float]:
    """Every kind and state, so that none is missing where nothing waits."""
    states = (AttemptState.WAITING, AttemptState.RUNNING)
    found = Counter((parse_attempt_id(name)[0].kind, states[status == RUNNING]) for name, status in runs)
    return {(JOBS, kind.value, state.value): float(found[kind, state]) for kind in JobKind for state in states}


def _written_at(home: Home) -> float | None:
    """When this machine's checkpoint was written (seconds since 1970), None when there is none."""
    try:
        return (home.settings.log_folder / CHECKPOINT_FILE).stat().st_mtime
    except FileNotFoundError:
        return None
