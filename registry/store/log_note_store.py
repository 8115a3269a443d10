"""Lines of witnesses come to a checkpoint that was signed before: the same tree, a note with more lines."""

from __future__ import annotations

from certs.errors import KezhengError
from registry.store.engine import WriteTransaction
from registry.store.log_store import LogTree
from registry.store.log_tables import LOG_TREE


def replace_note(tx: WriteTransaction, tree: LogTree, note: bytes) -> None:
    """Put a note with the same text in the place of the tree's. Raises ``log_contended`` when it has moved on."""
    same = (LOG_TREE.c.note_size == tree.note_size) & (LOG_TREE.c.note == tree.note)
    if tx.connection.execute(LOG_TREE.update().where(same).values(note=note)).rowcount != 1:
        raise KezhengError("log_contended")
