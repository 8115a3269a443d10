"""Certificates as PDF, beside the same pages without their QR code, which are made in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import count
from multiprocessing import get_context

from bench.rounds import Benchmark, Side
from bench.sample import sample_requests
from bench.sample_texts import Sealed, sealed_certificates
from certs.certificate_number import grouped
from certs.grades import CertificateKind
from certs.issuance import IssueRequest
from certs.timestamps import shanghai_day
from registry.rendering.certificate_face import CertificateFace
from registry.rendering.certificate_pdf import CertificatePrinter

PIECE = 100
CORES = 2


class PrinterWithoutCode(CertificatePrinter):
    """Makes the same page, with an empty picture of the code's size in its place."""

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
    """In this process."""
    turn = count()
    yield Benchmark(
        "pages",
        Side("certificate PDF", lambda: len(_print_piece(True, next(turn)))),
        Side("the page without QR", lambda: len(_print_piece(False, next(turn)))),
    )


@contextmanager
def on_two_cores() -> Iterator[Benchmark]:
    """By two processes that hand the files back, as those of an export do."""
    turn = count()
    with ProcessPoolExecutor(CORES, get_context("spawn")) as pool:

        def print_on_all(with_code: bool) -> int:
            pieces = [pool.submit(_print_piece, with_code, next(turn)) for _ in range(2 * CORES)]
            return sum(len(piece.result()) for piece in pieces)

        yield Benchmark(
            "pages",
            Side("certificate PDF on two cores", lambda: print_on_all(True)),
            Side("the page without QR on two cores", lambda: print_on_all(False)),
        )


def _print_piece(with_code: bool, sheet: int) -> list[bytes]:
    """Another ``sheet`` has other persons: every page is new to the printer."""
    printer = _printer(with_code)
    return [
        printer.render_pdf(replace(face, id_masked=f"{sheet:06}********{face.id_masked[-4:]}")) for face in _faces()
    ]


@cache
def _printer(with_code: bool) -> CertificatePrinter:
    return CertificatePrinter() if with_code else PrinterWithoutCode()


@cache
def _faces() -> list[CertificateFace]:
    return sample_faces(PIECE)


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
