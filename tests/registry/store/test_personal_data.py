"""ID numbers are in no byte of the database, its journal or its backups."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from postgres_server import run_program, shared_server
from psycopg import sql
from small_register import SmallRegister

from keys.data_protection import BlindIndex, FieldCipher
from registry.store.counter_store import take_ids
from registry.store.engine import open_write_store
from registry.store.person_store import PersonDocumentRecord, add_persons
from registry.store.roster_store import add_roster_rows, roster_rows

NUMBERS = ["15010219040101201X", "150102190401020126", "15010219040103012X"]
KEY_ID = b"key no 1"


def test_no_number_in_any_file_of_sqlite(database: Path, sqlite_url: str, tmp_path: Path) -> None:
    store = open_write_store(sqlite_url)
    store_numbers(SmallRegister.founded(store))
    backup = tmp_path / "backup.db"
    with sqlite3.connect(database) as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"register.db", "register.db-wal", "backup.db"}
    require_no_number_in(files)
    store.close()


def test_no_number_in_any_file_of_postgresql(postgres_url: str, tmp_path: Path) -> None:
    server = shared_server()
    with closing(open_write_store(postgres_url)) as store:
        store_numbers(SmallRegister.founded(store))
    server.execute(sql.SQL("CHECKPOINT"))
    backup = tmp_path / "backup.sql"
    run_program("pg_dump", "--dbname", postgres_url, "--file", str(server.folder / "backup.sql"))
    shutil.move(server.folder / "backup.sql", backup)
    assert "person_document" in backup.read_text("utf-8")
    files = [path for path in (server.folder / "data").rglob("*") if path.is_file()]
    assert {"pg_wal", "base"} <= {path.relative_to(server.folder / "data").parts[0] for path in files}
    require_no_number_in([backup, server.folder / "log", *files])


def require_no_number_in(files: Iterable[Path]) -> None:
    numbers = re.compile(b"|".join(number[:17].encode() for number in NUMBERS))
    assert [path for path in files if numbers.search(path.read_bytes())] == []


def store_numbers(register: SmallRegister) -> None:
    """Three people with their rows, as an import stores them; read back at the end."""
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
    with register.store.reading() as reading:
        opened = [
            cipher.open("roster_row", "number_ciphertext", row.id, row.number_ciphertext)
            for row in roster_rows(reading, register.batch.id)
        ]
    assert opened == NUMBERS
