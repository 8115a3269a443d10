"""The codes are those of `qrcode` itself, of the version they should have, and can be read by another program."""

import random
import re
from collections.abc import Callable
from io import BytesIO

import pytest
import qrcode
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_ALPHA_NUM, QRData

from certs.errors import KezhengError
from registry.rendering.qr_image import QUIET_ZONE, QrCode, QrEncoder, qr_code, smallest_version
from registry.rendering.qr_tables import MASK

PREFIX = "HTTPS://VERIFY.EXAMPLE.CN/V/"
BASE_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BY_TABLES = QrEncoder(library_first=0)
BY_LIBRARY = QrEncoder(library_first=1_000_000)


def made_by_library(text: str) -> tuple[int, list[str]]:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, mask_pattern=MASK, border=0)
    code.add_data(QRData(text, mode=MODE_ALPHA_NUM))
    code.make(fit=True)
    return code.version, ["".join("1" if dark else "0" for dark in row) for row in code.modules]


def random_text(length: int, seed: int) -> str:
    chosen = random.Random(seed)
    return PREFIX + "".join(chosen.choice(BASE_32) for _ in range(length - len(PREFIX)))


# Every version that a certificate can need, short of, at and past its capacity; odd and even lengths.
@pytest.mark.parametrize("length", [60, 90, 121, 154, 178, 200, 221, 259, 262, 263, 294, 311, 312, 366, 367, 419, 480])
def test_tables_and_library_draw_the_same_matrix(length: int) -> None:
    for seed in range(4):
        text = random_text(length, seed)
        expected = made_by_library(text)
        for encoder in (BY_TABLES, BY_LIBRARY):
            code = encoder.encode(text)
            assert (code.version, code.rows()) == expected


@given(st.text(alphabet=BASE_32 + "89 $%*+-./:", min_size=1, max_size=311))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_the_matrix_of_the_library(text: str) -> None:
    code = BY_TABLES.encode(text)
    assert (code.version, code.rows()) == made_by_library(text)


def test_encoder_changes_from_library_to_tables_without_a_difference() -> None:
    encoder = QrEncoder(library_first=2)
    texts = [random_text(120, seed) for seed in range(5)]
    assert [encoder.encode(text) for text in texts] == [BY_LIBRARY.encode(text) for text in texts]


def test_certificates_fit_the_versions_that_were_promised() -> None:
    # A three-character name in a 28-character address: 166 bytes; a 25-character name without any other length.
    assert smallest_version(len(PREFIX) + 266) == 10
    assert smallest_version(len(PREFIX) + (166 + 22 * 3) * 8 // 5 + 1) <= 12


def test_other_characters_and_too_long_texts_are_refused() -> None:
    for text in ("https://lower.example", "P₁", "中", "P\ud800"):
        with pytest.raises(KezhengError, match="qr_text_not_alphanumeric"):
            qr_code(text)
    with pytest.raises(KezhengError, match="qr_text_too_long"):
        qr_code("A" * 4000)


def test_png_is_read_back(text_of: Callable[[bytes], str]) -> None:
    for seed in range(10):
        text = text_of(random.Random(seed).randbytes(166))
        for scale in (1, 2):
            image = Image.open(BytesIO(qr_code(text).png(scale)))
            image.load()
            assert image.mode == "1"
            assert image.width == image.height == (57 + 2 * QUIET_ZONE) * 8 * scale
            assert [found.text for found in zxingcpp.read_barcodes(image.convert("L"))] == [text]


def test_png_prints_in_the_size_of_the_certificate() -> None:
    image = Image.open(BytesIO(qr_code(random_text(294, 1)).png()))
    assert image.width / image.info["dpi"][0] * 25.4 == pytest.approx(35, abs=0.01)


def test_svg_draws_the_modules() -> None:
    code = qr_code(random_text(294, 2))
    drawn = [["0"] * code.width for _ in range(code.width)]
    for y, moves in re.findall(r"M4 (\d+)\.5([^M\"']*)", code.svg()):
        x = QUIET_ZONE
        for stroke, length in re.findall(r"(h|m)(\d+)", moves):
            if stroke == "h":
                drawn[int(y)][x : x + int(length)] = "1" * int(length)
            x += int(length)
    inner = [row[QUIET_ZONE:-QUIET_ZONE] for row in drawn[QUIET_ZONE:-QUIET_ZONE]]
    assert ["".join(row) for row in inner] == code.rows()
    assert code.svg().count("<path") == 2


@pytest.mark.parametrize("length", [60, 262, 294, 312, 419])
def test_packed_code_has_a_bit_for_each_module(length: int) -> None:
    code = qr_code(random_text(length, 4))
    packed = code.packed()
    image = Image.frombytes("1", (code.width, code.width), packed)
    assert image.convert("L").tobytes() == b"".join(code.pixel_rows())
    assert len(packed) == code.width * ((code.width + 7) // 8)


def test_quiet_zone_is_light() -> None:
    code: QrCode = qr_code(random_text(294, 3))
    rows = code.pixel_rows()
    light = b"\xff" * QUIET_ZONE
    assert len(rows) == code.width
    assert all(row == b"\xff" * code.width for row in (*rows[:QUIET_ZONE], *rows[-QUIET_ZONE:]))
    assert all(row.startswith(light) and row.endswith(light) for row in rows)
