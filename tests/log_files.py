"""A register read as a stranger reads it: from the files that are published, every entry."""

from __future__ import annotations

from pathlib import Path

from certs.log_entry import EntryKind, LogEntry, read_entry
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.tiles import bundle_path, decode_bundle
from registry.publishing.log_folder import checkpoint_in

KID_LENGTH = 8


def published_entries(folder: Path) -> list[LogEntry]:
    """Every entry of a log's folder, in order."""
    size = checkpoint_in((folder / "checkpoint").read_bytes()).size
    entries: list[bytes] = []
    for index, start in enumerate(range(0, size, TILE_WIDTH)):
        width = min(TILE_WIDTH, size - start)
        entries += decode_bundle((folder / bundle_path(index, width)).read_bytes(), width)
    return [read_entry(entry) for entry in entries]


def certificate_leaves(folder: Path) -> list[tuple[bytes, bytes]]:
    """Kid and envelope digest of every certificate in the log, in order."""
    entries = [entry for entry in published_entries(folder) if entry.kind == EntryKind.CERTIFICATE]
    return [(entry.body[:KID_LENGTH], entry.body[KID_LENGTH:]) for entry in entries]
