"""Bringing a database to the schema of this program."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from certs.errors import KezhengError
from registry.store.engine import open_engine, stored_revision

WITHOUT_REGISTER = "0001"
"""The revision of databases whose certificates stand in no public register."""
_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade_schema(url: str) -> None:
    """Create the database if need be and apply every missing migration, in one transaction. Idempotent.

    Raises KezhengError ``schema_not_upgradable``.
    """
    engine = open_engine(url)
    try:
        upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine, revision: str = "head") -> None:
    """Apply the migrations up to one revision. Raises KezhengError ``schema_not_upgradable``."""
    found = stored_revision(engine)
    if found == WITHOUT_REGISTER:
        raise KezhengError("schema_not_upgradable", found=found)
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def alembic_config() -> Config:
    """Alembic's settings, without an ini file: the scripts lie in this package."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
