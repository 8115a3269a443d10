"""QR codes of certificate texts: matrix, PNG and SVG (ISO/IEC 18004, alphanumeric mode, error level M).

Level M is what the page picture needs to survive messengers; the smallest version that holds the text is
used.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from functools import cache

from qrcode.base import rs_blocks
from qrcode.constants import ERROR_CORRECT_M

from certs.errors import KezhengError
from registry.rendering.qr_tables import QrTables, build_tables, library_matrix

QUIET_ZONE = 4
"""Light modules around the code (ISO/IEC 18004 §6.3.8)."""
PRINTED_METRES = 0.035
"""Side on paper, quiet zone included; written into the PNG so that it prints in the same size as on the
certificate."""

_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_NO_VALUE = 0xFF
_VALUES = bytes(_ALPHANUMERIC.find(chr(code)) & _NO_VALUE for code in range(256))
_MODE = 0b0010
_PADDING = b"\xec\x11"
_LIBRARY_FIRST = 64
"""Codes of a version that the library draws before tables are built: about where both cost the same time."""
_TO_PIXELS = bytes.maketrans(b"01", b"\xff\x00")


def _strokes_of_byte(value: int) -> str:
    """Path data that draws eight modules and ends to the right of them."""
    runs = (match[0] for match in re.finditer("1+|0+", format(value, "08b")))
    return "".join(f"h{len(run)}" if run[0] == "1" else f"m{len(run)} 0" for run in runs)


_STROKES = [_strokes_of_byte(value) for value in range(256)]


@dataclass(frozen=True, slots=True)
class QrCode:
    """A finished code. ``modules`` holds ``size * size`` digits, row by row, dark = 1."""

    version: int
    size: int
    modules: str

    @property
    def width(self) -> int:
        """Modules per side with the quiet zone."""
        return self.size + 2 * QUIET_ZONE

    def rows(self) -> list[str]:
        """The rows from the top, one ``0`` or ``1`` per module, without quiet zone."""
        return [self.modules[start : start + self.size] for start in range(0, len(self.modules), self.size)]

    def png(self, bytes_per_module: int = 1) -> bytes:
        """A black-and-white PNG, ``8 * bytes_per_module`` pixels per module, quiet zone included.

        Eight pixels are one byte of a one-bit image, so a row needs no bit shifting; 520 pixels at version
        10.
        """
        rows = self.pixel_rows(bytes_per_module)
        # Each row is stored once and repeated with filter "up" as zeros, which deflate shrinks to nothing.
        repeats = (b"\x02" + bytes(len(rows[0]))) * (8 * bytes_per_module - 1)
        data = b"".join(b"\x00" + row + repeats for row in rows)
        side = self.width * 8 * bytes_per_module
        per_metre = round(side / PRINTED_METRES)
        return b"".join(
            (
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)),
                _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
                _chunk(b"IDAT", zlib.compress(data, 1)),
                _chunk(b"IEND", b""),
            )
        )

    def pixel_rows(self, repeat: int = 1) -> list[bytes]:
        """Rows with quiet zone, ``repeat`` bytes per module: 0x00 dark, 0xff light."""
        light = b"\xff" * (QUIET_ZONE * repeat)
        empty = b"\xff" * (self.width * repeat)
        pixels = self.modules.encode().translate(_TO_PIXELS)
        if repeat > 1:
            pixels = pixels.replace(b"\x00", b"\x00" * repeat).replace(b"\xff", b"\xff" * repeat)
        step = self.size * repeat
        drawn = [light + pixels[start : start + step] + light for start in range(0, len(pixels), step)]
        return [empty] * QUIET_ZONE + drawn + [empty] * QUIET_ZONE

    def packed(self) -> bytes:
        """Rows with quiet zone, one bit a module from the highest, each row filled up to whole bytes; light = 1."""
        filling = -self.width % 8
        edge = "0" * ((self.width + filling) * QUIET_ZONE)
        left, right = "0" * QUIET_ZONE, "0" * (QUIET_ZONE + filling)
        dark = "".join((edge, left, (right + left).join(self.rows()), right, edge))
        return (~int(dark, 2) & (1 << len(dark)) - 1).to_bytes(len(dark) // 8)

    def svg(self) -> str:
        """An SVG of one path, one unit per module, quiet zone included."""
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self.width} {self.width}' "
            f"shape-rendering='crispEdges'><path fill='#fff' d='M0 0h{self.width}v{self.width}H0z'/>"
            f"<path stroke='#000' d='{self.svg_path()}'/></svg>"
        )

    def svg_path(self) -> str:
        """The dark modules as path data for a stroke of width 1, drawn along the middle of each row.

        A stroke needs two commands a run where an outline needs five, and eight modules are one table entry.
        """
        spare = -self.size % 8
        row_bytes = (self.size + spare) // 8
        return "".join(
            f"M{QUIET_ZONE} {y}.5"
            + "".join(map(_STROKES.__getitem__, (int(row, 2) << spare).to_bytes(row_bytes, "big")))
            for y, row in enumerate(self.rows(), start=QUIET_ZONE)
        )


class QrEncoder:
    """Makes codes. The first codes of a version come from `qrcode` itself, further ones from tables.

    Both give the same matrix. One code costs 1.7 ms by the library and 0.05 ms by tables, which take 0.1 s to
    build and stay for the life of the process: 0.7 MB at version 10.
    """

    def __init__(self, library_first: int = _LIBRARY_FIRST) -> None:
        self._library_first = library_first
        self._made: dict[int, int] = {}
        self._tables: dict[int, QrTables] = {}

    def encode(self, text: str) -> QrCode:
        """The code of a text in the alphanumeric set.

        Raises KezhengError ``qr_text_not_alphanumeric`` and ``qr_text_too_long`` (no version 1–40 holds it).
        """
        characters = _character_bits(text)
        version = smallest_version(len(text))
        data = _codewords(characters, len(text), version)
        return QrCode(version, version * 4 + 17, self._matrix(version, data))

    def _matrix(self, version: int, data: bytes) -> str:
        tables = self._tables.get(version)
        if tables is None:
            made = self._made[version] = self._made.get(version, 0) + 1
            if made <= self._library_first:
                return library_matrix(version, data)
            tables = self._tables[version] = build_tables(version)
        return tables.matrix(data)


@cache
def smallest_version(length: int) -> int:
    """The smallest version at level M for so many alphanumeric characters. Raises KezhengError
    ``qr_text_too_long``."""
    for version in range(1, 41):
        if 4 + _count_bits(version) + _bit_count(length) <= _capacity(version) * 8:
            return version
    raise KezhengError("qr_text_too_long", length=length)


def _character_bits(text: str) -> int:
    """Two characters in 11 bits, an odd last one in 6 (ISO/IEC 18004 §7.4.4).

    All pairs are worked on at once, as lanes of one number: a table for pairs would push other things out of the
    processor's cache.
    """
    values = text.encode("utf-8", "replace").translate(_VALUES)
    if _NO_VALUE in values:
        raise KezhengError("qr_text_not_alphanumeric")
    paired = len(values) // 2 * 2
    pairs = int.from_bytes(values[:paired])
    firsts, folds = _lanes(paired // 2)
    bits = pairs - (256 - 45) * (pairs >> 8 & firsts)
    for kept, moved, distance in folds:
        bits = bits & kept | (bits & moved) >> distance
    return bits << 6 | values[-1] if len(values) > paired else bits


@cache
def _lanes(count: int) -> tuple[int, list[tuple[int, int, int]]]:
    """For so many lanes of two bytes: the low byte of each; and how lanes of 11 bits are moved together.

    Each step moves every second lane to the one below it: the bits that stay, those that move, and how far.
    """
    folds = []
    width, used = 16, 11
    while width < 16 * count:
        kept = sum((1 << used) - 1 << place for place in range(0, 16 * count, 2 * width))
        folds.append((kept, kept << width, width - used))
        width, used = 2 * width, 2 * used
    return int.from_bytes(b"\x00\xff" * count), folds


def _codewords(characters: int, length: int, version: int) -> bytes:
    """Mode, count, characters, terminator and padding (ISO/IEC 18004 §7.4.2, §7.4.10): all data codewords."""
    bits = (_MODE << _count_bits(version) | length) << _bit_count(length) | characters
    used = 4 + _count_bits(version) + _bit_count(length)
    capacity = _capacity(version)
    closed = min(-(-(used + 4) // 8), capacity)
    return ((bits << closed * 8 - used).to_bytes(closed) + _PADDING * capacity)[:capacity]


def _bit_count(length: int) -> int:
    """Bits of so many characters."""
    return (length * 11 + 1) // 2


def _count_bits(version: int) -> int:
    return 9 if version < 10 else 11 if version < 27 else 13


@cache
def _capacity(version: int) -> int:
    """Data codewords at level M."""
    return sum(block.data_count for block in rs_blocks(version, ERROR_CORRECT_M))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_ENCODER = QrEncoder()


def qr_code(text: str) -> QrCode:
    """`QrEncoder.encode` of the one encoder of this process."""
    return _ENCODER.encode(text)
