"""What every route of the site works with: the source, the clock, the limits and the counters."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from anyio import CapacityLimiter, to_thread

from certs.errors import KezhengError
from verify_site.access_log import AccessLog
from verify_site.client_address import ClientAddresses
from verify_site.looking_again import Judged, Verify, look_again, wants_another_look
from verify_site.metrics import Metrics
from verify_site.rate_limits import (
    BATCH_LOOK_UPS_PER_HOUR,
    LOOK_UPS_PER_HOUR,
    RECEIPTS_PER_HOUR,
    ClientBudget,
    WrongNames,
)
from verify_site.registry_desk import RegistryDesk
from verify_site.source import Source

LOOKS_AT_ONCE = 4
"""Only what an institution's key has signed is ever looked for again, so nobody can ask for many."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """One running site. ``clock`` and ``seconds`` (monotonic) are replaced in tests.

    ``registry`` is the registry role behind it, None for a mirror.
    """

    source: Source
    public_url: str
    well_known_folder: Path
    addresses: ClientAddresses = field(default_factory=ClientAddresses)
    registry: RegistryDesk | None = None
    clock: Callable[[], datetime] = _now
    seconds: Callable[[], float] = time.monotonic
    look_ups: ClientBudget = field(default_factory=lambda: ClientBudget(LOOK_UPS_PER_HOUR))
    batch_look_ups: ClientBudget = field(default_factory=lambda: ClientBudget(BATCH_LOOK_UPS_PER_HOUR))
    receipts: ClientBudget = field(default_factory=lambda: ClientBudget(RECEIPTS_PER_HOUR))
    wrong_names: WrongNames = field(default_factory=WrongNames)
    metrics: Metrics = field(default_factory=Metrics)
    access_log: AccessLog = field(default_factory=AccessLog)
    looks: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(LOOKS_AT_ONCE))

    def judge_from_memory(self, verification: Verify) -> Judged:
        """A verification on the newest evidence, with that evidence. Never waits.

        Where it `wants_another_look`, `look_again` has to be asked before it is told.
        """
        evidence = self.source.snapshot().evidence
        return verification(evidence), evidence

    async def judge(self, verification: Verify, envelope: Callable[[], bytes]) -> Judged:
        """As `judge_from_memory`, looking again in another thread where that is needed."""
        made, evidence = self.judge_from_memory(verification)
        if wants_another_look(made):
            made, evidence = await to_thread.run_sync(
                look_again, self.source, verification, envelope(), limiter=self.looks
            )
        return made, evidence

    def judge_waiting(self, verification: Verify, envelope: Callable[[], bytes]) -> Judged:
        """As `judge`, for a thread that may wait."""
        made, evidence = self.judge_from_memory(verification)
        return look_again(self.source, verification, envelope()) if wants_another_look(made) else (made, evidence)

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request, for the counters and the log; ``route`` is a template."""
        self.metrics.count_request(method, route, status, seconds)
        self.access_log.note(method, route, status, seconds)

    def take(self, budget: ClientBudget, client: str, units: int, limit: str) -> None:
        """Take from a client's budget. Raises KezhengError ``too_many_requests``; ``limit`` names it in the
        counters.
        """
        wait = budget.take(client, units, self.seconds())
        if wait:
            self.metrics.count_refusal(limit)
            raise KezhengError("too_many_requests", seconds=wait)
