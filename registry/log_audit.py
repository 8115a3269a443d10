"""``kezheng log check``: all of a register read once, and everything about it computed again from its entries.

Root, tiles, index, order of times, certificates that were entered twice, the trees that were pinned earlier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_entry import HEAD_LENGTH, EntryKind, read_entry, subject_of
from certs.log_paths import index_path
from certs.signing_key import KID_LENGTH
from certs.tlog.frontier import TILE_WIDTH, Frontier
from certs.tlog.merkle import leaf_hash
from certs.tlog.tile_reader import ReadFile
from certs.tlog.tiles import encode_tile, tile_path
from registry.log_entries import EntryTally, bundles_between
from registry.log_finding import Faults, Finding, finding_of
from registry.publishing.log_folder import INDEX_BLOCK, INDEX_PREFIX

_DIGEST_AT = HEAD_LENGTH + KID_LENGTH
_SHORT_DIGEST = 16
"""Bytes of a digest that tell two certificates apart: twice the same by chance is out of the question."""

CompareEntries = Callable[[int, Sequence[bytes]], Iterable[Finding]]
"""Compares entries that stand from a place on with something else that should hold them."""


@dataclass(slots=True)
class LogAudit:
    """A register computed again while its entries pass. ``tile_roots`` holds the roots of its complete tiles."""

    read: ReadFile
    earlier: dict[int, list[bytes]]
    faults: Faults = field(default_factory=Faults)
    tally: EntryTally = field(default_factory=EntryTally)
    tile_roots: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _other_trees: int = 0
    _edge: Frontier = field(default_factory=Frontier)
    _above: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _block: list[bytes] = field(default_factory=list)
    _digests: dict[int, bytearray] = field(default_factory=lambda: defaultdict(bytearray))

    def take(self, start: int, entries: Sequence[bytes]) -> None:
        """Take in the entries of one bundle."""
        hashes = [leaf_hash(entry) for entry in entries]
        self._compare_tile(0, start // TILE_WIDTH, hashes)
        self._append(start, hashes)
        try:
            self.tally.take(start, entries)
        except KezhengError as error:
            self.faults.add(finding_of(error))
        for index, entry in enumerate(entries, start):
            self._index(index, entry)

    def close(self, checkpoint: TrustedCheckpoint) -> None:
        """Compare what only the end shows."""
        for level, hashes in self._above.items():
            if hashes:
                self._compare_tile(level, checkpoint.size // TILE_WIDTH ** (level + 1), hashes)
        # Entries that are not those of the checkpoint say nothing about an earlier tree.
        if self._edge.root() != checkpoint.root:
            self.faults.add(Finding("log_entries_differ", {}))
        elif self._other_trees:
            self.faults.add(Finding("log_forked", {}))
        for digest in self._entered_twice():
            self.faults.add(Finding("log_certificate_twice", {"digest": digest.hex()}))

    def _append(self, start: int, hashes: Sequence[bytes]) -> None:
        """Append, and stop at every size of which a tree was pinned."""
        stops = {size - start for size in self.earlier if start < size <= start + len(hashes)}
        for begin, end in pairwise(sorted({0, *stops, len(hashes)})):
            for done in self._edge.append_hashes(hashes[begin:end]):
                self._complete(done.level, done.index, done.root)
            if any(root != self._edge.root() for root in self.earlier.get(start + end, ())):
                self._other_trees += 1

    def _complete(self, level: int, index: int, root: bytes) -> None:
        if level > 0:
            self._compare_tile(level, index, self._above[level])
            self._above[level] = []
        self._above[level + 1].append(root)
        self.tile_roots[level].append(root)

    def _compare_tile(self, level: int, index: int, hashes: Sequence[bytes]) -> None:
        """Compare a tile file with the hashes it must hold; a partial one may have become full since."""
        path, expected = tile_path(level, index, len(hashes)), encode_tile(hashes)
        content = self.read(path)
        if content is None and len(hashes) < TILE_WIDTH:
            full = self.read(tile_path(level, index))
            content = None if full is None else full[: len(expected)]
        self._compare_file(path, content, expected, "log_tile_differs")

    def _index(self, index: int, entry: bytes) -> None:
        subject = subject_of(read_entry(entry)) if len(entry) >= HEAD_LENGTH else None
        if subject is not None:
            self._block.append(subject[:INDEX_PREFIX] + index.to_bytes(8, "big"))
        if entry[:1] == bytes((EntryKind.CERTIFICATE,)):
            digest = entry[_DIGEST_AT : _DIGEST_AT + _SHORT_DIGEST]
            self._digests[digest[0] if digest else 0] += digest.ljust(_SHORT_DIGEST, b"\0")
        if (index + 1) % INDEX_BLOCK == 0:
            path = index_path(index // INDEX_BLOCK)
            self._compare_file(path, self.read(path), b"".join(sorted(self._block)), "log_index_differs")
            self._block = []

    def _compare_file(self, path: str, content: bytes | None, expected: bytes, code: str) -> None:
        if content is None:
            self.faults.add(Finding("log_tile_missing", {"path": path}))
        elif content != expected:
            self.faults.add(Finding(code, {"path": path}))

    def _entered_twice(self) -> Iterable[bytes]:
        """Digests of certificates that have more than one entry; sorted part by part, so that the parts stay small."""
        for _, part in sorted(self._digests.items()):
            digests = sorted(bytes(part[at : at + _SHORT_DIGEST]) for at in range(0, len(part), _SHORT_DIGEST))
            yield from (one for one, other in pairwise(digests) if one == other)


def audit_log(
    read: ReadFile,
    checkpoint: TrustedCheckpoint,
    earlier: Iterable[tuple[int, bytes]],
    compare: CompareEntries | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> LogAudit:
    """Read a register up to a checkpoint. ``earlier`` are trees that it must continue, of no larger size.

    A bundle that is missing or cannot be read ends the reading; everything else is collected.
    """
    pinned: dict[int, list[bytes]] = defaultdict(list)
    for size, root in earlier:
        pinned[size].append(root)
    audit = LogAudit(read, dict(pinned))
    try:
        for start, entries in bundles_between(read, 0, checkpoint.size):
            audit.take(start, entries)
            for finding in compare(start, entries) if compare is not None else ():
                audit.faults.add(finding)
            advance(start + len(entries))
    except KezhengError as error:
        audit.faults.add(finding_of(error))
        return audit
    audit.close(checkpoint)
    return audit
