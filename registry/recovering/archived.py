"""What the archive holds behind the entries from a place on, gathered from its blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from certs.errors import KezhengError
from keys.data_protection import FieldCipher
from registry.publishing.archive_block import Block, Frame, open_block
from registry.publishing.archive_folder import BlockFile, archive_end, block_files
from registry.store.recovery_reads import ArchivedCertificate, ArchivedRow


class ArchivedTrust(NamedTuple):
    """A trust list that was entered at a place, and the files of roots that lead to it."""

    place: int
    token: bytes
    roots: Mapping[str, bytes]


@dataclass
class Archived:
    """What was found: entries, certificates, acts and changes by place; batches, and rows by batch and line of sheet.

    ``end`` is the place after the last one that is archived, readable or not. ``damaged`` are the blocks that cannot be
    read; what only they hold is missing here.
    """

    end: int = 0
    entries: dict[int, bytes] = field(default_factory=dict)
    certificates: dict[int, ArchivedCertificate] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, dict[int, ArchivedRow]] = field(default_factory=lambda: defaultdict(dict))
    acts: dict[int, dict[str, Any]] = field(default_factory=dict)
    changes: dict[int, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    trust: list[ArchivedTrust] = field(default_factory=list)
    status_version: int = 0
    damaged: list[BlockFile] = field(default_factory=list)

    def take(self, block: Block, start: int) -> None:
        """Take in a block; what stands before ``start`` is known to the database. Stretches may come twice."""
        self.entries |= {place: entry for place, entry in enumerate(block.entries, block.start) if place >= start}
        for frame in block.frames:
            self._take_frame(frame, start)
        self.trust.sort(key=lambda found: found.place)

    def _take_frame(self, frame: Frame, start: int) -> None:
        content = frame.content
        if frame.kind == "certificates":
            found = map(ArchivedCertificate._make, content)
            self.certificates |= {each.leaf_index: each for each in found if each.leaf_index >= start}
        elif frame.kind == "batch":
            self.batches[content["id"]] = content
        elif frame.kind == "rows":
            batch_id, rows = content
            self.rows[batch_id] |= {row.sheet_row: row for row in map(ArchivedRow._make, rows)}
        elif frame.kind == "act":
            self.acts[content["details"]["log_index"]] = content
        elif frame.kind == "changes":
            self._take_changes(content, start)
        elif frame.kind == "trust":
            self.trust.append(ArchivedTrust(content["place"], content["list"], content["roots"]))
        elif frame.kind == "version":
            self.status_version = max(self.status_version, content)

    def _take_changes(self, content: list[tuple[int, dict[str, Any]]], start: int) -> None:
        for place, change in content:
            if place >= start and change not in self.changes[place]:
                self.changes[place].append(change)


def read_archive(folder: Path, start: int, cipher: FieldCipher) -> Archived:
    """What is archived from a place on. Raises KezhengError ``archive_unreachable``, ``data_key_unknown``."""
    archived = Archived(archive_end(folder))
    for found in block_files(folder, start):
        try:
            archived.take(open_block(found.path.read_bytes(), cipher), start)
        except KezhengError as error:
            if error.code != "archive_damaged":
                raise
            archived.damaged.append(found)
    return archived
