"""The ZIP container of a workbook, read with suspicion.

Sizes in the directory are claims: bytes are counted while they are inflated, and a part that does not come
out exactly as declared is refused. So are doubled names and overlapping parts, since two readers could then
see two different workbooks. Layout: APPNOTE.TXT 6.3, sections 4.3 and 4.5.3 (ZIP64). Part names: ECMA-376
part 2, where they are equal without regard to case.
"""

from __future__ import annotations

import struct
import zlib

from certs.errors import KezhengError
from registry.issuing.workbook_limits import WorkbookLimits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_STORED, _DEFLATED = 0, 8
_CHUNK = 32 << 10  # small enough that a chunk and the elements made of it stay in the processor's cache
_ALL_ONES = 0xFFFFFFFF


class _Entry:
    __slots__ = ("crc", "encrypted", "end", "inflated_size", "method", "name", "start")

    def __init__(self, name: str, method: int, crc: int, inflated_size: int, encrypted: bool) -> None:
        self.name, self.method, self.crc = name, method, crc
        self.inflated_size, self.encrypted = inflated_size, encrypted
        self.start = self.end = 0


class Package:
    """The parts of one package by name.

    Raises KezhengError: ``file_damaged``, ``file_ambiguous``, ``file_encrypted``, ``file_unsafe_size``.
    """

    def __init__(self, data: bytes, limits: WorkbookLimits) -> None:
        self._data = data
        self._left = limits.inflated_bytes
        self._entries: dict[str, _Entry] = {}
        extents: list[tuple[int, int]] = []
        for entry, extent in _read_directory(data, limits):
            key = _part_key(entry.name)
            if key in self._entries:
                raise KezhengError("file_ambiguous")
            self._entries[key] = entry
            extents.append(extent)
        _refuse_overlap(extents)
        if sum(entry.inflated_size for entry in self._entries.values()) > 2 * limits.inflated_bytes:
            raise KezhengError("file_unsafe_size")

    def names(self) -> list[str]:
        """The names of all parts in lower case, with ``/`` between folders and none in front."""
        return list(self._entries)

    def has(self, name: str) -> bool:
        """Whether a part of this name exists, in any case."""
        return _part_key(name) in self._entries

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a part, inflated piece by piece and counted against the limit of the package."""
        entry = self._entries.get(_part_key(name))
        if entry is None:
            raise KezhengError("file_damaged")
        if entry.encrypted:
            raise KezhengError("file_encrypted")
        if entry.inflated_size > self._left:
            raise KezhengError("file_unsafe_size")
        crc = size = 0
        for chunk in _inflate(memoryview(self._data)[entry.start : entry.end], entry.method):
            size += len(chunk)
            self._left -= len(chunk)
            if size > entry.inflated_size:
                raise KezhengError("file_unsafe_size")
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if size != entry.inflated_size or crc != entry.crc:
            raise KezhengError("file_damaged")


def _part_key(name: str) -> str:
    # Some writers put backslashes between folders.
    return name.replace("\\", "/").lstrip("/").lower()


def _inflate(packed: memoryview, method: int) -> Iterator[bytes]:
    if method == _STORED:
        for start in range(0, len(packed), _CHUNK):
            yield bytes(packed[start : start + _CHUNK])
        return
    if method != _DEFLATED:
        raise KezhengError("file_damaged")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for start in range(0, len(packed), _CHUNK):
            rest: bytes | memoryview = packed[start : start + _CHUNK]
            while rest:
                yield inflater.decompress(rest, _CHUNK)
                rest = inflater.unconsumed_tail
        while not inflater.eof and (chunk := inflater.decompress(b"", _CHUNK)):
            yield chunk
    except zlib.error:
        raise KezhengError("file_damaged") from None
    if not inflater.eof or inflater.unused_data:
        raise KezhengError("file_damaged")


def _refuse_overlap(extents: list[tuple[int, int]]) -> None:
    reached = 0
    for start, end in sorted(extents):
        if start < reached:
            raise KezhengError("file_ambiguous")
        reached = end


def _read_directory(data: bytes, limits: WorkbookLimits) -> Iterator[tuple[_Entry, tuple[int, int]]]:
    """Every entry of the central directory with the extent of its local header and data."""
    try:
        count, position, end = _find_directory(data)
        if count > limits.entries:
            raise KezhengError("file_unsafe_size")
        for _ in range(count):
            entry, packed_size, local, position = _read_central(data, position)
            _place(data, entry, local, packed_size, end)
            yield entry, (local, entry.end)
    except (struct.error, UnicodeDecodeError):
        raise KezhengError("file_damaged") from None
    if position > end:
        raise KezhengError("file_damaged")


def _find_directory(data: bytes) -> tuple[int, int, int]:
    """Number of entries, offset of the central directory, and where it ends."""
    end = len(data)
    while (end := data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - 0xFFFF), end)) >= 0:
        _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(data, end)
        if end + _END.size + comment == len(data):
            break
    else:
        raise KezhengError("file_damaged")
    if _ALL_ONES in (size, offset) or count == 0xFFFF:
        return _find_directory64(data, end)
    if disk or first_disk or here != count or offset + size > end:
        raise KezhengError("file_damaged")
    return count, offset, offset + size


def _find_directory64(data: bytes, end: int) -> tuple[int, int, int]:
    mark, _, at, _ = _END64_LOCATOR.unpack_from(data, max(0, end - _END64_LOCATOR.size))
    if mark != b"PK\x06\x07" or at >= end:
        raise KezhengError("file_damaged")
    mark, _, _, _, disk, first_disk, here, count, size, offset = _END64.unpack_from(data, at)
    if mark != b"PK\x06\x06" or disk or first_disk or here != count or offset + size > at:
        raise KezhengError("file_damaged")
    return count, offset, offset + size


def _read_central(data: bytes, position: int) -> tuple[_Entry, int, int, int]:
    """The entry at this place, its packed size, its local header's offset, and the next place."""
    fields = _CENTRAL.unpack_from(data, position)
    mark, _, _, flags, method, _, _, crc, packed, inflated, name_size, extra_size, comment_size = fields[:13]
    local = fields[16]
    if mark != b"PK\x01\x02":
        raise KezhengError("file_damaged")
    name_end = position + _CENTRAL.size + name_size
    name = data[name_end - name_size : name_end].decode("utf-8" if flags & 0x800 else "cp437")
    extra = data[name_end : name_end + extra_size]
    inflated, packed, local = _wide_sizes(extra, [inflated, packed, local])
    entry = _Entry(name, method, crc, inflated, bool(flags & 1))
    return entry, packed, local, name_end + extra_size + comment_size


def _wide_sizes(extra: bytes, sizes: list[int]) -> list[int]:
    """Sizes of all ones are replaced, in order, from the ZIP64 extra field."""
    if _ALL_ONES not in sizes:
        return sizes
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{length // 8}Q", extra, position + 4))
            return [next(wide, size) if size == _ALL_ONES else size for size in sizes]
        position += 4 + length
    raise KezhengError("file_damaged")


def _place(data: bytes, entry: _Entry, local: int, packed_size: int, limit: int) -> None:
    """Finds the packed bytes by the local header, which must name the same part."""
    mark, _, flags, method, *_, name_size, extra_size = _LOCAL.unpack_from(data, local)
    name_start = local + _LOCAL.size
    name = data[name_start : name_start + name_size].decode("utf-8" if flags & 0x800 else "cp437")
    entry.start = name_start + name_size + extra_size
    entry.end = entry.start + packed_size
    if mark != b"PK\x03\x04" or entry.end > limit:
        raise KezhengError("file_damaged")
    if name != entry.name or method != entry.method:
        raise KezhengError("file_ambiguous")
