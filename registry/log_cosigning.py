"""Witnessing: a monitor's line under a checkpoint that it found consistent, and how the registry takes lines in.

A line says that its witness, at its time, had seen no larger tree of this log and none that this one does not
continue (C2SP tlog-cosignature).
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from certs.delegation import DelegatedLog
from certs.errors import KezhengError
from certs.log_paths import CHECKPOINT_FILE
from certs.timestamps import epoch_seconds
from certs.tlog.checkpoint import Cosigned, open_checkpoint, read_checkpoint_text
from certs.tlog.cosignature import (
    attach_signature,
    cosignature_body,
    cosignature_message_ed25519,
    read_cosignature_body,
)
from certs.tlog.note import Note, NoteSignature, parse_note
from keys.cosigner_file import Cosigner
from registry.home import Home
from registry.publishing.log_folder import folder_lock, write_files
from registry.store.log_note_store import replace_note
from registry.store.log_store import hold_tree


def cosigned_note(note: bytes, cosigner: Cosigner, at: datetime) -> bytes:
    """The checkpoint with the line of a witness, in the place of an older line of the same witness."""
    key, seconds = cosigner.key, epoch_seconds(at)
    signature = cosigner.signer.sign(cosignature_message_ed25519(parse_note(note).text, seconds))
    return attach_signature(note, key.name, key.key_id, cosignature_body(seconds, signature))


def take_lines(home: Home, offered: bytes) -> tuple[Cosigned, ...]:
    """Take the lines of delegated witnesses into this register's present checkpoint; which ones.

    Raises KezhengError ``checkpoint_untrusted`` (not a checkpoint of this register, or a line that does not verify),
    ``cosignature_of_another_tree``, ``witness_unknown`` when no line is of a witness that the root has named.
    """
    home.publish_log()
    folder = home.settings.log_folder
    with folder_lock(folder):
        with home.store.transaction() as tx:
            tree, log = hold_tree(tx), home.delegated(tx).log
            assert tree.note is not None
            cosigned = _check(offered, parse_note(tree.note), log)
            note = reduce(_with_line, _lines_of_witnesses(parse_note(offered), log), tree.note)
            replace_note(tx, tree, note)
        # What the note covers was written before it was signed, so it may be shown.
        write_files(folder, {CHECKPOINT_FILE: note})
    return cosigned


def _check(offered: bytes, present: Note, log: DelegatedLog) -> tuple[Cosigned, ...]:
    """The lines of witnesses in a note of the present tree."""
    opened = open_checkpoint(offered, log.origin, [key.key for key in log.keys], cosigners=log.witnesses)
    if opened.note.text != present.text:
        known = read_checkpoint_text(present.text).size
        raise KezhengError("cosignature_of_another_tree", size=opened.checkpoint.size, known=known)
    if not opened.cosigned:
        raise KezhengError("witness_unknown")
    return opened.cosigned


def _lines_of_witnesses(note: Note, log: DelegatedLog) -> list[NoteSignature]:
    names = {(key.name, key.key_id) for key in log.witnesses}
    return [line for line in note.signatures if (line.name, line.key_id) in names]


def _with_line(note: bytes, line: NoteSignature) -> bytes:
    """A note with a witness's line; of two lines of one key the later counts."""
    for present in parse_note(note).signatures:
        if (present.name, present.key_id) == (line.name, line.key_id):
            times = [read_cosignature_body(each.signature).at_seconds for each in (present, line)]
            if times[0] >= times[1]:
                return note
    return attach_signature(note, line.name, line.key_id, line.signature)
