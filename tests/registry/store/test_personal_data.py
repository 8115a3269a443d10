"""ID numbers are in no byte of the database, its journal or its backups."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from keys.data_protection import BlindIndex, FieldCipher
from registry.store.counter_store import take_ids
from registry.store.person_store import PersonDocumentRecord, add_persons
from registry.store.roster_store import add_roster_rows, roster_rows

NUMBERS = ["15010219040101201X", "150102190401020126", "15010219040103012X"]
KEY_ID = b"key no 1"


def test_no_number_in_any_file(register: Any, database: Path, tmp_path: Path) -> None:
    cipher, index = FieldCipher({KEY_ID: b"d" * 32}, KEY_ID), BlindIndex(b"b" * 32)
    with register.store.transaction() as tx:
        people, documents, rows = (
            take_ids(tx, table, len(NUMBERS)) for table in ("person", "person_document", "roster_row")
        )
        add_persons(
            tx,
            [
                PersonDocumentRecord(
                    id=documents[i],
                    person_id=people[i],
                    id_type="居民身份证",
                    blind_index=index.of("居民身份证", number),
                    number_ciphertext=cipher.seal("person_document", "number_ciphertext", documents[i], number),
                    key_id=KEY_ID,
                )
                for i, number in enumerate(NUMBERS)
            ],
        )
        add_roster_rows(
            tx,
            [
                register.row(rows[i], people[i], 2 + i)._replace(
                    number_ciphertext=cipher.seal("roster_row", "number_ciphertext", rows[i], number)
                )
                for i, number in enumerate(NUMBERS)
            ],
        )
    backup = tmp_path / "backup.db"
    with sqlite3.connect(database) as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"register.db", "register.db-wal", "backup.db"}
    for path in files:
        content = path.read_bytes()
        for number in NUMBERS:
            assert number.encode() not in content, path.name
            assert number[:17].encode() not in content, path.name
    with register.store.reading() as reading:
        opened = [
            cipher.open("roster_row", "number_ciphertext", row.id, row.number_ciphertext)
            for row in roster_rows(reading, register.batch.id)
        ]
    assert opened == NUMBERS
