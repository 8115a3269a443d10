"""Limits in memory of bounded size: how much one client may ask, and how many wrong names one number bears.

Time is passed in. Each process counts for itself: with several workers the limits hold for each of them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from datetime import date

LOOK_UPS_PER_HOUR = 120
"""Single look-ups by number of one anonymous client; a batch has its own, smaller budget."""
BATCH_LOOK_UPS_PER_HOUR = 20
RECEIPTS_PER_HOUR = 30
WRONG_NAMES_PER_DAY = 10
MAX_CLIENTS = 50_000
_HOUR = 3600
_ROWS = 2
_CELLS = 1 << 19


class ClientBudget:
    """So many units in an hour for each client, counted from the client's first one.

    Only the ``max_clients`` most recent clients are remembered; whoever commands more addresses than that is
    not held up by a limit per address anyway, which is why numbers have a limit of their own.
    """

    def __init__(self, limit: int, seconds: int = _HOUR, max_clients: int = MAX_CLIENTS) -> None:
        self._limit = limit
        self._seconds = seconds
        self._max_clients = max_clients
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, client: str, units: int, now: float) -> int:
        """Take units at ``now`` (seconds): 0 when granted; else nothing is taken and the seconds to wait are
        given.
        """
        started, used = self._windows.get(client, (now, 0))
        if now - started >= self._seconds:
            started, used = now, 0
        if used + units > self._limit:
            return max(1, round(started + self._seconds - now))
        self._windows[client] = (started, used + units)
        self._windows.move_to_end(client)
        if len(self._windows) > self._max_clients:
            self._windows.popitem(last=False)
        return 0


class WrongNames:
    """Wrong names per number and day, whatever client gave them.

    A sketch of counters under a secret hash: its size is fixed, so nobody can push a number out of memory by
    asking for others. It never counts too few; it counts too many only when both cells of a number are
    shared.
    """

    def __init__(self, limit: int = WRONG_NAMES_PER_DAY) -> None:
        self._limit = limit
        self._secret = secrets.token_bytes(16)
        self._day: date | None = None
        self._rows = [bytearray(_CELLS) for _ in range(_ROWS)]

    def is_closed(self, number: str, day: date) -> bool:
        """Whether the number answers no more names on this day."""
        self._begin(day)
        return min(row[cell] for row, cell in zip(self._rows, self._cells(number), strict=True)) >= self._limit

    def record(self, number: str, day: date) -> None:
        """Count one wrong name. Unknown numbers are counted alike, or the refusal would tell which exist."""
        self._begin(day)
        for row, cell in zip(self._rows, self._cells(number), strict=True):
            row[cell] = min(255, row[cell] + 1)

    def _begin(self, day: date) -> None:
        if day != self._day:
            self._day = day
            self._rows = [bytearray(_CELLS) for _ in range(_ROWS)]

    def _cells(self, number: str) -> tuple[int, ...]:
        digest = hashlib.blake2b(number.encode("utf-8"), digest_size=4 * _ROWS, key=self._secret).digest()
        return tuple(int.from_bytes(digest[4 * row : 4 * row + 4], "big") % _CELLS for row in range(_ROWS))
