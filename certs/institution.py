"""An accredited institution as dated facts: names, scopes, sites, events and keys. Days are China's, inclusive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade


class EventKind(StrEnum):
    """Changes of a listing: 暂停, 恢复, 退出 (own wish), 移出 (for cause)."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    WITHDRAW = "withdraw"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class DatedName:
    """A name and the first day it is used."""

    name: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class Scope:
    """评价范围 / 培训范围: one occupation for some directions, grades and regions in a period.

    ``directions`` and ``regions`` None means all. Directions are catalogue names; regions are division-code prefixes.
    ``granted_at`` is the time of its entry in the public register, ``log_index`` where that stands: a grant never
    reaches back.
    """

    occupation: str
    directions: frozenset[str] | None
    grades: frozenset[Grade]
    regions: frozenset[str] | None
    valid_from: date
    valid_to: date | None
    granted_at: datetime
    batch: str | None = None
    document: str | None = None
    log_index: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """考核站点, in use from a day until the day before ``valid_until``."""

    code: str
    name: str
    division: str
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class InstitutionEvent:
    """A change of the listing in effect from the start of a day; the public reason is a code.

    ``recorded_at`` is the time of its entry in the public register, ``log_index`` where that stands.
    """

    kind: EventKind
    on: date
    reason_code: str
    recorded_at: datetime
    log_index: int = 0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key of an institution and when it may sign.

    Signatures logged at or after ``compromised_at`` are not believed. The indices say where the public register
    holds the key's entry, its retirement and its compromise.
    """

    kid: bytes
    public_key: bytes
    not_before: datetime
    retired_at: datetime | None = None
    compromised_at: datetime | None = None
    log_index: int = 0
    retired_log_index: int | None = None
    compromised_log_index: int | None = None


@dataclass(frozen=True, slots=True)
class InstitutionRecord:
    """Everything the register knows and publishes about one institution."""

    code: str
    kind: CertificateKind
    credit_code: str
    province: str
    names: tuple[DatedName, ...]
    scopes: tuple[Scope, ...]
    sites: tuple[Site, ...]
    events: tuple[InstitutionEvent, ...]
    keys: tuple[SigningKey, ...]
    successor: str | None = None

    def __hash__(self) -> int:
        """By code alone: judgements about a record are kept by record, and hashing all its facts costs more."""
        return hash(self.code)

    def name_on(self, day: date) -> str:
        """The name in use on a day; before the first recorded day, the first name."""
        used = [entry.name for entry in self.names if entry.valid_from <= day]
        return used[-1] if used else self.names[0].name

    def ended_on(self) -> InstitutionEvent | None:
        """The withdrawal or removal that ended the listing, if there is one. Neither can be reinstated."""
        ends = [event for event in self.events if event.kind in (EventKind.WITHDRAW, EventKind.REMOVE)]
        return min(ends, key=lambda event: event.on) if ends else None

    def removed_on(self) -> date | None:
        """The day of the removal for cause, if there is one."""
        days = [event.on for event in self.events if event.kind is EventKind.REMOVE]
        return min(days) if days else None

    def suspended_on(self, day: date) -> bool:
        """Whether a suspension is in effect on a day: from its day on, up to the day of the reinstatement."""
        turns = [e for e in self.events if e.kind in (EventKind.SUSPEND, EventKind.REINSTATE) and e.on <= day]
        return bool(turns) and max(turns, key=lambda e: (e.on, e.recorded_at)).kind is EventKind.SUSPEND

    def listed_on(self, day: date) -> bool:
        """Whether the institution is in the directory on a day: a scope runs and nothing has ended or suspended it."""
        return _listed_on(self, day)

    def has_scope_on(self, day: date) -> bool:
        """Whether any scope runs on a day, whatever else has ended or suspended the listing."""
        return any(s.valid_from <= day and (s.valid_to is None or day <= s.valid_to) for s in self.scopes)

    def listed_until(self) -> date | None:
        """The last day of the listing known now: the day before it was ended, else the last day of its scopes."""
        end = self.ended_on()
        if end is not None:
            return date.fromordinal(end.on.toordinal() - 1)
        ends = [scope.valid_to for scope in self.scopes]
        return None if None in ends or not ends else max(day for day in ends if day is not None)

    def site(self, code: str | None, day: date) -> Site | None:
        """The site of a code on a day; None asks for the main site, which is the first."""
        in_use = [s for s in self.sites if s.valid_from <= day and (s.valid_until is None or day < s.valid_until)]
        if code is None:
            return in_use[0] if in_use else None
        return next((s for s in in_use if s.code == code), None)

    def check_event(self, kind: EventKind, on: date) -> None:
        """Whether this change may follow the recorded ones.

        Raises KezhengError ``institution_event_not_allowed``: nothing follows a withdrawal except a removal for
        cause, nothing follows a removal, and only what is suspended can be reinstated.
        """
        end = self.ended_on()
        suspended = self.suspended_on(on)
        allowed = {
            EventKind.SUSPEND: end is None and not suspended,
            EventKind.REINSTATE: end is None and suspended,
            EventKind.WITHDRAW: end is None,
            EventKind.REMOVE: self.removed_on() is None,
        }
        if not allowed[kind]:
            raise KezhengError("institution_event_not_allowed", kind=kind.value)


@lru_cache(maxsize=4096)
def _listed_on(record: InstitutionRecord, day: date) -> bool:
    """Kept, because every verification of a day asks the same."""
    end = record.ended_on()
    if (end is not None and day >= end.on) or record.suspended_on(day):
        return False
    return record.has_scope_on(day)
