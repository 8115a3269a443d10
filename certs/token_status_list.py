"""IETF Token Status Lists, derived from the entries of the signed status file.

A derived list says one of three things of each of its 131,072 places and cannot lapse by itself, as the status file's
suspensions do. Hence a list ends at the next instant at which one of its places changes without anybody's doing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.status import State, StatusEvent, status_at
from certs.status_array import compress, expand, pack, value_at
from certs.status_list import LIST_SIZE, StatusEntry

BITS = 2
ARRAY_LENGTH = LIST_SIZE * BITS // 8


class TokenState(IntEnum):
    """The status types of the draft (§7.1). Expiry is none of them: it is read from the certificate itself."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


_TYPE_OF = {State.VALID: TokenState.VALID, State.SUSPENDED: TokenState.SUSPENDED}
_LOW_BITS = int.from_bytes(b"\x55" * ARRAY_LENGTH)


@dataclass(frozen=True, slots=True)
class TokenStatusList:
    """One list. ``uri`` is the address of its token; ``ttl`` how long a copy may be kept before asking again.

    ``compressed`` is the array as the token carries it, ``array`` 32,768 bytes.
    """

    uri: str
    issued_at: datetime
    expires_at: datetime
    ttl: timedelta
    compressed: bytes
    array: bytes

    def state(self, place: int) -> TokenState:
        """What the list says of a place. Raises KezhengError ``status_place_unknown`` for a place outside."""
        if not 0 <= place < LIST_SIZE:
            raise KezhengError("status_place_unknown", place=place)
        return TokenState(value_at(self.array, BITS, place))


class Period(NamedTuple):
    """From when to when a list may be relied on at most, and how long a copy may be kept; whole seconds."""

    issued_at: datetime
    expires_at: datetime
    ttl: timedelta


def list_and_place(index: int) -> tuple[int, int]:
    """The list and the place in it of a status index."""
    return divmod(index, LIST_SIZE)


def entries_by_list(entries: Mapping[int, StatusEntry]) -> dict[int, dict[int, StatusEntry]]:
    """The entries that have events, by list and by index; what only has facts is valid."""
    lists: dict[int, dict[int, StatusEntry]] = defaultdict(dict)
    for index, entry in entries.items():
        if entry.events:
            lists[index // LIST_SIZE][index] = entry
    return dict(lists)


def token_list_bits(entries: Mapping[int, StatusEntry], list_number: int, at: datetime) -> bytes:
    """The array of a list at an instant, 32,768 bytes; entries of other lists are passed over."""
    states = {
        index % LIST_SIZE: token_state(entry, at)
        for index, entry in entries.items()
        if index // LIST_SIZE == list_number
    }
    return pack(states, LIST_SIZE, BITS)


def token_state(entry: StatusEntry, at: datetime) -> TokenState:
    """What a list says of an entry: whatever is final is invalid."""
    return _TYPE_OF.get(status_at(entry.events, None, at).state, TokenState.INVALID)


def next_change(entries: Mapping[int, StatusEntry], at: datetime) -> datetime | None:
    """The first instant after ``at`` at which one of the entries says something else by itself, or None."""
    changes = (_next_change_of(entry, at) for entry in entries.values())
    return min((change for change in changes if change is not None), default=None)


def _next_change_of(entry: StatusEntry, at: datetime) -> datetime | None:
    later = sorted({instant for event in entry.events for instant in _turning_points(event) if instant > at})
    if not later:
        return None
    now = token_state(entry, at)
    return next((instant for instant in later if token_state(entry, instant) is not now), None)


def _turning_points(event: StatusEvent) -> Iterator[datetime]:
    yield event.effective_from
    if event.until is not None:
        yield event.until


def derive_token_list(
    entries: Mapping[int, StatusEntry], list_number: int, uri: str, longest: Period
) -> TokenStatusList:
    """The list as it stands at ``longest.issued_at``, ending at its next change or with the longest period.

    No copy is kept longer than the list holds.
    """
    own = {index: entry for index, entry in entries.items() if index // LIST_SIZE == list_number}
    array = token_list_bits(own, list_number, longest.issued_at)
    change = next_change(own, longest.issued_at)
    expires_at = longest.expires_at if change is None else min(longest.expires_at, change)
    ttl = min(longest.ttl, expires_at - longest.issued_at)
    return TokenStatusList(uri, longest.issued_at, expires_at, ttl, compress(array), array)


def read_token_list(uri: Any, period: Period, compressed: Any) -> TokenStatusList:
    """A list as a token carries it.

    Raises KezhengError ``status_token_malformed`` unless it has exactly our places and says of each one of three
    things; ValueError or TypeError for values of another kind.
    """
    if not isinstance(uri, str):
        raise ValueError("an address is text")
    array = expand(compressed, ARRAY_LENGTH)
    bits = int.from_bytes(array)
    if bits & bits >> 1 & _LOW_BITS:
        raise KezhengError("status_token_malformed")
    return TokenStatusList(uri, *period, compressed, array)
