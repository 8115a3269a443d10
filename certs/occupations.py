"""The catalogue of occupations.

One occupation has a stable id, several dated codes, numbered directions and a standard.

An occupation, not a code, is what scopes, duplicates and title effects are about. A certificate prints a
code: the one its roster wrote, else the one in use on the day of the assessment.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from certs.errors import KezhengError
from certs.grades import Grade
from certs.package_data import read_bytes

MAX_DIRECTION = 30
"""Longest direction that is written as text, in characters."""
_CERTAINTIES = ("H", "M", "L")
_SPELLINGS = str.maketrans("—–−‐‑", "-----")


@dataclass(frozen=True, slots=True)
class DatedCode:
    """A code of one edition of the classification. ``valid_from`` None: from a day that is not held.

    ``disputed`` codes are read but never written by the register itself.
    """

    code: str
    edition: str
    source: str
    certainty: str
    valid_from: date | None = None
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Direction:
    """职业方向. The number is signed in certificates and never used for another.

    ``grades`` None: at every grade.
    """

    number: int
    name_zh: str
    source: str
    certainty: str
    grades: frozenset[Grade] | None = None

    def allows(self, grade: Grade) -> bool:
        """Whether the direction exists at a grade."""
        return self.grades is None or grade in self.grades


@dataclass(frozen=True, slots=True)
class Standard:
    """The national standard of an occupation; None is what no source prints."""

    name: str
    certainty: str
    document_number: str | None = None
    dated_on: date | None = None


@dataclass(frozen=True, slots=True)
class Occupation:
    """One occupation. ``codes`` from the oldest edition to the newest; certainty is H, M or L."""

    id: str
    name_zh: str
    name_en: str
    short_zh: str
    certainty: str
    codes: tuple[DatedCode, ...]
    directions: tuple[Direction, ...]
    directions_open: bool
    standard: Standard | None = None

    def code_on(self, day: date) -> DatedCode:
        """The code in use on a day: the newest that had begun, before any beginning the oldest."""
        begun = [c for c in self.codes if not c.disputed and (c.valid_from is None or c.valid_from <= day)]
        return begun[-1] if begun else self.codes[0]

    def code(self, text: str) -> DatedCode | None:
        """The code written so, if it is one of this occupation's."""
        wanted = _spelling(text)
        return next((code for code in self.codes if code.code == wanted), None)

    def direction(self, name_or_number: str | int) -> Direction | None:
        """The catalogued direction of a number or a name (with or without 方向 at its end), or None."""
        if isinstance(name_or_number, int):
            return next((d for d in self.directions if d.number == name_or_number), None)
        wanted = _direction_spelling(name_or_number)
        return next((d for d in self.directions if _direction_spelling(d.name_zh) == wanted), None)

    def direction_name(self, claim: str | int | None) -> str | None:
        """The name of a direction as certificates hold it: a catalogue number, or text.

        Unknown numbers are None.
        """
        if not isinstance(claim, int):
            return claim
        direction = self.direction(claim)
        return None if direction is None else direction.name_zh

    def direction_claim(self, name: str) -> int | str:
        """A direction as certificates hold it: its number when it is catalogued, else the text."""
        direction = self.direction(name)
        return name if direction is None else direction.number

    @property
    def direction_required(self) -> bool:
        """Whether a certificate must name a direction: only where all of them are known."""
        return bool(self.directions) and not self.directions_open


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All occupations, in the order of the file."""

    occupations: tuple[Occupation, ...]
    _by_text: Mapping[str, Occupation]

    def find(self, text: str) -> Occupation | None:
        """The occupation with this id, code, full name or short name; spaces and widths do not matter."""
        found = self._by_text.get(text)
        return found if found is not None else self._by_text.get(_spelling(text))

    def by_id(self, occupation_id: str) -> Occupation:
        """The occupation of an id. Raises KezhengError ``occupation_not_in_catalogue``."""
        found = self._by_text.get(occupation_id)
        if found is None or found.id != occupation_id:
            raise KezhengError("occupation_not_in_catalogue")
        return found


@cache
def catalogue() -> Catalogue:
    """The catalogue that the package carries."""
    return catalogue_from_file(read_bytes("occupations.toml"))


def catalogue_from_file(content: bytes) -> Catalogue:
    """The catalogue of a TOML file.

    Raises KezhengError ``catalogue_malformed``: not such a file, a name or code of two occupations, or a
    direction number used twice.
    """
    try:
        entries = tomllib.loads(content.decode("utf-8"))["occupation"]
        occupations = tuple(_occupation(entry) for entry in entries)
        return Catalogue(occupations, _index(occupations))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise KezhengError("catalogue_malformed") from error


def _occupation(entry: dict[str, Any]) -> Occupation:
    standard = entry.get("standard")
    occupation = Occupation(
        id=entry["id"],
        name_zh=entry["name_zh"],
        name_en=entry["name_en"],
        short_zh=entry["short_zh"],
        certainty=entry["certainty"],
        codes=tuple(DatedCode(**code) for code in entry["codes"]),
        directions=tuple(_direction(direction) for direction in entry["directions"]),
        directions_open=entry["directions_open"],
        standard=None if standard is None else Standard(**standard),
    )
    _check(occupation)
    return occupation


def _direction(entry: dict[str, Any]) -> Direction:
    grades = entry.get("grades")
    known = None if grades is None else frozenset(map(Grade, grades))
    return Direction(entry["number"], entry["name_zh"], entry["source"], entry["certainty"], known)


def _check(occupation: Occupation) -> None:
    numbers = [direction.number for direction in occupation.directions]
    names = [_direction_spelling(direction.name_zh) for direction in occupation.directions]
    if len(set(numbers)) != len(numbers) or len(set(names)) != len(names) or any(n < 1 for n in numbers):
        raise ValueError("a direction number or name is used twice, or a number is not positive")
    if occupation.code(occupation.id) is None or occupation.codes[0].disputed:
        raise ValueError("the id is not one of the codes, or the oldest code is disputed")
    certainties = {code.certainty for code in occupation.codes} | {d.certainty for d in occupation.directions}
    if not certainties | {occupation.certainty} <= set(_CERTAINTIES):
        raise ValueError("certainty is not H, M or L")


def _index(occupations: tuple[Occupation, ...]) -> dict[str, Occupation]:
    index: dict[str, Occupation] = {}
    for occupation in occupations:
        codes = (code.code for code in occupation.codes)
        for text in {occupation.id, occupation.name_zh, occupation.short_zh, *codes}:
            if index.setdefault(_spelling(text), occupation) is not occupation:
                raise ValueError("a name or code belongs to two occupations")
    return index


def _spelling(text: str) -> str:
    """Text as it is compared: half-width, without spaces, one kind of hyphen."""
    return "".join(unicodedata.normalize("NFKC", text).translate(_SPELLINGS).split())


def _direction_spelling(text: str) -> str:
    return _spelling(text).removesuffix("方向")
