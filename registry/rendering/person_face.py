"""The face for personal text (`form_faces`), and the few glyphs of it that one certificate embeds.

Typst makes such a subset too, but only together with a whole file. The glyphs of this face stand each for itself
(see derive.py), so a subset is a matter of putting them side by side: Compact Font Format, Adobe Technical Note 5176.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple

from fontTools.ttLib import TTFont

from registry.rendering.font_files import PERSON_FACE

NAME = b"KezhengFormPerson"
_TAG_LENGTH = 6
_MOST_MAPPED = 100
"""Characters in one block of a ToUnicode table."""
_TO_UNICODE = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
%bendcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
_STRINGS = [b"Adobe", b"Identity"]
_FIRST_OWN_STRING = 391
"""Strings below this number are those of the format itself."""
_HEADER = b"\x01\x00\x04\x04"
# Operators of dictionaries (Technical Note 5176, sections 9, 10, 18).
_ROS, _FONT_BOX, _COUNT = b"\x0c\x1e", b"\x05", b"\x0c\x22"
_CHARSET, _KINDS, _OUTLINES, _FAMILIES, _PRIVATE = b"\x0f", b"\x0c\x25", b"\x11", b"\x0c\x24", b"\x12"


class FaceSubset(NamedTuple):
    """What a PDF embeds of a face: glyph n is the n-th of the characters, from 1; glyph 0 is the empty box."""

    tag: bytes
    """Six capital letters that tell this subset from others (ISO 32000-1 §9.6.4)."""
    outlines: bytes
    """A CID-keyed font of the Compact Font Format, its name the tag and that of the face."""
    widths: bytes
    """The array ``W`` of the font."""
    listed: bytes
    """The bits of ``CIDSet``: every glyph is there."""
    to_unicode: bytes
    """Which character each glyph shows (ISO 32000-1 §9.10.3)."""


class PersonFace:
    """Outlines and widths of every character of the face; several threads may ask for subsets at once."""

    def __init__(self) -> None:
        """Reads the whole face, some 60 ms."""
        with TTFont(PERSON_FACE, lazy=True) as font:
            top = font["CFF "].cff.topDictIndex[0]
            names = font.getGlyphOrder()
            numbers = {name: glyph for glyph, name in enumerate(names)}
            self._glyphs = {chr(point): numbers[name] for point, name in font.getBestCmap().items()}
            self._widths = [b"%d" % font["hmtx"][name][0] for name in names]
            self._outlines = [top.CharStrings.charStringsIndex[glyph].bytecode for glyph in range(len(names))]
            self._kinds = bytes(top.FDSelect.gidArray)
            self.box: Sequence[int] = top.rawDict["FontBBox"]
            self._common = _CommonParts(top, font.reader["CFF "])

    def has(self, characters: str) -> bool:
        """Whether every one of them is in the face."""
        return self._glyphs.keys() >= set(characters)

    def subset(self, characters: Sequence[str]) -> FaceSubset:
        """The face with these different characters, in this order. The same characters give the same bytes."""
        glyphs = [0, *map(self._glyphs.__getitem__, characters)]
        tag = _tag("".join(characters))
        widths = b"[0[%b]]" % b" ".join([self._widths[glyph] for glyph in glyphs])
        listed = _all_listed(len(glyphs))
        return FaceSubset(tag, self._outlines_of(glyphs, tag), widths, listed, _to_unicode(characters))

    def _outlines_of(self, glyphs: Sequence[int], tag: bytes) -> bytes:
        """Glyph and CID have the same number, so that the character set is one range."""
        kinds = b"\x00" + bytes([self._kinds[glyph] for glyph in glyphs])
        characters = struct.pack(">BHH", 2, 1, len(glyphs) - 2)
        outlines = _index([self._outlines[glyph] for glyph in glyphs])
        return self._common.font(tag + b"+" + NAME, len(glyphs), characters, kinds, outlines)


class _CommonParts:
    """What all subsets have alike. It comes first, and has the same place in each: all names are equally long."""

    def __init__(self, top: Any, table: bytes) -> None:
        """``top`` is the top dictionary of fontTools, ``table`` the bytes it was read from."""
        self._box = b"".join(map(_short, top.rawDict["FontBBox"])) + _FONT_BOX
        self._strings = _index(_STRINGS) + _index([])
        name = _index([b" " * _TAG_LENGTH + b"+" + NAME])
        start = len(_HEADER) + len(name) + len(_index([self._top(0, 0, 0, 0, 0)])) + len(self._strings)
        places = [each.rawDict["Private"] for each in top.FDArray]
        private = [table[place : place + size] for size, place in places]
        begins = accumulate(map(len, private), initial=start)
        fonts = [_number(len(each)) + _number(at) + _PRIVATE for each, at in zip(private, begins, strict=False)]
        self._families = b"".join(private) + _index(fonts)
        self._families_place = start + sum(map(len, private))
        self._end = start + len(self._families)

    def font(self, name: bytes, count: int, characters: bytes, kinds: bytes, outlines: bytes) -> bytes:
        """The font of so many glyphs; the last three are written one after the other."""
        kinds_place = self._end + len(characters)
        places = self._families_place, self._end, kinds_place, kinds_place + len(kinds)
        top = _index([self._top(count, *places)])
        return b"".join((_HEADER, _index([name]), top, self._strings, self._families, characters, kinds, outlines))

    def _top(self, count: int, families: int, characters: int, kinds: int, outlines: int) -> bytes:
        """Always as long, whatever the places."""
        order = _short(_FIRST_OWN_STRING) + _short(_FIRST_OWN_STRING + 1) + _short(0) + _ROS
        places = ((families, _FAMILIES), (characters, _CHARSET), (kinds, _KINDS), (outlines, _OUTLINES))
        listed = b"".join([_number(place) + operator for place, operator in places])
        return order + self._box + _number(count) + _COUNT + listed


def _number(value: int) -> bytes:
    """An operand of a dictionary, always five bytes long (Technical Note 5176, table 3)."""
    return b"\x1d" + struct.pack(">i", value)


def _short(value: int) -> bytes:
    """An operand of three bytes; FreeType takes a negative one of five for a very large one."""
    return b"\x1c" + struct.pack(">h", value)


def _index(items: Sequence[bytes]) -> bytes:
    """An INDEX (Technical Note 5176, section 5) with offsets of four bytes."""
    if not items:
        return b"\x00\x00"
    offsets = accumulate(map(len, items), initial=1)
    return struct.pack(f">HB{len(items) + 1}I", len(items), 4, *offsets) + b"".join(items)


def _tag(characters: str) -> bytes:
    digest = blake2b(characters.encode(), digest_size=_TAG_LENGTH).digest()
    return bytes(65 + value % 26 for value in digest)


def _all_listed(count: int) -> bytes:
    """One bit a glyph, from the highest of the first byte."""
    return int("1" * count + "0" * (-count % 8), 2).to_bytes((count + 7) // 8)


def _to_unicode(characters: Sequence[str]) -> bytes:
    lines = [
        b"<%04X> <%b>" % (glyph, character.encode("utf-16-be").hex().upper().encode())
        for glyph, character in enumerate(characters, 1)
    ]
    blocks = [lines[start : start + _MOST_MAPPED] for start in range(0, len(lines), _MOST_MAPPED)]
    mapped = b"".join(b"%d beginbfchar\n%b\nendbfchar\n" % (len(block), b"\n".join(block)) for block in blocks)
    return _TO_UNICODE % mapped
