"""Layouts of certificate numbers, as data: which characters stand where.

A set of layouts is unambiguous or refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import Any

from certs.errors import KezhengError
from certs.identifiers import ALPHANUMERIC
from certs.package_data import list_files, read_bytes

CHECK = "check"
_CHECK_PATTERN = "(?P<check>[0-9A-Z])"
_REQUIRED = ("kind", "registration", "province", "sequence", "year", "serial")
_KNOWN = frozenset((*_REQUIRED, "grade"))
_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a number. ``places`` holds, for each character, what may stand there."""

    name: str
    places: tuple[frozenset[str], ...]
    values: tuple[str, ...] | None = None

    @property
    def pattern(self) -> str:
        """A named group of a regular expression that matches the segment."""
        inside = "|".join(map(re.escape, self.values)) if self.values else f"[0-9]{{{len(self.places)}}}"
        return f"(?P<{self.name}>{inside})"


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout. ``groups`` are the lengths of the groups in which a number is printed for people."""

    id: str
    official: bool
    note_zh: str
    note_en: str
    year_base: int
    segments: tuple[Segment, ...]
    has_check: bool
    groups: tuple[int, ...]
    form: re.Pattern[str] = field(repr=False, compare=False)

    @property
    def length(self) -> int:
        """Characters of a whole number."""
        return len(self.places)

    @property
    def places(self) -> tuple[frozenset[str], ...]:
        """What may stand at each place of a whole number."""
        places = tuple(place for segment in self.segments for place in segment.places)
        return (*places, frozenset(ALPHANUMERIC)) if self.has_check else places

    @property
    def has_grade(self) -> bool:
        """Whether the number shows the grade."""
        return any(segment.name == "grade" for segment in self.segments)

    def width(self, name: str) -> int:
        """Characters of a segment."""
        return next(len(segment.places) for segment in self.segments if segment.name == name)


@dataclass(frozen=True, slots=True, eq=False)
class LayoutSet:
    """Layouts of which at most one fits any string; only the same set equals a set, so that it finds what is kept.

    ``tails``, by the length of a number: how many characters at its end are serial and check character, where one
    layout alone has this length, and a check character.
    """

    layouts: tuple[Layout, ...]
    tails: Mapping[int, int] = field(repr=False)

    def by_id(self, layout_id: str) -> Layout:
        """The layout of this id. Raises KezhengError ``number_layout_unknown``."""
        for layout in self.layouts:
            if layout.id == layout_id:
                return layout
        raise KezhengError("number_layout_unknown")


def layout_set(entries: Sequence[Mapping[str, Any]]) -> LayoutSet:
    """The set of these layouts.

    Raises KezhengError ``layout_malformed`` for one that is not a layout, ``layouts_overlap`` when a string
    might fit two of them: same length, and no place where their characters exclude each other.
    """
    layouts = tuple(map(_layout, entries))
    for one, other in combinations(layouts, 2):
        if one.id == other.id or _may_overlap(one, other):
            raise KezhengError("layouts_overlap", one=one.id, other=other.id)
    return LayoutSet(layouts, _tails(layouts))


def layout_set_from_files(files: Mapping[str, bytes]) -> LayoutSet:
    """The set from TOML files by name. Raises KezhengError as ``layout_set`` does."""
    try:
        return layout_set([tomllib.loads(files[name].decode("utf-8")) for name in sorted(files)])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KezhengError("layout_malformed") from error


@cache
def load_layouts() -> LayoutSet:
    """The layouts that the package carries."""
    names = list_files("number_layouts", ".toml")
    return layout_set_from_files({name: read_bytes("number_layouts", name) for name in names})


def _tails(layouts: Sequence[Layout]) -> dict[int, int]:
    lengths = [layout.length for layout in layouts]
    alone = [layout for layout in layouts if lengths.count(layout.length) == 1]
    return {layout.length: layout.width("serial") + 1 for layout in alone if layout.has_check}


def _may_overlap(one: Layout, other: Layout) -> bool:
    if one.length != other.length:
        return False
    return all(mine & theirs for mine, theirs in zip(one.places, other.places, strict=True))


def _layout(entry: Mapping[str, Any]) -> Layout:
    try:
        segments = tuple(map(_segment, entry["segments"]))
        has_check = entry.get(CHECK) is not None
        layout = Layout(
            id=entry["id"],
            official=entry["official"],
            note_zh=entry["note_zh"],
            note_en=entry["note_en"],
            year_base=entry["year_base"],
            segments=segments,
            has_check=has_check,
            groups=tuple(entry["groups"]),
            form=re.compile("".join(s.pattern for s in segments) + (_CHECK_PATTERN if has_check else "")),
        )
    except (KeyError, TypeError, re.error) as error:
        raise KezhengError("layout_malformed") from error
    _check_layout(layout, entry)
    return layout


def _check_layout(layout: Layout, entry: Mapping[str, Any]) -> None:
    names = [segment.name for segment in layout.segments]
    wrong = (
        not set(_REQUIRED) <= set(names) <= _KNOWN
        or len(names) != len(set(names))
        or names[-1] != "serial"
        or entry.get(CHECK) not in (None, "mod_37_36")
        or sum(layout.groups) != layout.length
    )
    if wrong:
        raise KezhengError("layout_malformed")


def _segment(entry: Mapping[str, Any]) -> Segment:
    values = entry.get("values")
    if values is None:
        return Segment(entry["name"], (_DIGITS,) * entry["digits"])
    if len({len(value) for value in values}) != 1 or not set("".join(values)) <= set(ALPHANUMERIC):
        raise KezhengError("layout_malformed")
    return Segment(entry["name"], tuple(map(frozenset, zip(*values, strict=True))), tuple(values))
