"""Models and migrations describe one schema, and no other schema is opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from postgres_server import postgres_database
from sqlalchemy import Engine, MetaData, inspect, select, text

from certs.errors import KezhengError
from registry.store.access import Access
from registry.store.certificate_tables import CERTIFICATE_SEALED
from registry.store.database_url import is_postgresql
from registry.store.engine import (
    open_engine,
    open_public_store,
    open_read_store,
    open_write_store,
    stored_revision,
)
from registry.store.migrate import alembic_config, upgrade_engine, upgrade_schema
from registry.store.schema_names import PUBLIC_VIEWS, SCHEMA_REVISION
from registry.store.tables import TABLES

CATALOGUES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL",
    "postgresql": """
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'
        UNION SELECT table_name || '.' || column_name,
                     data_type || ' ' || coalesce(character_maximum_length::text, '') || ' ' || is_nullable
            FROM information_schema.columns WHERE table_schema = 'public'""",
}

WITHOUT_REFERENCES = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "postgresql": "SET session_replication_role = replica",
}
CERTIFICATE_ROWS = """INSERT INTO certificate
    (id, number, batch_id, roster_row_id, institution_code, person_id, occupation_id, direction_key, grade, kind,
     prefix, serial, status_index, state, assessed_on, live, prints)
    VALUES (7, 'n7', 'b', 7, 'P', 7, 'o', '', 'intermediate', 'assessment', 'p', 7, 7, 'signed', '2026-01-01', true, 0),
           (9, 'n9', 'b', 9, 'P', 9, 'o', '', 'intermediate', 'assessment', 'p', 9, 9, 'signed', '2026-01-01', true, 0)
"""
SEALED_ROWS = {
    "sqlite": "INSERT INTO certificate_sealed VALUES (7, x'6537', x'6437'), (9, x'6539', x'6439')",
    "postgresql": r"INSERT INTO certificate_sealed VALUES (7, '\x6537', '\x6437'), (9, '\x6539', '\x6439')",
}


def statements(engine: Engine) -> dict[str, str]:
    """What the engine was told to create, by name, without differences of spacing and quoting."""
    with engine.connect() as connection:
        rows = connection.execute(text(CATALOGUES[engine.dialect.name])).all()
    engine.dispose()
    return {name: " ".join(sql.replace('"', "").split()).replace("( ", "(") for name, sql in rows}


def constraints(statement: str) -> set[str]:
    """The parts of a statement, in any order."""
    return {part.strip(" ,)(") for part in statement.replace("CONSTRAINT", "\n").replace(", ", "\n").split("\n")}


@pytest.fixture
def empty(url: str, tmp_path: Path) -> Iterator[Engine]:
    """A database without anything, on the engine of the test."""
    if is_postgresql(url):
        with postgres_database(migrated=False) as address:
            engine = open_engine(address)
            yield engine
            engine.dispose()
    else:
        engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
        yield engine
        engine.dispose()


@pytest.fixture
def created(empty: Engine) -> Engine:
    """A database whose tables the models have made."""
    TABLES[0].metadata.create_all(empty)
    return empty


def test_models_and_migrations_agree(url: str) -> None:
    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES[0].metadata) == []
    engine.dispose()


def test_models_and_migrations_agree_to_the_letter(url: str, created: Engine) -> None:
    # Alembic does not compare conditions of partial indexes, nor foreign keys on every engine.
    found, expected = statements(open_engine(url)), statements(created)
    extra = {name.split(".")[0] for name in found.keys() - expected.keys()}
    assert extra - {"alembic_version_pkc"} == {"alembic_version", *PUBLIC_VIEWS}
    for name, statement in expected.items():
        assert constraints(found[name]) == constraints(statement), name


def test_every_table_is_listed() -> None:
    metadata: MetaData = TABLES[0].metadata
    assert set(TABLES) == set(metadata.tables.values())


def test_newest_migration_is_the_one_expected() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert script.get_heads() == [SCHEMA_REVISION]


def test_upgrade_twice_changes_nothing(url: str) -> None:
    before = statements(open_engine(url))
    upgrade_schema(url)
    assert statements(open_engine(url)) == before


def test_digests_of_envelopes_are_indexed_in_the_register_alone(url: str) -> None:
    """In no order as they are, each index of them costs a long register a page for nearly every certificate."""
    engine = open_engine(url, Access.READ)
    found = inspect(engine)
    indexed = {column for index in found.get_indexes("certificate_sealed") for column in index["column_names"]}
    unique = {column for rule in found.get_unique_constraints("certificate_sealed") for column in rule["column_names"]}
    engine.dispose()
    assert (indexed, unique) == (set(), set())


def test_envelopes_stay_when_their_own_index_goes(empty: Engine) -> None:
    upgrade_engine(empty, "0005")
    raw = empty.raw_connection()
    raw.cursor().execute(WITHOUT_REFERENCES[empty.dialect.name])
    raw.cursor().execute(CERTIFICATE_ROWS)
    raw.cursor().execute(SEALED_ROWS[empty.dialect.name])
    raw.commit()
    raw.close()
    empty.dispose()
    upgrade_engine(empty)
    with empty.connect() as connection:
        kept = connection.execute(select(CERTIFICATE_SEALED).order_by(CERTIFICATE_SEALED.c.certificate_id)).all()
        tables = set(inspect(connection).get_table_names())
    assert [tuple(row) for row in kept] == [(7, b"e7", b"d7"), (9, b"e9", b"d9")]
    assert tables == {*(table.name for table in TABLES), "alembic_version"}


@pytest.mark.parametrize("opening", [open_write_store, open_read_store, open_public_store])
@pytest.mark.parametrize("revision", ["0000", "9999"])
def test_other_schema_is_refused(url: str, opening: object, revision: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()
    assert callable(opening)
    with pytest.raises(KezhengError, match=r"^schema_out_of_date"):
        opening(url)


def test_empty_database_is_out_of_date(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    engine = open_engine(url)
    assert stored_revision(engine) is None
    engine.dispose()
    with pytest.raises(KezhengError, match=r"^schema_out_of_date"):
        open_write_store(url)


def test_missing_database_is_not_created_by_readers(tmp_path: Path) -> None:
    with pytest.raises(KezhengError, match=r"^database_missing"):
        open_read_store(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


def test_path_with_special_characters(tmp_path: Path) -> None:
    folder = tmp_path / "北疆 100% ?#&"
    folder.mkdir()
    upgrade_schema(f"sqlite:///{folder}/register.db".replace("%", "%25").replace("?", "%3F"))
    assert (folder / "register.db").is_file()


def test_public_views_have_no_personal_columns(url: str) -> None:
    engine = open_engine(url, Access.READ)
    columns = {view: {column["name"] for column in inspect(engine).get_columns(view)} for view in PUBLIC_VIEWS}
    engine.dispose()
    assert columns == {
        "public_certificate": {"number", "envelope"},
        "public_document": {"kind", "version", "content", "issued_at", "expires_at"},
    }


def test_a_database_without_a_register_is_left_as_it_is(tmp_path: Path) -> None:
    """Its certificates were never logged: nothing could give them their time afterwards."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
    before = statements(engine)
    with pytest.raises(KezhengError, match="schema_not_upgradable"):
        upgrade_schema(url)
    assert (statements(engine), stored_revision(engine)) == (before, "0001")
    engine.dispose()
