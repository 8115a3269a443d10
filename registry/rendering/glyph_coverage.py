"""Which characters the certificate's fonts cannot draw: asked before signing, so that no name prints as a box."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from unicodedata import category

from fontTools.ttLib import TTFont

from registry.rendering.font_files import COVERING_FILES, PERSON_FACE, font_files

_FIRST_FACE = 0
"""The faces of a Noto CJK collection differ in the shape of a character, not in which they have (a test looks)."""
_NEVER_PRINTED = ("Co", "Cc", "Cf", "Cs")
"""Private use, controls, format characters, surrogates: Hanazono draws some, but nobody agreed on what."""


def missing_glyphs(text: str) -> str:
    """The characters of a text that no font of the certificate has, once each, in their order.

    Empty when all will print. Private-use, control and format characters are always missing.
    Raises KezhengError ``fonts_missing``.
    """
    unsure = [character for character in dict.fromkeys(text) if ord(character) not in _common_characters()]
    return "".join(character for character in unsure if ord(character) not in covered_characters()) if unsure else ""


@cache
def covered_characters() -> frozenset[int]:
    """Code points that print: read once per process and only for rare characters, which takes about half a second."""
    return frozenset().union(*(_characters_of(font_files()[name]) for name in COVERING_FILES))


@cache
def _common_characters() -> frozenset[int]:
    return _characters_of(PERSON_FACE)


def _characters_of(path: Path) -> frozenset[int]:
    with TTFont(path, fontNumber=_FIRST_FACE, lazy=True) as face:
        return frozenset(point for point in face.getBestCmap() if category(chr(point)) not in _NEVER_PRINTED)
