"""Certificates as PDF/A-3b with the signed certificate attached, and as page pictures.

Typst sets the page of a shape once (`page_shape`), and each certificate of that shape is filled in (`page_template`).
Where that cannot be – a photo, a rare character – Typst sets the certificate itself. What keeps that quick: one
compiler per process, which remembers what certificates share; styles that are the same on every certificate (see
certificate.typ); personal text in a face of its own (`form_faces`); the code as 65 × 65 pixels.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import typst
from PIL import Image

from certs.errors import KezhengError
from registry.rendering import certificate_face as form
from registry.rendering.certificate_face import CertificateFace, FaceField
from registry.rendering.page_cutting import template_of
from registry.rendering.page_shape import number_shape, personal_text, shape_of
from registry.rendering.page_template import Filling, PageTemplate
from registry.rendering.person_face import PersonFace
from registry.rendering.qr_image import QrCode, QrEncoder
from registry.rendering.typst_page import PageCompiler, bytes_expression, literal, moment_values, values_expression

PICTURE_WIDTH = 1440
_FORM_FOLDER = Path(__file__).parent / "certificate_form"
_A4_INCHES = 210 / 25.4
_NAME_ROOM_POINTS = 350
_NAME_SIZES = (14, 30)
_SHAPES = 200
"""Templates that a process keeps, of 70 kB each: a batch needs one for each length of name, grade and occupation."""
_ROOM = {"0": 0.557, "A": 0.7, " ": 0.256}
"""Width in em that a sign of a number is given, by its shape: about what such signs have; any other as a digit."""
_TRACKING = 0.03


class CertificatePrinter:
    """Renders certificates; keep one per process, its compiler remembers the parts that all pages share."""

    def __init__(self) -> None:
        """Raises KezhengError ``fonts_missing``."""
        self._compiler = PageCompiler(_FORM_FOLDER)
        self._codes = QrEncoder()
        self._person_face = PersonFace()
        self._templates = lru_cache(_SHAPES)(self._make_template)

    def code(self, face: CertificateFace) -> QrCode:
        """The code on the page."""
        return self._codes.encode(face.qr_text)

    def render_pdf(self, face: CertificateFace, code: QrCode | None = None) -> bytes:
        """One A4 page, PDF/A-3b, with the envelope attached as ``certificate.cose``.

        ``code`` is that of the face, where the caller has it. The same face gives the same bytes.
        Raises KezhengError ``photo_unreadable``, ``certificate_not_rendered``.
        """
        shape = shape_of(face)
        text = personal_text(face)
        template = self._templates(shape) if shape and self._person_face.has(text) else None
        if template is None:
            return self.set_pdf(face)
        filling = Filling(text, face.number, face.signed_at, code or self.code(face), face.envelope)
        return template.filled(filling, self._person_face)

    def set_pdf(self, face: CertificateFace) -> bytes:
        """The same, set by Typst for this certificate alone, which takes fifteen times as long."""
        with _refusal_in_words():
            return self._compiler.pdf_a(self._source(face), face.signed_at)

    def _make_template(self, shape: CertificateFace) -> PageTemplate | None:
        """None where the page shows less than it was given: a name with a space where its line ends."""
        template = template_of(self.set_pdf(shape), shape.number, shape.signed_at, self._person_face)
        return template if template.text == personal_text(shape) else None

    def render_picture(self, face: CertificateFace) -> bytes:
        """The same page as a PNG of 1440 pixels width, for messengers."""
        with _refusal_in_words():
            return self._compiler.picture(self._source(face), PICTURE_WIDTH / _A4_INCHES)

    def _source(self, face: CertificateFace) -> str:
        values = _page_values(face)
        code = self.code(face)
        values["qr_width"] = code.width
        photo = f"bytes({literal(_photo_svg(face.photo))})" if face.photo else "none"
        return (
            '#import "certificate.typ": certificate\n'
            f"#certificate({values_expression(values)}, (\n"
            f"  qr: {_pixels(code)}, envelope: {bytes_expression(face.envelope)}, photo: {photo},\n))"
        )


@contextmanager
def _refusal_in_words() -> Iterator[None]:
    try:
        yield
    except typst.TypstError as error:
        raise KezhengError("certificate_not_rendered", detail=error.message) from error


def _pixels(code: QrCode) -> str:
    """The modules as an expression, as `bytes_expression` but without a Python object for each of four thousand."""
    listed = b"".join(code.pixel_rows()).replace(b"\x00", b"0,").replace(b"\xff", b"255,")
    return f'bytes(json(bytes("[{listed[:-1].decode()}]")))'


def _page_values(face: CertificateFace) -> dict[str, Any]:
    """Everything that the form prints, as JSON values; the names are those of the .typ files."""
    title_zh, title_en = form.title(face)
    check_zh, check_at = form.check_lines(face)
    signature, signed_at = form.signature_line(face)
    return {
        "kind": face.kind.value,
        "number": face.number,
        "title_zh": title_zh,
        "title_en": title_en,
        "band": form.BAND[face.kind],
        "number_fields": [{**_field(field), "room": _room(field.value)} for field in form.number_fields(face)],
        "holder": [_field(form.holder_field(face))],
        "name_size": _name_size(face.holder_name),
        "sentence_zh": form.sentence_zh(face),
        "sentence_en": form.sentence_en(face),
        "rows": [[_field(field) for field in row] for row in form.field_rows(face)],
        "grade_zh": face.grade.zh,
        "grade_en": form.GRADE_EN[face.grade],
        "issuer": face.institution_name,
        "signature": signature,
        "signed_at": signed_at,
        "signature_en": form.SIGNATURE_EN,
        "reprint": face.reprint,
        "check_zh": check_zh,
        "check_at": check_at,
        "foot": form.foot_lines(face),
        "fingerprint": form.fingerprint_line(face),
        "demo": form.demo_words(face),
        "attachment_name": form.ATTACHMENT_NAME,
        "attachment": form.ATTACHMENT_NOTE,
        "signed_utc": moment_values(face.signed_at),
    }


def _field(field: FaceField) -> dict[str, str | bool]:
    return {
        "label_zh": field.label_zh,
        "label_en": field.label_en,
        "value": field.value,
        "value_en": field.value_en,
        "personal": field.personal,
    }


def _room(number: str) -> float:
    """Width in em that follows from the shape of a number alone, so that signs of other widths move nothing."""
    return sum(_ROOM.get(sign, _ROOM["0"]) + _TRACKING for sign in number_shape(number))


def _name_size(name: str) -> float:
    """Points at which the name fills at most one line beside a photo: 25 Chinese characters at 14."""
    width = sum(1 if east_asian_width(character) in "WF" else 0.62 for character in name)
    smallest, largest = _NAME_SIZES
    return max(smallest, min(largest, _NAME_ROOM_POINTS / width))


def _photo_svg(photo: bytes) -> str:
    """The photo cut to 25 × 35 mm. Inside an SVG it reaches the PDF without being decoded and packed again.

    An SVG shows nothing where its picture is damaged, so the photo is tried before.
    Raises KezhengError ``photo_unreadable``.
    """
    try:
        with Image.open(BytesIO(photo), formats=["JPEG", "PNG"]) as picture:
            picture.load()
            kind = str(picture.format).lower()
    except (OSError, ValueError, SyntaxError):
        raise KezhengError("photo_unreadable") from None
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 25 35'>"
        "<image width='25' height='35' preserveAspectRatio='xMidYMid slice' "
        f"href='data:image/{kind};base64,{b64encode(photo).decode()}'/></svg>"
    )
