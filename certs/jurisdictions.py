"""Places whose title rules are asked for: province-level GB/T 2260 codes, 66 for 兵团, 00 for the nation.

A city or county is named by its 4 or 6 digits. Only the province part is checked against a list: the register
holds no table of cities, because cities are renumbered often and a rule is looked up by prefix anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from certs.errors import KezhengError
from certs.package_data import read_toml

NATIONAL_CODE = "00"
_LENGTHS = (2, 4, 6)


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One province-level place, or the nation.

    ``code`` has 2 digits; ``is_extension`` marks a code that GB/T 2260 does not have; ``is_addressed`` is
    false where the addressee line of the national texts does not plainly name the place.
    """

    code: str
    name_zh: str
    short_zh: str
    name_en: str
    is_extension: bool = False
    is_addressed: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """What was asked for: a division code without trailing zero pairs, and its jurisdiction."""

    code: str
    jurisdiction: Jurisdiction

    @property
    def lookup_order(self) -> tuple[str, ...]:
        """The codes whose own rule may answer, nearest first: ``("450102", "4501", "45")``."""
        return tuple(self.code[:length] for length in (6, 4, 2) if length <= len(self.code))

    @property
    def shown(self) -> str:
        """The code as a page shows it: 2 digits for a province, 6 for anything below."""
        return self.code if len(self.code) == 2 else self.code.ljust(6, "0")

    @property
    def is_national(self) -> bool:
        """Whether the nation itself was asked for."""
        return self.code == NATIONAL_CODE


def provinces() -> tuple[Jurisdiction, ...]:
    """The 34 province-level places of GB/T 2260 and 兵团, in the order of their codes."""
    return tuple(place for place in _table().values() if place.code != NATIONAL_CODE)


def jurisdiction_of(code: str) -> Jurisdiction:
    """The jurisdiction of a canonical 2-digit code. Raises KezhengError ``jurisdiction_unknown``."""
    found = _table().get(code)
    if found is None:
        raise _unknown(code)
    return found


def parse_place(text: str) -> Place:
    """A division code of 2, 4 or 6 digits; ``0``, ``00``, ``0000`` and ``000000`` are the nation.

    Trailing zero pairs are dropped, so 45, 4500 and 450000 are one place. Raises KezhengError
    ``jurisdiction_unknown`` for other text, an unknown province, and a county below no city (``450001``).
    """
    digits = text.strip()
    if digits in {"0", "0000", "000000"}:
        digits = NATIONAL_CODE
    if len(digits) not in _LENGTHS or not (digits.isascii() and digits.isdigit()):
        raise _unknown(text)
    jurisdiction = jurisdiction_of(digits[:2])
    code = _without_zero_pairs(digits)
    if code[2:4] == "00" or (jurisdiction.code == NATIONAL_CODE and code != NATIONAL_CODE):
        raise _unknown(text)
    return Place(code, jurisdiction)


def _without_zero_pairs(digits: str) -> str:
    while len(digits) > 2 and digits.endswith("00"):
        digits = digits[:-2]
    return digits


def _unknown(text: str) -> KezhengError:
    return KezhengError("jurisdiction_unknown", jurisdiction=text[:12])


@cache
def _table() -> dict[str, Jurisdiction]:
    data = read_toml("jurisdictions.toml")
    rows = [data["national"], *data["province"]]
    return {
        row["code"]: Jurisdiction(
            code=row["code"],
            name_zh=row["zh"],
            short_zh=row["short_zh"],
            name_en=row["en"],
            is_extension=row.get("extension", False),
            is_addressed=row.get("addressed", True),
        )
        for row in rows
    }
