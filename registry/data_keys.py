"""A new data key, and everything stored sealed again under it, in chunks beside whatever else goes on.

The old key stays in the keystore: it goes on opening backups. A run that was stopped is gone on with; another key is
made only when everything is under the newest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from keys.data_protection import FieldCipher
from keys.key_record import KeyRole
from registry.home import Home
from registry.keyring import Keyring
from registry.store.audit_store import record_act
from registry.store.ciphertext_store import (
    SEALED_TABLES,
    SealedRow,
    SealedTable,
    count_under_other_keys,
    rows_under_other_keys,
    store_sealed_again,
)

CHUNK = 500
"""Rows in one transaction: others wait for the database some milliseconds at most."""
SUBJECT = "registry"


class DataRotation(NamedTuple):
    """The key under which everything is now, whether it was made by this run, and the rows that were sealed again."""

    key_id: bytes
    made_now: bool
    rows: int


def rotate_data_key(home: Home, by: str, now: datetime, progress: Callable[[int], None]) -> DataRotation:
    """Bring everything under a new data key, or finish a run that was stopped; ``progress`` gets the rows done so far.

    Raises KezhengError ``data_key_unknown``, ``data_damaged`` for a field that cannot be opened; it stays as it is.
    """
    made_now = rows_to_seal(home) == 0
    if made_now:
        _make_key(home, by, now)
    cipher, done = Keyring(home.keystore).cipher, 0
    for sealed in SEALED_TABLES:
        for count in _seal_table(home, sealed, cipher):
            done += count
            progress(done)
    with home.store.transaction() as tx:
        record_act(tx, now, by, "data_sealed_again", SUBJECT, key=cipher.current_key_id.hex(), rows=done)
    return DataRotation(cipher.current_key_id, made_now, done)


def rows_to_seal(home: Home) -> int:
    """How many rows are not under the newest data key."""
    newest = Keyring(home.keystore).cipher.current_key_id
    with home.store.reading() as tx:
        return sum(count_under_other_keys(tx, sealed, newest) for sealed in SEALED_TABLES)


def _make_key(home: Home, by: str, now: datetime) -> None:
    """A key that is the newest even when this machine's clock went back."""
    before = home.keystore.newest(KeyRole.DATA_ENCRYPTION)
    created_at = now if before is None else max(now, before.created_at + timedelta.resolution)
    record = home.keystore.generate_secret(KeyRole.DATA_ENCRYPTION, created_at)
    with home.store.transaction() as tx:
        record_act(tx, now, by, "data_key_made", SUBJECT, key=record.kid.hex())


def _seal_table(home: Home, sealed: SealedTable, cipher: FieldCipher) -> Iterator[int]:
    """Row counts of one chunk after the other, until the whole table has nothing under another key."""
    last = 0
    while True:
        rows = _seal_chunk(home, sealed, cipher, last)
        if rows:
            yield len(rows)
            last = rows[-1].id
        elif last:
            # Once more from the start: a process that had not seen the new key may have written behind us.
            last = 0
        else:
            return


def _seal_chunk(home: Home, sealed: SealedTable, cipher: FieldCipher, after_id: int) -> list[SealedRow]:
    with home.store.transaction() as tx:
        rows = rows_under_other_keys(tx, sealed, cipher.current_key_id, CHUNK, after_id)
        store_sealed_again(tx, sealed, [_sealed_again(sealed, row, cipher) for row in rows], cipher.current_key_id)
    return rows


def _sealed_again(sealed: SealedTable, row: SealedRow, cipher: FieldCipher) -> SealedRow:
    return row._replace(
        fields=tuple(
            None
            if field is None
            else cipher.seal(sealed.name, column, row.id, cipher.open(sealed.name, column, row.id, field))
            for column, field in zip(sealed.columns, row.fields, strict=True)
        )
    )
