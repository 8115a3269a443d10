"""From the page of a shape, as Typst wrote it, to the template that is filled in for each certificate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from registry.rendering.page_content import HOLE, CutContent, cut_content, glyph_characters
from registry.rendering.page_template import PageTemplate
from registry.rendering.pdf_objects import (
    PdfParts,
    deflated_stream,
    reference,
    section,
    stream,
    stream_data,
    take_apart,
)
from registry.rendering.person_face import NAME, PersonFace

_IDENTIFIERS = re.compile(rb"/ID\[\(([^()]+)\)\(([^()]+)\)\]")
_TAG = re.compile(rb"/BaseFont/([A-Z]{6})\+")
_WIDTHS = re.compile(rb"/W\[.*\]>>\Z")
_BOX = re.compile(rb"/FontBBox\[[^]]*\]")
_CONTENTS = re.compile(rb"/Contents \d+ 0 R")
_LENGTH, _SIZE = re.compile(rb"/Length \d+"), re.compile(rb"/Size \d+")


class _Places(NamedTuple):
    """The numbers of the objects that are not the same in every file; from ``glyphs`` on their lengths differ too."""

    page: int
    contents: int
    font: int
    descriptor: int
    info: int
    metadata: int
    glyphs: int
    listed: int
    to_unicode: int
    outlines: int
    code: int
    attachment: int


def template_of(pdf: bytes, number: str, signed_at: datetime, face: PersonFace) -> PageTemplate:
    """``pdf`` is the page of a shape, with its number and time.

    Raises LookupError and ValueError for a file that is not as Typst writes it.
    """
    parts = take_apart(pdf)
    places = _places(parts)
    cut = _cut(parts, places)
    stand_ins = _stand_ins(parts, places, number, signed_at)
    last = len(parts.objects)
    numbers = [places.contents, *range(last + 1, last + 1 + 2 * len(cut.shown))]
    fixed, fixed_entries = section(_fixed(parts, places, cut, numbers), len(parts.head))
    place = len(parts.head) + len(fixed)
    shown, shown_entries = section(dict(zip(numbers[1::2], map(stream, cut.shown), strict=True)), place)
    named, named_entries = section(_with_names(parts, places, face), place + len(shown))
    return PageTemplate(
        fixed=parts.head + fixed,
        shown=shown.replace(HOLE, b"%b"),
        named=_named(named, stand_ins),
        own=_own(parts, places, stand_ins),
        entries={**fixed_entries, **shown_entries, **named_entries},
        trailer=_named(_SIZE.sub(b"/Size %d" % (numbers[-1] + 1), parts.trailer), stand_ins),
        text=cut.text,
    )


def _places(parts: PdfParts) -> _Places:
    page = parts.number_of(b"/Type/Page/")
    font = parts.number_of(b"/Subtype/Type0", b"+" + NAME)
    glyphs = reference(parts.objects[font], b"DescendantFonts")
    descriptor = reference(parts.objects[glyphs], b"FontDescriptor")
    return _Places(
        page=page,
        contents=reference(parts.objects[page], b"Contents"),
        font=font,
        descriptor=descriptor,
        info=reference(parts.trailer, b"Info"),
        metadata=parts.number_of(b"/Type/Metadata"),
        glyphs=glyphs,
        listed=reference(parts.objects[descriptor], b"CIDSet"),
        to_unicode=reference(parts.objects[font], b"ToUnicode"),
        outlines=reference(parts.objects[descriptor], b"FontFile3"),
        code=parts.number_of(b"/Subtype/Image"),
        attachment=parts.number_of(b"/Type/EmbeddedFile"),
    )


def _cut(parts: PdfParts, places: _Places) -> CutContent:
    resources = parts.objects[reference(parts.objects[places.page], b"Resources")]
    name = _found(re.compile(rb"/(f\d+) %d 0 R" % places.font), resources)[0]
    characters = glyph_characters(stream_data(parts.objects[places.to_unicode]))
    return cut_content(stream_data(parts.objects[places.contents]), name, characters)


def _fixed(parts: PdfParts, places: _Places, cut: CutContent, numbers: list[int]) -> dict[int, bytes]:
    """The objects that every certificate has alike; the numbers are those of the content's streams by turns."""
    kept = {number: body for number, body in parts.objects.items() if number not in places}
    listed = b" ".join(b"%d 0 R" % number for number in numbers)
    kept[places.page] = _CONTENTS.sub(b"/Contents[%b]" % listed, parts.objects[places.page])
    return {**kept, **dict(zip(numbers[::2], map(deflated_stream, cut.kept), strict=True))}


def _with_names(parts: PdfParts, places: _Places, face: PersonFace) -> dict[int, bytes]:
    """The objects in which only names change; the box of the font becomes that of the whole face."""
    numbers = (places.font, places.descriptor, places.info, places.metadata)
    box = b"/FontBBox[%d %d %d %d]" % tuple(face.box)
    return {number: _BOX.sub(box, parts.objects[number]) for number in numbers}


def _stand_ins(parts: PdfParts, places: _Places, number: str, signed_at: datetime) -> dict[bytes, bytes]:
    """What stands in the file, and under which name its place is filled in."""
    utc = signed_at.astimezone(UTC)
    document, instance = _found(_IDENTIFIERS, parts.trailer)
    return {
        number.encode("ascii"): b"number",
        number.encode("utf-16-be").hex().upper().encode(): b"number_hex",
        utc.strftime("%Y-%m-%dT%H:%M:%SZ").encode(): b"time",
        utc.strftime("D:%Y%m%d%H%M%SZ").encode(): b"time_short",
        document: b"document",
        instance: b"instance",
        _found(_TAG, parts.objects[places.font])[0]: b"tag",
    }


def _named(written: bytes, stand_ins: Mapping[bytes, bytes]) -> bytes:
    """Names for ``%`` at the places of the stand-ins."""
    pattern = re.compile(b"|".join(map(re.escape, stand_ins)))
    return pattern.sub(lambda found: b"%%(%b)b" % stand_ins[found[0]], written.replace(b"%", b"%%"))


def _own(parts: PdfParts, places: _Places, stand_ins: Mapping[bytes, bytes]) -> dict[int, bytes]:
    """The objects that are new in every file."""
    gray = reference(parts.objects[places.code], b"ColorSpace")
    attachment = parts.objects[places.attachment]
    entries = attachment[len(b"<<") : attachment.index(b">>\nstream\n")].replace(b"/Filter/FlateDecode", b"")
    entries = _SIZE.sub(b"/Size %(envelope_length)b", _LENGTH.sub(b"", _named(entries, stand_ins)))
    code = b"/Type/XObject/Subtype/Image/Width %%(code_width)b/Height %%(code_width)b/ColorSpace %d 0 R" % gray
    return {
        places.glyphs: _WIDTHS.sub(b"/W%(widths)b>>", _named(parts.objects[places.glyphs], stand_ins)),
        places.listed: _own_stream(b"listed"),
        places.to_unicode: _own_stream(b"to_unicode"),
        places.outlines: _own_stream(b"outlines", b"/Subtype/CIDFontType0C"),
        places.code: _own_stream(b"code", code + b"/BitsPerComponent 1"),
        places.attachment: _own_stream(b"envelope", entries),
    }


def _own_stream(name: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %%(%b_length)b%b>>\nstream\n%%(%b)b\nendstream" % (name, entries, name)


def _found(pattern: re.Pattern[bytes], written: bytes) -> tuple[bytes, ...]:
    found = pattern.search(written)
    if found is None:
        raise LookupError(pattern.pattern)
    return found.groups()
