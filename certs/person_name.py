"""Names of people.

Letters, middle dots and single spaces, in Unicode's NFC, and nothing that prints as something else.

Middle dots of minority names are U+00B7 only (民委发〔2016〕33号). What can be put right without a doubt is
put right with a notice; everything else is a fault, because a name is signed and then read by strangers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from certs.errors import Param
from certs.package_data import read_toml

MIDDLE_DOT = "\u00b7"
MAX_HAN = 25
MAX_LETTERS = 50
MAX_CHARACTERS = 60

_PLAIN = re.compile("[\u4e00-\u9fff]{1,25}")
"""Nearly every name: common Chinese characters and nothing else, which no rule below changes or refuses."""
_DOTS = dict.fromkeys(map(ord, "\u30fb\u2022\u2027\uff0e.\u2219\u22c5\uff65\u0387\u2024\u16eb"), MIDDLE_DOT)
_TYPED_DOTS = re.compile("[・•‧．.∙⋅·]")
_HALF_WIDTH = {code: code - 0xFEE0 for code in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Cn", "Mn", "Me"))
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f")
"""Characters that are letters or symbols by category but show nothing."""
_HAN = ((0x3005, 0x3007), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2EE5D), (0x30000, 0x33479))
"""Chinese characters with 々 and 〇, up to the newest extensions.

A Unicode table may be older than a person's name.
"""


class NameNote(NamedTuple):
    """A fault or a notice about a name: a code of the roster words, with what the words need."""

    code: str
    params: Mapping[str, Param] = {}


class NameReading(NamedTuple):
    """The name as it would be signed, with what was put right; ``fault`` set: it must not be signed."""

    name: str
    fault: NameNote | None = None
    notices: tuple[NameNote, ...] = ()


def read_name(raw: str) -> NameReading:
    """The name in a cell or a form field."""
    if _PLAIN.fullmatch(raw) is not None:
        return NameReading(raw)
    fault = _unprintable(raw.strip())
    if fault is not None:
        return NameReading(raw, fault)
    notices: list[NameNote] = []
    name = _settle_characters(raw, notices)
    name = _settle_spaces(name, notices)
    return NameReading(name, _fault(name), tuple(notices))


def has_han(text: str) -> bool:
    """Whether any character is Chinese."""
    return any(map(_is_han, text))


def _unprintable(raw: str) -> NameNote | None:
    """The first character that shows nothing, turns the writing, or means nothing outside one font."""
    for place, character in enumerate(raw):
        if character.isspace() or _is_han(character):
            continue
        category = unicodedata.category(character)
        if category == "Co":
            return _private_use(character)
        if character in _BLANK_LETTERS or (category in _UNSEEN and not _composes(raw, place)):
            return _invisible(place)
    return None


def _composes(raw: str, place: int) -> bool:
    """Whether the combining mark at a place becomes one letter with the character before it."""
    return place > 0 and len(unicodedata.normalize("NFC", raw[place - 1 : place + 1])) == 1


def _invisible(place: int) -> NameNote:
    if place == 0:
        return NameNote("name_invisible_character_first")
    return NameNote("name_invisible_character", {"place": place})


def _private_use(character: str) -> NameNote:
    standard = _standard_forms().get(character)
    proposal = f"“{standard}”" if standard else ""
    return NameNote(
        "name_private_use_character",
        {"character": character, "code_point": f"U+{ord(character):04X}", "proposal": proposal},
    )


@cache
def _standard_forms() -> dict[str, str]:
    return {chr(int(code, 16)): form for code, form in read_toml("private_use_characters.toml").items()}


def _settle_characters(raw: str, notices: list[NameNote]) -> str:
    composed = unicodedata.normalize("NFC", raw.translate(_HALF_WIDTH))
    if composed != raw:
        notices.append(NameNote("name_characters_normalised"))
    name = composed.translate(_DOTS)
    if name != composed:
        notices.append(NameNote("name_dot_normalised"))
    return name


def _settle_spaces(name: str, notices: list[NameNote]) -> str:
    words = name.split()
    settled = "".join(words) if has_han(name) else " ".join(words)
    if settled != name:
        notices.append(NameNote("name_space_removed"))
    return settled


def _fault(name: str) -> NameNote | None:
    if not name:
        return NameNote("name_empty")
    strange = next((character for character in name if not _is_allowed(character)), None)
    if strange is not None:
        return NameNote("name_character_not_allowed", {"character": strange})
    if name.startswith(MIDDLE_DOT) or name.endswith(MIDDLE_DOT) or MIDDLE_DOT * 2 in name.replace(" ", ""):
        return NameNote("name_character_not_allowed", {"character": MIDDLE_DOT})
    return _length_fault(name)


def _length_fault(name: str) -> NameNote | None:
    han = sum(map(_is_han, name))
    if han > MAX_HAN:
        return NameNote("name_too_long", {"limit": MAX_HAN})
    letters = sum(character.isalpha() for character in name)
    if letters > MAX_LETTERS or len(name) > MAX_CHARACTERS:
        return NameNote("name_too_long_letters", {"limit": MAX_LETTERS})
    return None


def _is_allowed(character: str) -> bool:
    return character.isalpha() or _is_han(character) or character in (" ", MIDDLE_DOT)


def _is_han(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _HAN)


def compared_name(name: str) -> str:
    """A name without what typing changes: width, case, spaces, and which of the dots was taken. Never shown."""
    return _TYPED_DOTS.sub(MIDDLE_DOT, "".join(unicodedata.normalize("NFKC", name).split())).casefold()
