"""All that is drawn of one certificate: PDF, page picture, QR code; by this process or by several."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from registry.rendering.certificate_face import CertificateFace
from registry.rendering.certificate_pdf import CertificatePrinter

_CHUNK = 16
_CHUNKS_FOR_EACH = 3
"""One is being drawn, one waits, one is taken: files that nobody has taken yet must not fill the memory."""


class Pages(NamedTuple):
    """The files of one certificate; ``picture`` is empty where none was asked for."""

    pdf: bytes
    picture: bytes
    qr_png: bytes
    qr_svg: str


def render_pages(
    faces: Sequence[CertificateFace], processes: int, *, pictures: bool = True
) -> Iterator[tuple[CertificateFace, Pages]]:
    """Each face with its files, in order. Raises KezhengError ``fonts_missing``, ``certificate_not_rendered``.

    Processes are spawned, not forked: the threads of a compiler that was used do not survive a fork.
    """
    if processes == 1 or not faces:
        drawer = _Drawer()
        yield from ((face, drawer.draw(face, pictures)) for face in faces)
        return
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_start)
    try:
        yield from zip(faces, _in_order(pool, faces, pictures, processes * _CHUNKS_FOR_EACH), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, faces: Sequence[CertificateFace], pictures: bool, most_waiting: int
) -> Iterator[Pages]:
    waiting: deque[Future[list[Pages]]] = deque()
    for start in range(0, len(faces), _CHUNK):
        waiting.append(pool.submit(_draw, faces[start : start + _CHUNK], pictures))
        if len(waiting) >= most_waiting:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


class _Drawer:
    """One printer, which remembers what certificates share."""

    def __init__(self) -> None:
        self._printer = CertificatePrinter()

    def draw(self, face: CertificateFace, pictures: bool) -> Pages:
        code = self._printer.code(face)
        picture = self._printer.render_picture(face) if pictures else b""
        return Pages(self._printer.render_pdf(face, code), picture, code.png(), code.svg())


_drawer: _Drawer | None = None


def _start() -> None:
    global _drawer
    _drawer = _Drawer()


def _draw(faces: Sequence[CertificateFace], pictures: bool) -> list[Pages]:
    assert _drawer is not None
    return [_drawer.draw(face, pictures) for face in faces]
