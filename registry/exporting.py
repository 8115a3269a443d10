"""Writing certificates out: PDF, page picture and QR code of each, and the lists of a batch.

Files are readable by their owner only and named by certificate number, never by person. A file is complete or absent:
it is written beside its place and renamed. What is there already is not drawn again, so a stopped export goes on;
a file of the same number from another register is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from registry.directory import require_institution
from registry.faces import certificate_face
from registry.home import Home
from registry.issuing.reserve import approved_rows
from registry.rendering.batch_sheets import BatchTitle, IssuedLine, write_hand_over_sheet, write_result_list
from registry.rendering.certificate_face import CertificateFace
from registry.rendering.certificate_pages import Pages, render_pages
from registry.rendering.qr_image import QrEncoder
from registry.store.batch_store import BatchRecord
from registry.store.certificate_store import CertificateRecord, certificates_of_batch
from registry.store.engine import ReadTransaction
from registry.store.states import CertificateState

Progress = Callable[[int], None]
PROCESSES = os.cpu_count() or 1
FEW, FEW_WITHOUT_PICTURES = 24, 2_000
"""Up to so many certificates are drawn in this process: starting others takes longer."""
PICTURES = 1_000
"""Up to so many certificates get a page picture unasked: a picture takes as long as a hundred PDFs."""


class IssuedFile(NamedTuple):
    """Where the files of one certificate lie, with what a caller needs to name it."""

    number: str
    row: int
    qr: str
    png: Path
    svg: Path
    pdf: Path
    picture: Path | None


def export_batch(
    home: Home, batch: BatchRecord, folder: Path, now: datetime, progress: Progress, pictures: bool | None = None
) -> list[IssuedFile]:
    """Write every released certificate of a batch and its lists; what each certificate's files are.

    ``pictures`` None: page pictures are drawn unless the batch is large.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with home.store.reading() as tx:
        pairs = list(_faces(home, tx, batch, now))
    wanted = len(pairs) <= PICTURES if pictures is None else pictures
    issued = [_issued(folder, face, row, wanted) for face, row in pairs]
    missing = [face for (face, _), files in zip(pairs, issued, strict=True) if not _complete(face, files)]
    by_number = {files.number: files for files in issued}
    for done, (face, pages) in enumerate(_render(missing, wanted), 1):
        _write_pages(by_number[face.number], pages)
        progress(done)
    _write_lists(folder, batch, [face for face, _ in pairs])
    return issued


def export_certificate(folder: Path, face: CertificateFace, row: int) -> IssuedFile:
    """Write one certificate anew, as for a reprint."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = _issued(folder, face, row, True)
    for _, pages in render_pages([face], 1):
        _write_pages(files, pages)
    return files


def _render(faces: Sequence[CertificateFace], pictures: bool) -> Iterator[tuple[CertificateFace, Pages]]:
    few = FEW if pictures else FEW_WITHOUT_PICTURES
    return render_pages(faces, 1 if len(faces) <= few else PROCESSES, pictures=pictures)


def _write_lists(folder: Path, batch: BatchRecord, faces: Sequence[CertificateFace]) -> None:
    """The sheet on which holders sign for their certificates, and the list of what was issued."""
    if not faces:
        return
    title = BatchTitle(faces[0].institution_name, batch.label)
    lines = [_line(face) for face in faces]
    write_hand_over_sheet(folder / f"签领表_{batch.id}.xlsx", title, lines)
    write_result_list(folder / f"发证清单_{batch.id}.xlsx", title, lines)


def _line(face: CertificateFace) -> IssuedLine:
    return IssuedLine(
        name=face.holder_name,
        number=face.number,
        id_masked=face.id_masked,
        occupation=face.occupation_zh,
        direction=face.direction or "--",
        grade=face.grade.zh,
        assessed_on=face.assessed_on.isoformat(),
        issued_on=face.issued_on.isoformat(),
    )


def _faces(home: Home, tx: ReadTransaction, batch: BatchRecord, now: datetime) -> Iterator[tuple[CertificateFace, int]]:
    institution = require_institution(tx, batch.institution_code)
    rows = {row.id: (row, candidate) for row, candidate in approved_rows(home, tx, batch)}
    released: list[CertificateRecord] = certificates_of_batch(tx, batch.id, [CertificateState.RELEASED])
    for certificate in released:
        row, candidate = rows[certificate.roster_row_id]
        yield certificate_face(home, certificate, candidate, institution, now), row.sheet_row


def _issued(folder: Path, face: CertificateFace, row: int, picture: bool) -> IssuedFile:
    number = face.number
    return IssuedFile(
        number=number,
        row=row,
        qr=face.qr_text,
        png=folder / f"{number}-qr.png",
        svg=folder / f"{number}-qr.svg",
        pdf=folder / f"{number}.pdf",
        picture=folder / f"{number}.png" if picture else None,
    )


def _complete(face: CertificateFace, files: IssuedFile) -> bool:
    """Whether every file is there. The vector code is written last and tells of which certificate they are."""
    if not all(path is None or path.exists() for path in (files.png, files.svg, files.pdf, files.picture)):
        return False
    return files.svg.read_bytes() == QrEncoder().encode(face.qr_text).svg().encode("ascii")


def _write_pages(files: IssuedFile, pages: Pages) -> None:
    for path, content in (
        (files.pdf, pages.pdf),
        (files.picture, pages.picture),
        (files.png, pages.qr_png),
        (files.svg, pages.qr_svg.encode("ascii")),
    ):
        if path is not None:
            write_private(path, content)


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner's eyes, whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(beside, path)
