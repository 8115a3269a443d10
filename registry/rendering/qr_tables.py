"""A QR matrix as an affine function of its data bits, with every coefficient taken from `qrcode` itself.

At a fixed version, error level and mask the modules are ``matrix(0) xor linear(data)`` over GF(2):
Reed–Solomon coding (ISO/IEC 18004 §7.5), interleaving (§7.6) and placement (§7.7) are linear, and mask,
function patterns and format information (§7.8–7.10) are constant. So the parity of a block is the xor of one
table entry per byte of its data, and each module shows one bit of data or parity, turned round or not.

The library is asked a few hundred small questions per version, not for one matrix per data bit:

* placement: codewords that spell bit k of "my own index" in every bit, for each k, tell for each module which
  bit it shows: 12 matrices at version 10 instead of 2,768;
* error correction: the parity of a single bit depends only on its distance from the end of its block, so the
  352 bits of the longest block answer for all 1,728.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate, pairwise
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

_TABLE = 256
"""Codewords that one look-up of all modules at once (`bytes.translate`) can choose from."""
_DIGITS = b"0" + b"1" * 255


class Shown(NamedTuple):
    """What the modules show of up to `_TABLE` codewords from ``start`` on, in one byte a module.

    ``choice`` has the codeword of each, and ``bits`` its one bit; nothing where it shows another codeword or none.
    """

    start: int
    choice: bytes
    bits: int


class QrTables(NamedTuple):
    """The affine function of one version at level M and `MASK`. Codewords: all data, then the parity of each block."""

    size: int
    blocks: Sequence[slice]
    """The data of each block."""
    parity_length: int
    parity: Sequence[Sequence[int]]
    """For each place in the longest block, what each of the 256 values there changes in the parity."""
    shown: Sequence[Shown]
    zero: int
    """One byte a module for codewords that are all zero: where it is dark, the bit that the module shows."""

    def matrix(self, data: bytes) -> str:
        """Of complete data codewords (before error correction): ``0`` or ``1`` a module, row by row, dark = 1."""
        codewords = data + b"".join([self._parity_of(data[block]) for block in self.blocks])
        modules = self.zero
        for start, choice, bits in self.shown:
            table = codewords[start : start + _TABLE].ljust(_TABLE, b"\x00")
            modules ^= int.from_bytes(choice.translate(table)) & bits
        return modules.to_bytes(self.size * self.size).translate(_DIGITS).decode()

    def _parity_of(self, block: bytes) -> bytes:
        return reduce(xor, map(getitem, self.parity[-len(block) :], block)).to_bytes(self.parity_length)


def build_tables(version: int) -> QrTables:
    """Ask `qrcode` for the coefficients of a version: 0.1 s and 0.7 MB at version 10."""
    blocks = rs_blocks(version, ERROR_CORRECT_M)
    modules = _modules_of_bits(version, 8 * sum(block.total_count for block in blocks))
    size = version * 4 + 17
    shown_bits = _bits_of_modules(blocks, modules)
    ends = list(accumulate((block.data_count for block in blocks), initial=0))
    return QrTables(
        size=size,
        blocks=[slice(start, end) for start, end in pairwise(ends)],
        parity_length=blocks[0].total_count - blocks[0].data_count,
        parity=_parity_tables(max(blocks, key=lambda block: block.data_count)),
        shown=_shown(size, shown_bits),
        zero=_zero(version, shown_bits),
    )


def library_matrix(version: int, data: bytes) -> str:
    """The matrix that `qrcode` itself makes of complete data codewords, as `QrTables.matrix`."""
    buffer = BitBuffer()
    buffer.buffer = list(data)
    return _drawn(version, create_bytes(buffer, rs_blocks(version, ERROR_CORRECT_M)))


def _drawn(version: int, codewords: list[int]) -> str:
    """The matrix that `qrcode` draws for final codewords (data and error correction, interleaved)."""
    code: QRCode[Any] = QRCode(version, ERROR_CORRECT_M, border=0, mask_pattern=MASK)
    code.data_cache = codewords
    code.makeImpl(False, MASK)
    return "".join("1" if dark else "0" for row in code.modules for dark in row)


def _modules_of_bits(version: int, bit_count: int) -> list[int]:
    """For each bit of the final codewords, the module that shows it, counted row by row."""
    zero = _drawn(version, [0] * (bit_count // 8))
    # Every bit is on in at least one of these patterns, because indices are counted from 1.
    patterns = [
        _drawn(version, _codewords_of_index_bit(bit_count, k)) for k in range((bit_count + 1).bit_length())
    ]
    shown = [0] * bit_count
    for module, (light, *digits) in enumerate(zip(zero, *reversed(patterns), strict=True)):
        index = int("".join("01"[digit != light] for digit in digits), 2)
        if index:
            shown[index - 1] = module
    return shown


def _codewords_of_index_bit(bit_count: int, k: int) -> list[int]:
    """Codewords whose bit number i (from 1) is bit k of i."""
    digits = "".join("1" if i >> k & 1 else "0" for i in range(1, bit_count + 1))
    return list(int(digits, 2).to_bytes(bit_count // 8, "big"))


def _bits_of_modules(blocks: list[RSBlock], modules: list[int]) -> dict[int, tuple[int, int]]:
    """Module → codeword, in the order of `QrTables`, and the bit of it that the module shows."""
    places = _places(blocks)
    in_order = [(n, i) for n, block in enumerate(blocks) for i in range(block.data_count)]
    in_order += [(n, i) for n, block in enumerate(blocks) for i in range(block.data_count, block.total_count)]
    return {
        modules[places[codeword] * 8 + bit]: (number, 0x80 >> bit)
        for number, codeword in enumerate(in_order)
        for bit in range(8)
    }


def _shown(size: int, shown_bits: dict[int, tuple[int, int]]) -> list[Shown]:
    parts = []
    for start in range(0, max(codeword for codeword, _ in shown_bits.values()) + 1, _TABLE):
        choice, bits = bytearray(size * size), bytearray(size * size)
        for module, (codeword, bit) in shown_bits.items():
            if start <= codeword < start + _TABLE:
                choice[module], bits[module] = codeword - start, bit
        parts.append(Shown(start, bytes(choice), int.from_bytes(bits)))
    return parts


def _zero(version: int, shown_bits: dict[int, tuple[int, int]]) -> int:
    codewords = 1 + max(codeword for codeword, _ in shown_bits.values())
    drawn = _drawn(version, [0] * codewords)
    return int.from_bytes(
        bytes(shown_bits.get(module, (0, 1))[1] if dark == "1" else 0 for module, dark in enumerate(drawn))
    )


def _parity_tables(block: RSBlock) -> list[list[int]]:
    """For each place in the block, the parity of each of the 256 values of its codeword."""
    return [
        _combinations([int.from_bytes(bytes(parity)) for parity in parities])
        for parities in reversed(_single_bit_parities(block))
    ]


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


def _combinations(bits: list[int]) -> list[int]:
    """The xors of all choices from these changes, indexed by the number whose bits choose, from the highest."""
    result = [0]
    for bit in reversed(bits):
        result += [bit ^ before for before in result]
    return result
