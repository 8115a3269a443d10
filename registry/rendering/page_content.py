"""The content of a page that Typst has set, cut where it shows text in one font (ISO 32000-1 §9.4.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

HOLE = b"@@@@"
"""Where the number of a glyph goes, in four hexadecimal digits."""

_SHOWN = re.compile(
    rb"/(f\d+) [\d.]+ Tf 1 0 0 -1 0 0 Tm(\[(?:\((?:[^\\()]|\\.)*+\)|<[0-9A-F]*+>|[-\d.]++)*+\]TJ)", re.DOTALL
)
_ELEMENT = re.compile(rb"\(((?:[^\\()]|\\.)*+)\)|<([0-9A-F]*+)>|[-\d.]++", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_MAPPED = re.compile(rb"^<([0-9A-F]{4})> <([0-9A-F]+)>$", re.MULTILINE)


class CutContent(NamedTuple):
    """``kept`` and ``shown`` by turns are the whole content; ``kept`` has one more."""

    kept: list[bytes]
    shown: list[bytes]
    """Operators that show text, a `HOLE` for each glyph; what stands between glyphs stays."""
    text: str
    """What they show, one character a hole."""


def cut_content(content: bytes, font: bytes, characters: Mapping[int, str]) -> CutContent:
    """Cut where text is shown in the font of this name; ``characters`` are those of its glyphs.

    Raises KeyError for a glyph without a character.
    """
    kept, shown, text, place = [], [], [], 0
    for found in _SHOWN.finditer(content):
        if found[1] == font:
            kept.append(content[place : found.start(2)])
            shown.append(_ELEMENT.sub(_with_holes, found[2]))
            text += [characters[glyph] for glyph in _glyphs(found[2])]
            place = found.end()
    return CutContent([*kept, content[place:]], shown, "".join(text))


def glyph_characters(to_unicode: bytes) -> dict[int, str]:
    """What a ToUnicode table says, glyph by glyph."""
    listed = to_unicode[to_unicode.index(b"beginbfchar") :]
    return {
        int(glyph, 16): bytes.fromhex(shown.decode()).decode("utf-16-be") for glyph, shown in _MAPPED.findall(listed)
    }


def _with_holes(element: re.Match[bytes]) -> bytes:
    codes = _codes(element)
    return element[0] if codes is None else b"<%b>" % (HOLE * (len(codes) // 2))


def _glyphs(operator: bytes) -> list[int]:
    shown = b"".join(_codes(element) or b"" for element in _ELEMENT.finditer(operator))
    return [int.from_bytes(shown[start : start + 2]) for start in range(0, len(shown), 2)]


def _codes(element: re.Match[bytes]) -> bytes | None:
    """The bytes of a string, two for each glyph; None for a number, which moves what comes next."""
    if element[1] is not None:
        return _ESCAPE.sub(_unescaped, element[1])
    return None if element[2] is None else bytes.fromhex(element[2].decode())


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """ISO 32000-1 §7.3.4.2."""
    sign = escape[1]
    return bytes([int(sign, 8)]) if sign[:1].isdigit() else _ESCAPED.get(sign, sign)
