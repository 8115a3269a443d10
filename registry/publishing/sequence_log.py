"""The one writer of the public register: entries, root and time are committed unsigned, together with what they record.

Then tiles are written from what was committed, exactly the committed tree is signed, and the checkpoint is published
last. So neither a crash nor a second writer can make the signer sign two trees of one size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from certs.errors import KezhengError
from certs.log_entry import LogBody, entry_bytes
from certs.log_paths import COSIGNER_KEY_FILE, LOG_KEY_FILE
from certs.timestamps import instant_from_ms, ms_of
from certs.tlog.checkpoint import Checkpoint, checkpoint_text
from certs.tlog.cosignature import cosignature_body, cosignature_message_mldsa, log_signature_message
from certs.tlog.merkle import leaf_hash
from certs.tlog.note import ED25519, MLDSA44_COSIGNATURE, Note, NoteKey, NoteSignature, encode_vkey, format_note
from certs.tlog.tiles import MAX_ENTRY
from keys.signer import CosignatureSigner, Signer
from registry.publishing.archive import Archive
from registry.publishing.log_folder import (
    checkpoint_in,
    folder_lock,
    publish_checkpoint,
    published_checkpoint,
    read_log_file,
    remove_partial_tiles,
    write_files,
    write_tree,
)
from registry.publishing.log_place import LogPlace, require_continued
from registry.store.engine import ReadTransaction, WriteStore, WriteTransaction
from registry.store.log_store import (
    LogEntryRecord,
    LogTree,
    add_entries,
    advance_tree,
    hold_tree,
    read_tree,
    store_note,
)

LONGEST_WAIT_MS = 5_000
"""How far a clock may be behind the newest entry, as after a change of machines; what is more is refused."""
CLOCK_INTERVAL = timedelta(minutes=55)
"""Age of the newest entry at which a clock entry is due: one an hour is promised, some minutes pass between looks."""
_MILLISECOND = timedelta(milliseconds=1)


class Appended(NamedTuple):
    """Where entries went: one after the other from ``first_index`` on, all with the same time."""

    first_index: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LogSigners:
    """Who signs checkpoints: the log under its origin, and a cosigner under its own name."""

    origin: str
    signer: Signer
    cosigner: CosignatureSigner

    @property
    def log_key(self) -> NoteKey:
        """The key of the first line."""
        return NoteKey(self.origin, ED25519, self.signer.public_key)

    @property
    def cosigner_key(self) -> NoteKey:
        """The key of the second line."""
        return NoteKey(self.cosigner.name, MLDSA44_COSIGNATURE, self.cosigner.public_key)


def append_entries(
    tx: WriteTransaction,
    bodies: Sequence[LogBody],
    now: datetime,
    *,
    place: LogPlace,
    not_before: datetime | None = None,
) -> Appended:
    """Append entries in the transaction of what they record; `publish_log` makes them public after the commit.

    None is logged earlier than ``not_before`` or than the newest entry: where the clock is a little behind, it is
    waited for. Nothing is written when it raises KezhengError ``log_clock_behind``, ``log_rollback`` (what was
    published goes further than this database, or elsewhere), ``log_witness_unreachable``,
    ``log_checkpoint_unreadable``, ``log_damaged``, ``log_contended``, ``already_logged``, ``log_entry_malformed``.
    """
    tree = hold_tree(tx)
    if not bodies:
        return Appended(tree.size, now)
    frontier = place.frontier(tx, tree)
    place.check_published(tx, tree, now)
    logged_ms = _time_of_entries(tree, now, not_before, place)
    entries = _entries(bodies, tree.size, logged_ms)
    tiles = frontier.append_hashes([leaf_hash(record.entry) for record in entries])
    root = frontier.root()
    advance_tree(tx, tree, frontier.size, root, logged_ms)
    add_entries(tx, entries, tiles)
    place.remember(frontier, root)
    return Appended(tree.size, instant_from_ms(logged_ms))


def clock_entry_is_due(tx: ReadTransaction, now: datetime) -> bool:
    """Whether the newest entry is so old that a clock entry has to show that the log is alive."""
    return ms_of(now) - read_tree(tx).newest_ms >= CLOCK_INTERVAL // _MILLISECOND


def publish_log(store: WriteStore, place: LogPlace, signers: LogSigners, archive: Archive | None = None) -> None:
    """Publish what is committed: archive and tiles, then the checkpoint, signed now or by a run that died after it.

    Nothing happens when all of it is public. Raises KezhengError ``log_rollback``, ``log_checkpoint_unreadable``,
    ``archive_unreachable``.
    """
    with store.reading() as tx:
        if _is_public(read_tree(tx), place.folder, signers):
            return
    with folder_lock(place.folder):
        with store.reading() as tx:
            tree = read_tree(tx)
            # Who had the lock before may have published this too.
            if _is_public(tree, place.folder, signers):
                return
            published = published_checkpoint(place.folder)
            if published is not None:
                require_continued(tx, tree, published)
            start = 0 if published is None else published.size
            _write_committed(tx, place.folder, start, tree, archive)
        _write_keys(place.folder, signers)
        note = _note_to_publish(store, place.folder, tree, signers, archive)
        publish_checkpoint(place.folder, note)
        remove_partial_tiles(place.folder, start, checkpoint_in(note).size)


def _is_public(tree: LogTree, folder: Path, signers: LogSigners) -> bool:
    """Whether nothing of a committed tree has to be signed or published."""
    is_signed = tree.size == tree.note_size
    return tree.size == 0 or (is_signed and published_checkpoint(folder) == _checkpoint(tree, signers))


def rebuild_log(store: WriteStore, place: LogPlace, signers: LogSigners) -> None:
    """Write every file of the log anew from the database, and publish it.

    Raises KezhengError ``log_rollback`` where a checkpoint lies there that the database does not continue.
    """
    with folder_lock(place.folder), store.reading() as tx:
        tree, published = read_tree(tx), published_checkpoint(place.folder)
        if published is not None:
            require_continued(tx, tree, published)
        write_tree(tx, place.folder, 0, tree)
        _write_keys(place.folder, signers)
    publish_log(store, place, signers)


def _time_of_entries(tree: LogTree, now: datetime, not_before: datetime | None, place: LogPlace) -> int:
    """The time of new entries (ms): now, as soon as that is past the newest entry and what is logged."""
    now_ms, earliest = ms_of(now), tree.newest_ms
    if not_before is not None:
        earliest = max(earliest, ms_of(not_before + _MILLISECOND - timedelta.resolution))
    behind = earliest - now_ms
    if behind > LONGEST_WAIT_MS:
        raise KezhengError("log_clock_behind", seconds=-(-behind // 1000))
    if behind > 0:
        place.pause(behind / 1000)
    return max(now_ms, earliest)


def _entries(bodies: Sequence[LogBody], first: int, logged_ms: int) -> list[LogEntryRecord]:
    """Raises KezhengError ``log_entry_malformed`` for an entry that no bundle can hold."""
    records = [
        LogEntryRecord(index, body.kind, body.subject, entry_bytes(body, logged_ms))
        for index, body in enumerate(bodies, first)
    ]
    if any(len(record.entry) > MAX_ENTRY for record in records):
        raise KezhengError("log_entry_malformed")
    return records


def _write_committed(tx: ReadTransaction, folder: Path, start: int, tree: LogTree, archive: Archive | None) -> None:
    """Bring to the disk what a checkpoint of the tree needs there: the archive of its entries, and its tiles."""
    if archive is not None:
        archive.bring_up_to(tx, tree.size)
    write_tree(tx, folder, start, tree)


def _note_to_publish(
    store: WriteStore, folder: Path, written: LogTree, signers: LogSigners, archive: Archive | None
) -> bytes:
    """The note of what was written, or of what was committed since. Signed before, it takes no turn among writers."""
    if written.note_size == written.size and written.note is not None:
        return written.note
    with store.transaction() as tx:
        return _note_of_committed(tx, folder, written, signers, archive)


def _note_of_committed(
    tx: WriteTransaction, folder: Path, written: LogTree, signers: LogSigners, archive: Archive | None
) -> bytes:
    """The note of the committed tree, which cannot move before this transaction ends; signed unless it was."""
    tree = hold_tree(tx)
    if tree.size > written.size:
        _write_committed(tx, folder, written.size, tree, archive)
    if tree.note_size == tree.size and tree.note is not None:
        return tree.note
    note = _signed_note(tree, signers)
    store_note(tx, tree, note)
    return note


def _signed_note(tree: LogTree, signers: LogSigners) -> bytes:
    """The checkpoint with its two lines. The cosignature bears the time of the newest entry, in seconds."""
    checkpoint = _checkpoint(tree, signers)
    text, seconds = checkpoint_text(checkpoint), max(1, tree.newest_ms // 1000)
    log_key, cosigner_key = signers.log_key, signers.cosigner_key
    message = cosignature_message_mldsa(cosigner_key.name, seconds, checkpoint.origin, tree.size, tree.root)
    lines = (
        NoteSignature(log_key.name, log_key.key_id, signers.signer.sign(log_signature_message(text))),
        NoteSignature(
            cosigner_key.name, cosigner_key.key_id, cosignature_body(seconds, signers.cosigner.sign(message))
        ),
    )
    return format_note(Note(text, lines))


def _checkpoint(tree: LogTree, signers: LogSigners) -> Checkpoint:
    return Checkpoint(signers.origin, tree.size, tree.root)


def _write_keys(folder: Path, signers: LogSigners) -> None:
    """The verifier keys, one in each file, as other people's tools read them."""
    keys = {LOG_KEY_FILE: signers.log_key, COSIGNER_KEY_FILE: signers.cosigner_key}
    files = {name: f"{encode_vkey(key)}\n".encode() for name, key in keys.items()}
    write_files(folder, {name: text for name, text in files.items() if read_log_file(folder, name) != text})
