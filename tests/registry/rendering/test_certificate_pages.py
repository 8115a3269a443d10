"""The files of many certificates, drawn by this process or by several: the same ones, in order."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

import pytest

from certs.errors import KezhengError
from registry.rendering import certificate_pages
from registry.rendering.certificate_face import CertificateFace
from registry.rendering.certificate_pages import Pages, render_pages


def many(face: CertificateFace, number: int) -> list[CertificateFace]:
    return [replace(face, number=f"P{n:021}M", qr_text=f"{face.qr_text[:-4]}{n:04}") for n in range(number)]


class HerePool:
    """Draws in this process, when it is asked for the answer; notes what waits."""

    def __init__(self) -> None:
        self.waiting = self.most_waiting = 0
        self.is_shut = False

    def submit(self, _draw: object, faces: Sequence[CertificateFace], _pictures: bool) -> Future[list[Pages]]:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        future: Future[list[Pages]] = Future()
        future.set_result([Pages(face.number.encode(), b"", b"", "") for face in faces])
        real = future.result

        def taken(timeout: float | None = None) -> list[Pages]:
            self.waiting -= 1
            return real(timeout)

        future.result = taken  # type: ignore[method-assign]
        return future

    def shutdown(self, *, cancel_futures: bool) -> None:
        assert cancel_futures
        self.is_shut = True


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> HerePool:
    made = HerePool()
    monkeypatch.setattr(certificate_pages, "ProcessPoolExecutor", lambda *_args, **_options: made)
    return made


@pytest.mark.slow
def test_two_processes_draw_what_one_does(face: CertificateFace) -> None:
    faces = many(face, 40)
    alone = list(render_pages(faces, 1, pictures=False))
    assert list(render_pages(faces, 2, pictures=False)) == alone
    assert [own for own, _ in alone] == faces


@pytest.mark.slow
def test_what_a_process_refuses_is_refused_here(face: CertificateFace) -> None:
    faces = many(face, 20)
    faces[17] = replace(faces[17], photo=b"no picture")
    with pytest.raises(KezhengError, match="photo_unreadable"):
        list(render_pages(faces, 2, pictures=False))


def test_files_that_nobody_took_yet_do_not_pile_up(face: CertificateFace, pool: HerePool) -> None:
    faces = many(face, 500)
    drawn = render_pages(faces, 2)
    first = next(drawn)
    assert pool.waiting == 5
    assert [(own.number, pages.pdf.decode()) for own, pages in (first, *drawn)] == [(own.number,) * 2 for own in faces]
    assert (pool.most_waiting, pool.waiting, pool.is_shut) == (6, 0, True)


def test_who_stops_taking_ends_the_processes(face: CertificateFace, pool: HerePool) -> None:
    drawn = render_pages(many(face, 500), 2)
    next(drawn)
    assert not pool.is_shut
    drawn.close()
    assert pool.is_shut


def test_nothing_to_draw_starts_no_process(pool: HerePool) -> None:
    assert list(render_pages([], 2)) == []
    assert not pool.is_shut
