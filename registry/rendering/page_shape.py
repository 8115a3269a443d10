"""Certificates whose pages differ in nothing but their signs: one page is set for all, with stand-ins for persons.

What is somebody's own stands in a face without kerning or ligatures, its Chinese characters all equally wide; numbers
and times have room of their own on the page (parts.typ). So the place of everything follows from these stand-ins:
``一`` for each Chinese character of a name, ``0`` for each digit, ``A`` for each capital of a number, and dates with
as many digits. All else of a certificate is left as it is, and is part of the shape.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

from registry.rendering import certificate_face as form
from registry.rendering.certificate_face import CertificateFace

SIGNED_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""The stand-in of every time."""
_NAME = str.maketrans(dict.fromkeys(map(chr, range(0x4E00, 0x9FA6)), "一"))
_NUMBER = str.maketrans({**dict.fromkeys("0123456789", "0"), **dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "A")})
_CODE = "0"
_PLAIN_NUMBER = re.compile(r"[0-9A-Z]+")


def shape_of(face: CertificateFace) -> CertificateFace | None:
    """The certificate with stand-ins: equal for all whose page is set alike.

    None where more than signs would differ: a photo, the frame around the remark of a reprint, an odd number.
    """
    if face.photo is not None or face.reprint is not None or _PLAIN_NUMBER.fullmatch(face.number) is None:
        return None
    return replace(
        face,
        number=number_shape(face.number),
        number_groups=tuple(map(number_shape, face.number_groups)),
        holder_name=face.holder_name.translate(_NAME),
        id_masked=number_shape(face.id_masked),
        assessed_on=_day_shape(face.assessed_on),
        issued_on=_day_shape(face.issued_on),
        signed_at=SIGNED_AT,
        qr_text=_CODE,
        envelope=_CODE.encode(),
        valid_until=face.valid_until and _day_shape(face.valid_until),
        first_issued_on=face.first_issued_on and _day_shape(face.first_issued_on),
        original_number=face.original_number and number_shape(face.original_number),
        official_number=face.official_number and number_shape(face.official_number),
    )


def number_shape(number: str) -> str:
    """Zeros for its digits, A for its capitals."""
    return number.translate(_NUMBER)


def personal_text(face: CertificateFace) -> str:
    """All that stands in the face for personal text, in the order of the page; for faces that have a shape."""
    _, signed_at = form.signature_line(face)
    own = [field.value for row in form.field_rows(face) for field in row if field.personal]
    numbers = [field.value for field in form.number_fields(face)]
    return "".join((*numbers, face.holder_name, face.holder_name, *own, signed_at))


def _day_shape(day: date) -> date:
    """A day with as many digits in its month and its day of the month."""
    return date(2000, 1 if day.month < 10 else 10, 1 if day.day < 10 else 10)
