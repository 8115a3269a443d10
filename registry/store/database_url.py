"""Addresses of databases: which engine they name, and with which driver it is reached."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from certs.errors import KezhengError

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def parse_database_url(url: str) -> URL:
    """An address as the engine takes it: ``sqlite:///PATH``, or ``postgresql://…`` with the one driver we use.

    Several PostgreSQL servers are named in the query, ``postgresql:///kezheng?host=a:5432&host=b:5432``. Raises
    KezhengError ``settings_invalid`` for another engine, another driver or no address at all; never with the
    address in it, which may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise KezhengError("settings_invalid", name="database_url") from None
    name = parsed.drivername
    known = _DRIVERS.get(name, name if name in _DRIVERS.values() else None)
    if known is None:
        raise KezhengError("settings_invalid", name="database_url")
    return parsed.set(drivername=known)


def is_postgresql(url: str) -> bool:
    """Whether an address names a PostgreSQL server. Raises KezhengError ``settings_invalid``."""
    return parse_database_url(url).get_backend_name() == "postgresql"
