"""The one table of words: code to Chinese and English, with the next step where there is one.

Each file in ``wording/`` is a namespace, each of its tables a code. A code without words is a programming
error and raises ``LookupError``: nothing is ever shown as a bare code.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from certs.errors import Param
from certs.package_data import list_files, read_toml


class Words(NamedTuple):
    """What one code says, filled in. ``advice_*`` is the next step, empty where none is needed."""

    zh: str
    en: str
    advice_zh: str = ""
    advice_en: str = ""


def words(namespace: str, code: str, /, **params: Param) -> Words:
    """The words of a code with its parameters filled in. Raises LookupError for a code without words."""
    template = _table(namespace).get(code)
    if template is None:
        raise LookupError(f"no words for {namespace}.{code}")
    return Words(*(text.format_map(params) for text in template)) if params else template


def all_codes(namespace: str) -> list[str]:
    """Every code of a namespace, in the order of its file."""
    return list(_table(namespace))


def namespaces() -> list[str]:
    """The names of the wording files."""
    return [name.removesuffix(".toml") for name in list_files("wording", ".toml")]


@cache
def _table(namespace: str) -> dict[str, Words]:
    return {code: Words(**entry) for code, entry in read_toml("wording", f"{namespace}.toml").items()}
