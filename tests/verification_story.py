"""One way in which a verification can end, as a small story over a register in memory.

A story changes a world and says what is verified; beside it stands what must come out: the verdict, the check that
decides it with its code, and the notices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from simulator import NOW, PUBLIC_URL, Key, World

from certs.certificate_number import format_number, load_layouts
from certs.evidence import Evidence, gather_evidence
from certs.grades import Grade
from certs.qr import qr_text

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
ISSUED = NOW - DAY
TODAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Asked:
    """What is verified, on which evidence, for which time."""

    text: str
    evidence: Evidence
    at: datetime = NOW


Story = Callable[[World], Asked]


@dataclass(frozen=True)
class Case:
    """One story and what must come of it. ``check`` is None where the verdict is valid."""

    name: str
    tell: Story
    verdict: str
    check: str | None
    code: str
    notices: tuple[str, ...]


STORIES: dict[str, Case] = {}


def ends(verdict: str, check: str | None, code: str, *notices: str) -> Callable[[Story], Story]:
    """Enter a story with its end."""

    def enter(story: Story) -> Story:
        assert story.__name__ not in STORIES
        STORIES[story.__name__] = Case(story.__name__, story, verdict, check, code, notices)
        return story

    return enter


def number_of(code: str, *, year: int = 2026, grade: Grade = Grade.INTERMEDIATE, serial: int = 7) -> str:
    """A well-formed number of an institution."""
    layout = load_layouts().by_id("kz-1")
    return format_number(layout, institution_code=code, issued_year=year, grade=grade, serial=serial)


def without(world: World, name: str) -> Evidence:
    """The evidence when one file could not be fetched."""
    files = world.files()
    del files[name]
    return gather_evidence(files, world.root_key())


def signed_by(world: World, key: Key, code: str) -> str:
    """A certificate of an institution, signed by any key under that key's id."""
    return qr_text(PUBLIC_URL, world.seal(world.claims(code), key))
