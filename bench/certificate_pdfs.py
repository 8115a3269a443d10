"""Certificates as PDF in one process, beside the same pages without their QR code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from bench.rounds import Benchmark, Side
from bench.sample import sample_requests
from bench.sample_texts import Sealed, sealed_certificates
from certs.certificate_number import grouped
from certs.grades import CertificateKind
from certs.issuance import IssueRequest
from certs.timestamps import shanghai_day
from registry.rendering.certificate_face import CertificateFace
from registry.rendering.certificate_pdf import CertificatePrinter

PIECE = 50


class PrinterWithoutCode(CertificatePrinter):
    """Sets the same page, with an empty picture of the code's size in its place."""

    def __init__(self) -> None:
        super().__init__()
        self._codes = _NoCode()  # type: ignore[assignment]  # the one part that the limit leaves out


class _NoCode:
    """A picture of one light pixel."""

    width = 1

    def encode(self, _text: str) -> _NoCode:
        return self

    def pixel_rows(self) -> list[bytes]:
        return [b"\xff"]

    def packed(self) -> bytes:
        return b"\x80"


@contextmanager
def prepared() -> Iterator[Benchmark]:
    with_code, without_code = CertificatePrinter(), PrinterWithoutCode()
    faces = sample_faces(PIECE)
    turn = count()

    def print_with(printer: CertificatePrinter) -> int:
        # The compiler remembers pages that it has set; another holder's name makes every page new.
        sheet = next(turn)
        for face in faces:
            printer.render_pdf(replace(face, id_masked=f"{sheet:06}********{face.id_masked[-4:]}"))
        return PIECE

    yield Benchmark(
        "pages",
        Side("certificate PDF", lambda: print_with(with_code)),
        Side("the page without QR", lambda: print_with(without_code)),
    )


def sample_faces(number: int) -> list[CertificateFace]:
    _, sealed = sealed_certificates(number)
    return [sample_face(request, each) for request, each in zip(sample_requests(number), sealed, strict=True)]


def sample_face(request: IssueRequest, sealed: Sealed) -> CertificateFace:
    claims = request.claims
    return CertificateFace(
        kind=CertificateKind.ASSESSMENT,
        number=claims.number,
        number_groups=tuple(grouped(request.number).split()),
        holder_name=claims.name,
        id_type_zh="居民身份证",
        id_masked="150102********" + claims.id_tail,
        occupation_zh=request.occupation.name_zh,
        occupation_en=request.occupation.name_en or "",
        occupation_code=claims.occupation_code,
        direction=request.direction,
        grade=claims.grade,
        assessed_on=claims.assessed_on,
        issued_on=shanghai_day(claims.issued_at),
        signed_at=claims.issued_at,
        institution_name="北疆数字技术评价中心",
        institution_code=request.number.institution_code,
        site="主考点",
        qr_text=sealed.qr_text,
        envelope=sealed.envelope,
        public_domain="verify.example.cn",
    )
