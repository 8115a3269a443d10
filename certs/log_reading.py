"""Reading a published log on from where it was read before: bundle by bundle, each entry checked as it passes.

Nothing that is read here is an entry of the log before the root over all of it is that of a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from certs.errors import KezhengError
from certs.log_entry import DIGEST_LENGTH, HEAD_LENGTH, EntryKind, read_entry, subject_of
from certs.signing_key import KID_LENGTH
from certs.subject_places import Placed
from certs.subject_segment import key_of
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.tile_reader import ReadFile
from certs.tlog.tiles import bundle_path, decode_bundle

_CERTIFICATE = int(EntryKind.CERTIFICATE)
_DIGEST_AT = HEAD_LENGTH + KID_LENGTH
_CERTIFICATE_LENGTH = _DIGEST_AT + DIGEST_LENGTH


def read_bundle(read: ReadFile, bundle: int, width: int) -> list[bytes]:
    """The first ``width`` entries of a bundle; a partial bundle gives way to the full one once that is there.

    Raises KezhengError ``log_unavailable`` when there is none, ``log_entries_differ`` when it is no bundle.
    """
    content, count = read(bundle_path(bundle, width)), width
    if content is None and width < TILE_WIDTH:
        content, count = read(bundle_path(bundle)), TILE_WIDTH
    if content is None:
        raise KezhengError("log_unavailable")
    try:
        return decode_bundle(content, count)[:width]
    except KezhengError as error:
        raise KezhengError("log_entries_differ") from error


def bundles_from(read: ReadFile, start: int, stop: int, newest: bytes) -> Iterator[list[bytes]]:
    """The entries from one place up to another, as many at a time as lie in one bundle.

    ``newest`` is the entry before them, empty where there is none. Raises KezhengError as `read_bundle` does,
    ``log_time_decreases``, ``log_entry_malformed``.
    """
    for bundle in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
        first = bundle * TILE_WIDTH
        entries = read_bundle(read, bundle, min(TILE_WIDTH, stop - first))[max(0, start - first) :]
        _check_heads([newest, *entries] if newest else entries)
        newest = entries[-1] if entries else newest
        yield entries


def subject_in(entry: bytes) -> bytes | None:
    """The digest that an entry is about; None for kinds without one. Raises as `read_entry` does."""
    if len(entry) == _CERTIFICATE_LENGTH and entry[0] == _CERTIFICATE:  # nearly all entries are certificates
        return entry[_DIGEST_AT:]
    return subject_of(read_entry(entry))


def placed_subjects(first: int, entries: Sequence[bytes]) -> list[Placed]:
    """What places are found by, for entries that stand one after the other from ``first`` on."""
    subjects = enumerate(map(subject_in, entries), first)
    return [(key_of(subject), place) for place, subject in subjects if subject is not None]


def _check_heads(entries: Sequence[bytes]) -> None:
    """Every entry has a kind and a time, and no time is earlier than the one before: big-endian, so as bytes."""
    times = [entry[1:HEAD_LENGTH] for entry in entries]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise KezhengError("log_time_decreases")
    for entry in entries[-1:]:  # the last time is the latest
        read_entry(entry)
    if any(len(entry) < HEAD_LENGTH for entry in entries):
        raise KezhengError("log_entry_malformed")
