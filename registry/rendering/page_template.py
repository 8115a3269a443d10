"""A page that Typst has set once, filled in for each certificate of its shape.

What all these certificates share – the form, its fonts, the structure for screen readers – is copied as bytes, already
compressed. Own to each are: the signs of personal text, at the places of the stand-ins; the glyphs of these signs;
code, attachment, number, time and identifiers. The result has the objects that Typst itself would have written (a test
compares them), but for the content of the page, which is cut into several streams, and for what is new, which is not
deflated, because it is small or would not shrink.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from registry.rendering.pdf_objects import closing, section
from registry.rendering.person_face import FaceSubset, PersonFace
from registry.rendering.qr_image import QrCode

_GLYPHS = [b"%04X" % glyph for glyph in range(1, 1024)]
"""The numbers of glyphs, from the first after the empty box."""


class Filling(NamedTuple):
    """What one certificate puts into the page of its shape."""

    text: str
    """All that is shown in the face for personal text, in the order of the page; as long as the template's."""
    number: str
    signed_at: datetime
    code: QrCode
    envelope: bytes


@dataclass(frozen=True, slots=True)
class PageTemplate:
    """A file in three parts of constant length, and the objects and the table that come after them."""

    fixed: bytes
    shown: bytes
    """The objects that show personal text: ``%b`` for the number of each glyph in turn."""
    named: bytes
    """The objects with number, time, identifiers and the name of the subset; names for ``%`` here and below."""
    own: Mapping[int, bytes]
    """The bodies of the objects whose lengths differ from one certificate to the next."""
    entries: Mapping[int, bytes]
    """Where the objects of the three parts stand, for the table of cross-references."""
    trailer: bytes
    text: str
    """What the page of the stand-ins shows in the face for personal text."""

    def filled(self, filling: Filling, face: PersonFace) -> bytes:
        """The PDF of a certificate; the same filling gives the same bytes.

        Raises KeyError for a character that is not in the face.
        """
        characters = list(dict.fromkeys(filling.text))
        glyphs = dict(zip(characters, _GLYPHS, strict=False))
        names = _names(filling, face.subset(characters))
        shown, named = self.shown % tuple(map(glyphs.__getitem__, filling.text)), self.named % names
        place = len(self.fixed) + len(shown) + len(named)
        own, entries = section({number: body % names for number, body in self.own.items()}, place)
        end = closing({**self.entries, **entries}, self.trailer % names, place + len(own))
        return b"".join((self.fixed, shown, named, own, end))


def _names(filling: Filling, subset: FaceSubset) -> dict[bytes, bytes]:
    """What the names in a template stand for."""
    number, signed_at = filling.number.encode("ascii"), filling.signed_at.astimezone(UTC)
    time = signed_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    streams = {
        b"code": filling.code.packed(),
        b"envelope": filling.envelope,
        b"listed": subset.listed,
        b"to_unicode": subset.to_unicode,
        b"outlines": subset.outlines,
    }
    return {
        **streams,
        **{name + b"_length": b"%d" % len(data) for name, data in streams.items()},
        b"number": number,
        b"number_hex": filling.number.encode("utf-16-be").hex().upper().encode(),
        b"time": time,
        b"time_short": signed_at.strftime("D:%Y%m%d%H%M%SZ").encode(),
        b"document": _identifier(number),
        b"instance": _identifier(b"\n".join((number, time, filling.text.encode(), *streams.values()))),
        b"code_width": b"%d" % filling.code.width,
        b"tag": subset.tag,
        b"widths": subset.widths,
    }


def _identifier(of: bytes) -> bytes:
    """As long as those of Typst (ISO 32000-1 §14.4)."""
    return b64encode(blake2b(of, digest_size=16).digest())
