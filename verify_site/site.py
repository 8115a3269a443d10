"""What every route of the site works with: the source, the clock, the limits and the counters."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.finding import Verification
from verify_site.client_address import ClientAddresses
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

    def judge(self, verification: Callable[[Evidence], Verification]) -> tuple[Verification, Evidence]:
        """A verification on the newest evidence, with that evidence.

        What is not in the register may have been logged since the last look: then it is looked at again before that
        is said.
        """
        evidence = self.source.snapshot().evidence
        made = verification(evidence)
        if made.deciding.code == "not_logged" and self.source.refresh_soon():
            evidence = self.source.snapshot().evidence
            made = verification(evidence)
        return made, evidence

    def take(self, budget: ClientBudget, client: str, units: int, limit: str) -> None:
        """Take from a client's budget. Raises KezhengError ``too_many_requests``; ``limit`` names it in the
        counters.
        """
        wait = budget.take(client, units, self.seconds())
        if wait:
            self.metrics.count_refusal(limit)
            raise KezhengError("too_many_requests", seconds=wait)
