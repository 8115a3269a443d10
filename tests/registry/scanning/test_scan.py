"""One code comes out of a file, or a word that says why not, and hostile files cost a child process at most."""

import struct
import sys
import time
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from certs.errors import KezhengError
from registry.rendering.qr_image import qr_code
from registry.scanning import confinement
from registry.scanning.scan import ScanResult, scan_file
from registry.scanning.scan_limits import MAX_FILE_BYTES, MAX_PAGES, MAX_RECEIPT_BYTES

CodeOf = Callable[[int], Image.Image]
Maker = Callable[..., bytes]


def refused(data: bytes) -> str:
    with pytest.raises(KezhengError) as raised:
        scan_file(data)
    return raised.value.code


def side_by_side(*pictures: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (sum(picture.width for picture in pictures), pictures[0].height), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number * picture.width, 0))
    return sheet


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_code_in_a_picture(kind: str, code_of: CodeOf, text_of: Callable[[int], str], saved: Maker) -> None:
    assert scan_file(saved(code_of(1), kind)) == ScanResult(text_of(1), None)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16", "CMYK"])
def test_pictures_of_every_mode(mode: str, code_of: CodeOf, text_of: Callable[[int], str], saved: Maker) -> None:
    picture = code_of(2).convert("L").convert("I;16") if mode == "I;16" else code_of(2).convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert scan_file(saved(picture, kind)).qr_text == text_of(2)


def test_transparent_ground_counts_as_paper(code_of: CodeOf, text_of: Callable[[int], str], saved: Maker) -> None:
    grey = code_of(3).convert("L")
    see_through = Image.new("LA", grey.size, (0, 0))
    see_through.paste(Image.new("LA", grey.size, (0, 255)), mask=grey.point(lambda value: 255 - value))
    assert scan_file(saved(see_through)).qr_text == text_of(3)


def test_turned_and_small_pictures(code_of: CodeOf, text_of: Callable[[int], str], saved: Maker) -> None:
    turned = code_of(4).rotate(17, expand=True, fillcolor="white")
    assert scan_file(saved(turned, "JPEG", quality=60)).qr_text == text_of(4)
    small = code_of(4).resize((130, 130), Image.Resampling.LANCZOS)
    assert scan_file(saved(small)).qr_text == text_of(4)


def test_pdf_with_the_code_and_the_envelope(
    code_of: CodeOf, text_of: Callable[[int], str], envelope_of: Callable[[int], bytes], pdf_of: Maker
) -> None:
    data = pdf_of([code_of(5)], ("certificate.cose", envelope_of(5)), ("letter.txt", b"hello"))
    assert scan_file(data) == ScanResult(text_of(5), envelope_of(5))
    assert scan_file(b"\n% mail head\n" + pdf_of([code_of(5)])).qr_text == text_of(5)


def test_attachment_alone_is_enough(envelope_of: Callable[[int], bytes], pdf_of: Maker) -> None:
    blank = Image.new("RGB", (600, 600), "white")
    assert scan_file(pdf_of([blank], ("certificate.cose", envelope_of(6)))) == ScanResult(None, envelope_of(6))
    assert refused(pdf_of([blank], ("other.cose", envelope_of(6)))) == "no_code_found"
    assert refused(pdf_of([blank], ("certificate.cose", bytes(5000)))) == "no_code_found"


def test_the_same_code_twice_is_one_code(
    code_of: CodeOf, text_of: Callable[[int], str], saved: Maker, pdf_of: Maker
) -> None:
    assert scan_file(saved(side_by_side(code_of(7), code_of(7)))).qr_text == text_of(7)
    assert scan_file(pdf_of([code_of(7), code_of(7)])).qr_text == text_of(7)


def test_distinct_codes_are_refused(
    code_of: CodeOf, envelope_of: Callable[[int], bytes], saved: Maker, pdf_of: Maker
) -> None:
    assert refused(saved(side_by_side(code_of(8), code_of(9)))) == "multiple_codes"
    assert refused(pdf_of([code_of(8), code_of(9)])) == "multiple_codes"
    assert refused(pdf_of([code_of(8)], ("certificate.cose", envelope_of(9)))) == "multiple_codes"


def test_a_code_of_others_beside_our_attachment_is_refused(
    envelope_of: Callable[[int], bytes], pdf_of: Maker, saved: Maker
) -> None:
    foreign = _code("HTTPS://EXAMPLE.COM/HELLO")
    assert refused(pdf_of([foreign], ("certificate.cose", envelope_of(1)))) == "multiple_codes"
    assert scan_file(saved(foreign)).qr_text == "HTTPS://EXAMPLE.COM/HELLO"


