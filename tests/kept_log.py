"""What is kept of a log, in memory: packed tiles, roots and one segment, which a test may damage piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field

from merkle_reference import mth

from certs.complete_log import KeptLog
from certs.log_reading import placed_subjects
from certs.subject_segment import in_pages, record_of, segment_in_memory
from certs.tlog.packed_tile import pack_tile


@dataclass
class Keepsake:
    """The complete tiles of a log. ``blocks`` may be changed; ``damages`` counts what was reported."""

    entries: list[bytes]
    blocks: list[bytes] = field(init=False)
    damages: int = 0

    def __post_init__(self) -> None:
        tiles = [self.entries[start : start + 256] for start in range(0, len(self.entries) // 256 * 256, 256)]
        self.blocks = [pack_tile(tile).block for tile in tiles]

    @property
    def size(self) -> int:
        return len(self.blocks) * 256

    def kept(self) -> KeptLog:
        """As a log takes it over."""
        roots = [mth(self.entries[start : start + 256]) for start in range(0, self.size, 256)]
        records = sorted(record_of(*placed) for placed in placed_subjects(0, self.entries[: self.size]))
        segments = (segment_in_memory(0, self.size, in_pages([records])),)
        return KeptLog(roots, segments, lambda tile: self.blocks[tile][:512], self._slot, self._report)

    def _slot(self, tile: int, slot: int) -> bytes:
        block = self.blocks[tile][512:]
        return block[slot * (len(block) // 128) : (slot + 1) * (len(block) // 128)]

    def _report(self) -> None:
        self.damages += 1
