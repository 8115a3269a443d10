"""What the public site counts and measures: verifications, refusals, and how fresh its data are."""

from __future__ import annotations

import time
from collections.abc import Callable

from verify_site.webserver.counting import BUCKETS as BUCKETS
from verify_site.webserver.counting import CONTENT_TYPE as CONTENT_TYPE
from verify_site.webserver.counting import SILENT_SECONDS as SILENT_SECONDS
from verify_site.webserver.counting import Counting, Meanings
from verify_site.webserver.counts_of_processes import CountsOfProcesses

VERIFICATIONS, REFUSALS = "kezheng_verifications", "kezheng_refusals"
_MEANINGS = Meanings(
    counters={
        VERIFICATIONS: ("Completed verifications by way of asking and verdict.", ("way", "verdict")),
        REFUSALS: ("Requests refused by a limit.", ("limit",)),
    },
    lowest={
        "kezheng_snapshot_fresh": ("Whether what is published was looked at within a minute (1 or 0).", ()),
        "kezheng_trust_list_seconds_left": ("How long the trust list may still be used.", ()),
        "kezheng_status_seconds_left": ("How long the status file may still be used.", ()),
        "kezheng_log_size": ("Entries of the register that are known.", ()),
    },
    highest={"kezheng_log_newest_entry_age_seconds": ("Age of the register's newest entry.", ())},
    silent={"kezheng_snapshot_fresh": 0.0},
)


class Metrics(Counting):
    """The counters of one process of the site."""

    def __init__(self, shared: CountsOfProcesses | None = None, seconds: Callable[[], float] = time.time) -> None:
        """``seconds`` is a clock that all processes share; it is replaced in tests."""
        super().__init__(_MEANINGS, shared, seconds)

    def count_verification(self, way: str, verdict: str) -> None:
        """One completed verification; ``way`` is qr, number or batch."""
        self._counts[VERIFICATIONS, way, verdict] += 1

    def count_refusal(self, limit: str) -> None:
        """One request refused by a limit."""
        self._counts[REFUSALS, limit] += 1