def test_files_without_a_code(saved: Maker, pdf_of: Maker) -> None:
    blank = Image.new("RGB", (400, 300), "white")
    assert refused(saved(blank)) == refused(saved(blank, "JPEG")) == refused(pdf_of([blank])) == "no_code_found"


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a" + bytes(50), b"PK\x03\x04", b"%PDF-1.7\n%%EOF", bytes(9999)])
def test_other_files(data: bytes) -> None:
    assert refused(data) == "file_unreadable"


def test_truncated_files(code_of: CodeOf, saved: Maker, pdf_of: Maker) -> None:
    for whole in (saved(code_of(1)), saved(code_of(1), "JPEG")):
        assert refused(whole[: len(whole) // 3]) == "file_unreadable"
        assert refused(whole[:20]) == "file_unreadable"
    whole = pdf_of([code_of(1)])
    assert refused(whole[: len(whole) // 3]) in ("file_unreadable", "no_code_found")


def test_decompression_bomb_is_refused_by_its_head() -> None:
    bomb = _png_of_nothing(50_000, 50_000)
    started = time.monotonic()
    assert refused(bomb) == "image_too_large"
    assert time.monotonic() - started < 5


def test_pixels_up_to_the_limit_fit_the_memory() -> None:
    """The largest colour picture with transparency that is let in does not break the child."""
    assert refused(_png_of_nothing(8_000, 8_000)) == "no_code_found"


def test_pdf_page_of_giant_size(pdf_of: Maker, code_of: CodeOf) -> None:
    data = pdf_of([code_of(1)])
    box = data.index(b"/MediaBox")
    end = data.index(b"]", box)
    giant = data[:box] + b"/MediaBox[0 0 9999999 9999999" + data[end:]
    assert refused(giant) in ("no_code_found", "image_too_large", "file_unreadable")


def test_pdf_of_too_many_pages(pdf_of: Maker) -> None:
    assert refused(pdf_of([Image.new("L", (20, 20))] * (MAX_PAGES + 1))) == "image_too_large"


def test_pdf_page_of_too_many_objects() -> None:
    assert refused(_pdf_with_content(b"0 0 1 1 re f\n" * 60_000)) == "image_too_large"


def test_pdf_content_bomb() -> None:
    """Half a megabyte that inflates to half a gigabyte."""
    packed = zlib.compress(b" " * 500_000_000, 9)
    assert refused(_pdf_with_content(packed, b"/Filter/FlateDecode")) in (
        "image_too_large",
        "file_unreadable",
        "no_code_found",
    )


def test_too_large_a_file_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "_PYTHON", ("/nonexistent",))
    assert refused(bytes(MAX_FILE_BYTES + 1)) == "image_too_large"


@pytest.mark.parametrize(
    "program", ["while True: pass", "import os; os.abort()", "print('x' * 2_000_000)", "print('{')", "print('[]')"]
)
def test_a_reader_that_misbehaves(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "reader.py"
    script.write_text(program)
    monkeypatch.setattr(confinement, "_PYTHON", (sys.executable, "-I", str(script)))
    monkeypatch.setattr(confinement, "WALL_SECONDS", 0.5)
    assert refused(b"x") == "file_unreadable"


def _code(text: str) -> Image.Image:
    return Image.open(BytesIO(qr_code(text).png())).convert("RGB")


def _png_of_nothing(width: int, height: int) -> bytes:
    """A PNG of transparent pixels: every row the same zeros, packed a thousandfold."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 4 * width)
    data = b"".join(packer.compress(row) for _ in range(min(height, 256_000_000 // len(row) + 1))) + packer.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _pdf_with_content(content: bytes, extra: bytes = b"") -> bytes:
    return (
        b"%%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj\n"
        b"4 0 obj<</Length %d%s>>stream\n%s\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF\n"
        % (len(content), extra, content)
    )


def test_a_receipt_stands_alone(code_of: CodeOf, envelope_of: Maker, pdf_of: Maker) -> None:
    blank, receipt = Image.new("L", (300, 300), 255), ("receipt.json", b'{"format":1}')
    assert scan_file(pdf_of([blank], receipt)) == ScanResult(None, None, b'{"format":1}')
    assert refused(pdf_of([code_of(1)], receipt)) == "multiple_codes"
    assert refused(pdf_of([blank], receipt, ("certificate.cose", envelope_of(6)))) == "multiple_codes"


def test_a_receipt_has_a_size(pdf_of: Maker) -> None:
    blank = Image.new("L", (20, 20), 255)
    whole = bytes(MAX_RECEIPT_BYTES)
    assert scan_file(pdf_of([blank], ("receipt.json", whole))).receipt == whole
    assert refused(pdf_of([blank], ("receipt.json", whole + b"0"))) == "no_code_found"
