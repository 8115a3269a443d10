"""A QR matrix as an affine function of its data bits, with every coefficient taken from `qrcode` itself.

At a fixed version, error level and mask the modules are ``matrix(0) xor linear(data)`` over GF(2):
Reed–Solomon coding (ISO/IEC 18004 §7.5), interleaving (§7.6) and placement (§7.7) are linear, and mask,
function patterns and format information (§7.8–7.10) are constant. So the matrix of a text is the xor of one
table entry per half byte of its data, instead of a walk over polynomials and modules.

The library is asked a few hundred small questions per version, not for one matrix per data bit:

* placement: codewords that spell bit k of "my own index" in every bit, for each k, tell for each module which
  bit it shows: 12 matrices at version 10 instead of 2,768;
* error correction: the parity of a single bit depends only on its distance from the end of its block, so the
  352 bits of the longest block answer for all 1,728.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import getitem, xor
from typing import Any, NamedTuple

from qrcode.base import RSBlock, rs_blocks
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import BitBuffer, create_bytes

MASK = 6
"""One mask for all codes. The payload is a signature and other dense bits, which look like noise under any
mask: over 450 codes of versions 10 and 11 the standard's penalty (§7.8.3) of the eight masks lay within 6 %
of each other on average (mask 6: 2,224 and 2,542; the best of eight per code: 2,070 and 2,356). Trying all
eight costs sevenfold."""

_HALF_BYTES = bytes(int(digit, 16) if digit in "0123456789abcdef" else 0 for digit in map(chr, range(256)))


class QrTables(NamedTuple):
    """The affine function of one version at level M and `MASK`.

    A matrix is an integer of ``size * size`` bits, row by row, the first module in the highest bit, dark = 1.
    """

    size: int
    zero: int
    """The matrix of data codewords that are all zero."""
    columns: Sequence[Sequence[int]]
    """For each half byte of the data, in order, what each of its 16 values changes."""

    def matrix(self, data: bytes) -> int:
        """The matrix of complete data codewords (before error correction, length as the version has it)."""
        return reduce(xor, map(getitem, self.columns, data.hex().encode().translate(_HALF_BYTES)), self.zero)


def build_tables(version: int) -> QrTables:
    """Ask `qrcode` for the coefficients of a version: 0.1 to 0.2 s and 3 MB at version 10."""
    blocks = rs_blocks(version, ERROR_CORRECT_M)
    shown = _modules_of_bits(version, 8 * sum(block.total_count for block in blocks))
    bits = _changes_of_data_bits(blocks, shown)
    columns = [_combinations(bits[start : start + 4]) for start in range(0, len(bits), 4)]
    size = version * 4 + 17
    return QrTables(size, _drawn(version, [0] * (len(shown) // 8)), columns)


def library_matrix(version: int, data: bytes) -> int:
    """The matrix that `qrcode` itself makes of complete data codewords."""
    buffer = BitBuffer()
    buffer.buffer = list(data)
    return _drawn(version, create_bytes(buffer, rs_blocks(version, ERROR_CORRECT_M)))


def _drawn(version: int, codewords: list[int]) -> int:
    """The matrix that `qrcode` draws for final codewords (data and error correction, interleaved)."""
    code: QRCode[Any] = QRCode(version, ERROR_CORRECT_M, border=0, mask_pattern=MASK)
    code.data_cache = codewords
    code.makeImpl(False, MASK)
    return int("".join("1" if dark else "0" for row in code.modules for dark in row), 2)


def _modules_of_bits(version: int, bit_count: int) -> list[int]:
    """For each bit of the final codewords, the matrix with just the module that shows it."""
    size = version * 4 + 17
    zero = _drawn(version, [0] * (bit_count // 8))
    # Every bit is on in at least one of these patterns, because indices are counted from 1.
    patterns = [
        _drawn(version, _codewords_of_index_bit(bit_count, k)) ^ zero for k in range((bit_count + 1).bit_length())
    ]
    shown = [0] * bit_count
    rows = [format(pattern, f"0{size * size}b") for pattern in reversed(patterns)]
    for position, digits in enumerate(zip(*rows, strict=True)):
        index = int("".join(digits), 2)
        if index:
            shown[index - 1] = 1 << (size * size - 1 - position)
    return shown


def _codewords_of_index_bit(bit_count: int, k: int) -> list[int]:
    """Codewords whose bit number i (from 1) is bit k of i."""
    digits = "".join("1" if i >> k & 1 else "0" for i in range(1, bit_count + 1))
    return list(int(digits, 2).to_bytes(bit_count // 8, "big"))


def _changes_of_data_bits(blocks: list[RSBlock], shown: list[int]) -> list[int]:
    """For each data bit, in order, the modules that it changes: its own and those of its block's parity."""
    parity = _single_bit_parities(max(blocks, key=lambda block: block.data_count))
    places = _places(blocks)
    changes: list[int] = []
    for number, block in enumerate(blocks):
        parity_places = [places[number, i] for i in range(block.data_count, block.total_count)]
        for offset in range(block.data_count):
            own = shown[places[number, offset] * 8 :][:8]
            answers = parity[block.data_count - 1 - offset]
            changes += [own[bit] ^ _modules(answers[bit], parity_places, shown) for bit in range(8)]
    return changes


def _single_bit_parities(block: RSBlock) -> list[list[list[int]]]:
    """Parity codewords by distance from the end of the block (in bytes), then by bit from the highest."""
    return [
        [_parity(block, block.data_count - 1 - distance, 0x80 >> bit) for bit in range(8)]
        for distance in range(block.data_count)
    ]


def _parity(block: RSBlock, offset: int, value: int) -> list[int]:
    buffer = BitBuffer()
    buffer.buffer = [0] * block.data_count
    buffer.buffer[offset] = value
    return create_bytes(buffer, [block])[block.data_count :]


def _places(blocks: list[RSBlock]) -> dict[tuple[int, int], int]:
    """(block, codeword in the block) → place in the final sequence (ISO/IEC 18004 §7.6)."""
    longest = max(block.data_count for block in blocks)
    order = [(n, i) for i in range(longest) for n, block in enumerate(blocks) if i < block.data_count]
    parity_count = blocks[0].total_count - blocks[0].data_count
    order += [(n, block.data_count + i) for i in range(parity_count) for n, block in enumerate(blocks)]
    return {codeword: place for place, codeword in enumerate(order)}


def _modules(codewords: list[int], places: list[int], shown: list[int]) -> int:
    result = 0
    for place, codeword in zip(places, codewords, strict=True):
        for bit in range(8):
            if codeword >> (7 - bit) & 1:
                result ^= shown[place * 8 + bit]
    return result


def _combinations(bits: list[int]) -> list[int]:
    """The 16 xors of four changes, indexed by the half byte that selects them."""
    result = [0]
    for bit in reversed(bits):
        result += [bit ^ before for before in result]
    return result
