"""A PDF as Typst writes it, taken apart into its objects and put together again (ISO 32000-1 §7.5, §7.8).

Only that form is read: one section of objects, one table of cross-references, no object streams.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple

_END = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_TABLE = re.compile(rb"xref\s+0 (\d+)\s*\n")
_TRAILER = re.compile(rb"trailer\s*(<<.*>>)\s*startxref", re.DOTALL)
_ENTRY_LENGTH = 20
_FREE = b"0000000000 65535 f\r\n"


class PdfParts(NamedTuple):
    """``objects`` are the bodies by number, without ``obj`` and ``endobj``."""

    head: bytes
    objects: dict[int, bytes]
    trailer: bytes

    def number_of(self, *marks: bytes) -> int:
        """The one object that holds all of these bytes. Raises LookupError."""
        found = [number for number, body in self.objects.items() if all(mark in body for mark in marks)]
        if len(found) != 1:
            raise LookupError(b"".join(marks))
        return found[0]


def take_apart(pdf: bytes) -> PdfParts:
    """Raises ValueError for anything that has another form."""
    end = _END.search(pdf)
    table = _TABLE.match(pdf, int(end[1])) if end else None
    trailer = _TRAILER.search(pdf, int(end[1])) if end else None
    if end is None or table is None or trailer is None:
        raise ValueError("a PDF of another form")
    entries = pdf[table.end() : table.end() + int(table[1]) * _ENTRY_LENGTH]
    places = {n: int(entries[n * _ENTRY_LENGTH :][:10]) for n in range(1, int(table[1]))}
    ends = dict(zip(sorted(places.values()), [*sorted(places.values())[1:], int(end[1])], strict=True))
    objects = {n: _body(n, pdf[place : ends[place]]) for n, place in places.items()}
    return PdfParts(pdf[: min(places.values())], objects, trailer[1])


def _body(number: int, written: bytes) -> bytes:
    opening, closing = b"%d 0 obj\n" % number, b"\nendobj"
    if not written.startswith(opening) or closing not in written:
        raise ValueError("an object of another form")
    return written[len(opening) : written.rindex(closing)]


def reference(body: bytes, key: bytes) -> int:
    """The number of the object that an entry of a dictionary refers to. Raises LookupError."""
    found = re.search(rb"/" + key + rb"[\s\[]*(\d+) 0 R", body)
    if found is None:
        raise LookupError(key)
    return int(found[1])


def stream_data(body: bytes) -> bytes:
    """What the stream of an object holds, inflated where it is deflated. Raises ValueError, zlib.error."""
    opening = body.index(b"stream\n")
    data = body[opening + len(b"stream\n") : body.rindex(b"\nendstream")]
    return zlib.decompress(data) if b"/FlateDecode" in body[:opening] else data


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """The body of a stream object whose data stand as they are."""
    return b"<</Length %d%b>>\nstream\n%b\nendstream" % (len(data), entries, data)


def deflated_stream(data: bytes) -> bytes:
    """The body of a stream object, deflated."""
    return stream(zlib.compress(data, 9), b"/Filter/FlateDecode")


def written_object(number: int, body: bytes) -> bytes:
    """One object as it stands in the file."""
    return b"%d 0 obj\n%b\nendobj\n" % (number, body)


def section(objects: Mapping[int, bytes], place: int) -> tuple[bytes, dict[int, bytes]]:
    """Objects written one after the other from a place in the file, and the entry of each in the table."""
    entries = {}
    written = []
    for number, body in objects.items():
        entries[number] = b"%010d 00000 n\r\n" % place
        written.append(written_object(number, body))
        place += len(written[-1])
    return b"".join(written), entries


def closing(entries: Mapping[int, bytes], trailer: bytes, place: int) -> bytes:
    """Table of cross-references and trailer, which end a file; the table begins at ``place``.

    ``entries`` has every number from 1.
    """
    rows = b"".join(map(entries.__getitem__, range(1, len(entries) + 1)))
    head = b"xref\n0 %d\n" % (len(entries) + 1)
    return b"%b%b%btrailer\n%b\nstartxref\n%d\n%%%%EOF" % (head, _FREE, rows, trailer, place)
