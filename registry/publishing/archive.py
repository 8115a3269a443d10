"""Keeping the archive up with the register: a block for every stretch, on the disk before its checkpoint is public."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keys.data_protection import FieldCipher
from registry.publishing.archive_block import encode_head, seal_frames
from registry.publishing.archive_content import frames_between
from registry.publishing.archive_folder import FOLDER_PLACES, archive_end, block_files, write_block
from registry.store.engine import ReadTransaction
from registry.store.log_store import entries_between


@dataclass(frozen=True)
class Archive:
    """The archive in a folder. ``open_cipher`` gives what seals it; it is asked when something is written."""

    folder: Path
    open_cipher: Callable[[], FieldCipher]

    @cached_property
    def cipher(self) -> FieldCipher:
        """What seals blocks."""
        return self.open_cipher()

    def end(self) -> int:
        """The place after the last one that is archived. Raises KezhengError ``archive_unreachable``."""
        return archive_end(self.folder)

    def bring_up_to(self, tx: ReadTransaction, size: int) -> None:
        """Archive what is committed up to a place and is not archived yet; nothing happens when all of it is.

        A disk that is new gets everything from the first entry on. Raises KezhengError ``archive_unreachable``.
        """
        self.write_again(tx, range(self.end(), size))

    def missing(self, size: int) -> list[range]:
        """The stretches up to a place that no block holds: blocks that were removed, or never copied to this disk."""
        reached, gaps = 0, []
        for block in block_files(self.folder):
            if block.start > reached:
                gaps.append(range(reached, min(block.start, size)))
            reached = max(reached, block.stop)
        return [gap for gap in [*gaps, range(reached, size)] if gap]

    def write_again(self, tx: ReadTransaction, stretch: range) -> None:
        """Write the blocks of a stretch, also in the place of what is damaged. Raises ``archive_unreachable``."""
        start = stretch.start
        while start < stretch.stop:
            stop = min(stretch.stop, (start // FOLDER_PLACES + 1) * FOLDER_PLACES)
            self._write(tx, start, stop)
            start = stop

    def _write(self, tx: ReadTransaction, start: int, stop: int) -> None:
        entries = entries_between(tx, start, stop)
        head = encode_head(start, entries)
        frames = seal_frames(head, frames_between(tx, start, entries), self.cipher)
        write_block(self.folder, start, stop, (part for parts in ((head,), frames) for part in parts))
