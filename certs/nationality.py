"""国籍/地区 of passport holders.

The Chinese short names of ISO 3166-1 and the two-letter codes they stand for.
"""

from __future__ import annotations

from functools import cache

from certs.package_data import read_toml


def nationality_code(text: str) -> str | None:
    """The two-letter code of a Chinese name, a usual long form or the code itself; None for anything else."""
    return _by_name().get(text.strip().upper())


@cache
def _by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for code, spellings in read_toml("nationalities.toml").items():
        names[code] = code
        names.update(dict.fromkeys(spellings, code))
    return names
