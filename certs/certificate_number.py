"""Certificate numbers: text to parts and back, by a layout.

The number on paper is typed by people, so one character checks.

Layout kz-1: institution code (13) · year (2) · grade (1) · serial (6) · check character, 23 in all.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.identifiers import mod_37_36_check, mod_37_36_state
from certs.institution_code import InstitutionCode, parse_institution_code
from certs.number_layout import CHECK, Layout, LayoutSet, layout_set, layout_set_from_files, load_layouts

__all__ = [
    "CertificateNumber",
    "InstitutionCode",
    "Layout",
    "LayoutSet",
    "format_number",
    "grouped",
    "layout_set",
    "layout_set_from_files",
    "load_layouts",
    "normalise_typed_number",
    "number_prefix",
    "parse_institution_code",
    "parse_number",
]

_SEPARATORS = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\-\u2010-\u2015\u2212\u00b7_.]+")


class CertificateNumber(NamedTuple):
    """A number that fits its layout.

    ``year`` has four digits; ``grade`` is None where the layout does not show it.
    """

    text: str
    layout: Layout
    kind: CertificateKind
    institution_code: str
    year: int
    grade: Grade | None
    serial: int


class NumberSeries(NamedTuple):
    """What numbers with a check character share that differ in their serial: the first, and the check up to there."""

    first: CertificateNumber
    serial_at: int
    serial_end: int
    check_state: int

    def number(self, text: str) -> CertificateNumber | None:
        """A number that begins and is as long as the first; None when its serial or check character is not one."""
        first, serial_at, serial_end, state = self
        digits = text[serial_at:serial_end]
        try:
            # Whatever has a check character is of digits and letters, and an integer of those has no letter.
            serial = int(digits) if mod_37_36_check(digits, state) == text[serial_end:] else 0
        except ValueError:
            return None
        if serial == 0:
            return None
        _, layout, kind, institution_code, year, grade, _ = first
        return tuple.__new__(CertificateNumber, (text, layout, kind, institution_code, year, grade, serial))


def parse_number(text: str, layouts: LayoutSet) -> CertificateNumber:
    """The parts of a number exactly as it is written. For typed input see ``normalise_typed_number``.

    Raises KezhengError ``number_layout_unknown`` when no layout fits, ``number_check_failed`` when the check
    character is not the one of the rest.
    """
    tail = layouts.tails.get(len(text))
    series = None if tail is None else number_series(layouts, len(text), text[:-tail])
    number = None if series is None else series.number(text)
    return _parse(text, layouts) if number is None else number


@lru_cache(maxsize=4096)
def number_series(layouts: LayoutSet, length: int, prefix: str) -> NumberSeries | None:
    """The series of numbers of a length that begin so up to their serial, None where there is none.

    ``length`` must be one of the layouts' ``tails``. Kept: a series has thousands.
    """
    layout = next(layout for layout in layouts.layouts if layout.length == length)
    body = prefix + "1".zfill(layout.width("serial"))
    try:
        first = _parse(body + mod_37_36_check(body), layouts)
        return NumberSeries(first, len(prefix), len(body), mod_37_36_state(prefix))
    except (KezhengError, ValueError):
        return None


def _parse(text: str, layouts: LayoutSet) -> CertificateNumber:
    """The parts of a number, whatever layout it has; errors as `parse_number`."""
    for layout in layouts.layouts:
        match = layout.form.fullmatch(text)
        if match is not None:
            return _number_from_parts(text, layout, match)
    raise KezhengError("number_layout_unknown")


def normalise_typed_number(text: str) -> str:
    """What was typed, without spaces, hyphens and dots, in half-width capitals.

    Letters are never guessed into digits.
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def number_prefix(layout: Layout, *, institution_code: str, issued_year: int, grade: Grade | None) -> str:
    """Everything before the serial: the key of the counter that gives out serials.

    Raises KezhengError ``institution_code_malformed``, ``number_year_out_of_range``,
    ``number_grade_missing``.
    """
    code = parse_institution_code(institution_code)
    width = layout.width("year")
    year = issued_year - layout.year_base
    if not 0 <= year < 10**width:
        raise KezhengError("number_year_out_of_range", year=issued_year)
    if layout.has_grade and grade is None:
        raise KezhengError("number_grade_missing")
    parts = {
        "kind": code.kind.letter,
        "registration": institution_code[1:5],
        "province": code.province,
        "sequence": institution_code[7:],
        "year": f"{year:0{width}}",
        "grade": "" if grade is None else str(grade.digit),
    }
    return "".join(parts[segment.name] for segment in layout.segments[:-1])


def format_number(
    layout: Layout, *, institution_code: str, issued_year: int, grade: Grade | None, serial: int
) -> str:
    """The whole number with its check character.

    Raises KezhengError as ``number_prefix`` does, and ``number_serial_out_of_range`` (the first serial is 1).
    """
    width = layout.width("serial")
    if not 1 <= serial < 10**width:
        raise KezhengError("number_serial_out_of_range", serial=serial)
    prefix = number_prefix(layout, institution_code=institution_code, issued_year=issued_year, grade=grade)
    body = f"{prefix}{serial:0{width}}"
    return body + mod_37_36_check(body) if layout.has_check else body


def grouped(number: CertificateNumber) -> str:
    """The number as it is printed for people: ``P0001 15 000001 24 2 000123 M``."""
    text, groups = number.text, []
    for length in number.layout.groups:
        groups.append(text[:length])
        text = text[length:]
    return " ".join(groups)


def _number_from_parts(text: str, layout: Layout, match: re.Match[str]) -> CertificateNumber:
    parts = match.groupdict()
    if layout.has_check and mod_37_36_check(text[:-1]) != parts[CHECK]:
        raise KezhengError("number_check_failed")
    code = f"{parts['kind']}{parts['registration']}{parts['province']}{parts['sequence']}"
    grade, serial = parts.get("grade"), int(parts["serial"])
    if serial == 0:
        raise KezhengError("number_layout_unknown")
    return CertificateNumber(
        text=text,
        layout=layout,
        kind=_institution(code).kind,
        institution_code=code,
        year=layout.year_base + int(parts["year"]),
        grade=None if grade is None else Grade.from_digit(int(grade)),
        serial=serial,
    )


def _institution(code: str) -> InstitutionCode:
    """The institution in a number; one that cannot exist means that no layout fits."""
    try:
        return parse_institution_code(code)
    except KezhengError as error:
        raise KezhengError("number_layout_unknown") from error
