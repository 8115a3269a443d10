"""The byte array of a Token Status List (draft-ietf-oauth-status-list §4.1): small numbers in a row, compressed.

Each place takes 1, 2, 4 or 8 bits; the places of a byte begin at its least significant bit.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from certs.errors import KezhengError

WIDTHS = (1, 2, 4, 8)
HIGHEST_LEVEL = 9


def pack(values: Mapping[int, int], size: int, bits: int) -> bytes:
    """The array of ``size`` places with these values; places that are not named hold 0.

    Raises ValueError for another width, a value that is too wide, a place outside or a last byte that is not full.
    """
    per_byte = _per_byte(bits)
    if size % per_byte:
        raise ValueError("the places fill whole bytes")
    array = bytearray(size // per_byte)
    for place, value in values.items():
        if not 0 <= place < size or not 0 <= value < 1 << bits:
            raise ValueError("a place or a value outside its range")
        array[place // per_byte] |= value << place % per_byte * bits
    return bytes(array)


def unpack(array: bytes, bits: int) -> bytes:
    """All values of an array, one byte each, in order of their places. Raises ValueError for another width."""
    per_byte, mask = _per_byte(bits), (1 << bits) - 1
    spread = [bytes(byte >> place * bits & mask for place in range(per_byte)) for byte in range(256)]
    return b"".join(map(spread.__getitem__, array))


def value_at(array: bytes, bits: int, place: int) -> int:
    """The value of one place. Raises ValueError for another width, IndexError for a place outside."""
    per_byte = _per_byte(bits)
    if place < 0:
        raise IndexError("places count from 0")
    return array[place // per_byte] >> place % per_byte * bits & (1 << bits) - 1


def compress(array: bytes) -> bytes:
    """The array as DEFLATE in the ZLIB format, at the highest level."""
    return zlib.compress(array, HIGHEST_LEVEL)


def expand(compressed: bytes, length: int) -> bytes:
    """The array of exactly ``length`` bytes; nothing is expanded beyond it.

    Raises KezhengError ``status_token_malformed`` for damaged data, another length, or bytes after the end.
    """
    expander = zlib.decompressobj()
    try:
        array = expander.decompress(compressed, length + 1)
    except zlib.error as error:
        raise KezhengError("status_token_malformed") from error
    if len(array) != length or not expander.eof or expander.unused_data:
        raise KezhengError("status_token_malformed")
    return array


def _per_byte(bits: int) -> int:
    if bits not in WIDTHS:
        raise ValueError("a status takes 1, 2, 4 or 8 bits")
    return 8 // bits
