"""What it means when the database refuses: each uniqueness has its own code, and so has each way of failing.

The driver's own words may hold values (PostgreSQL quotes the key that exists already) and are not passed on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError

from certs.errors import KezhengError

# Engines name a broken rule differently: PostgreSQL by its name, SQLite by its columns.
_MEANINGS = (
    (("uq_certificate_live", "certificate.person_id, certificate.occupation_id"), "already_certified"),
    (("uq_certificate_supersedes", "certificate.supersedes"), "successor_exists"),
    (("uq_certificate_roster_row_id", "certificate.roster_row_id"), "row_already_has_certificate"),
    (("pk_certificate_prepared", "certificate_prepared.certificate_id"), "certificate_state_changed"),
    (("uq_log_entry_certificate", "log_entry.subject"), "already_logged"),
    (("pk_certificate_logged", "certificate_logged.certificate_id"), "certificate_state_changed"),
    (("pk_certificate_sealed", "certificate_sealed.certificate_id"), "certificate_state_changed"),
    (("pk_signing_key", "signing_key.kid"), "key_id_taken"),
    (("uq_signing_key_public_key", "signing_key.public_key"), "key_id_taken"),
)
_BUSY, _UNAVAILABLE, _READ_ONLY = "store_busy", "store_unavailable", "store_read_only"
# SQLSTATE, the longest that fits. 40: serialization, deadlock; 55P03: lock not had in time; 25006: a standby;
# 08, 53, 57, 25P03: the connection or the server is gone, full, stopping, or took too long.
_STATES = {
    **{"40": _BUSY, "55P03": _BUSY, "25006": _READ_ONLY},
    **{"08": _UNAVAILABLE, "53": _UNAVAILABLE, "57": _UNAVAILABLE, "25P03": _UNAVAILABLE},
}
_SQLITE_NAMES = {
    **{"SQLITE_BUSY": _BUSY, "SQLITE_LOCKED": _BUSY, "SQLITE_READONLY": _READ_ONLY},
    **{"SQLITE_IOERR": _UNAVAILABLE, "SQLITE_FULL": _UNAVAILABLE, "SQLITE_CANTOPEN": _UNAVAILABLE},
}


@contextmanager
def conflicts_as_errors() -> Iterator[None]:
    """Turn the driver's refusals into KezhengError; a mistake in a statement of ours stays what it is."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        code = error_code(error.orig if isinstance(error, DBAPIError) else error)
        if code is None:
            raise
        raise KezhengError(code) from None


def error_code(error: BaseException | None) -> str | None:
    """The code of a driver's error, None where it has none."""
    if isinstance(error, sqlite3.IntegrityError):
        return _meaning(str(error))
    if isinstance(error, sqlite3.Error):
        # The module's own errors, such as a closed connection, are no answer of the library and have no name.
        return _SQLITE_NAMES.get("_".join(getattr(error, "sqlite_errorname", "").split("_")[:2]))
    if isinstance(error, psycopg.IntegrityError):
        return _meaning(error.diag.constraint_name or "")
    if isinstance(error, psycopg.Error):
        return _postgres_code(error)
    return None


def _postgres_code(error: psycopg.Error) -> str | None:
    if isinstance(error, psycopg.DataError):
        return "store_refused"
    state = error.sqlstate
    if state is None:
        # Not an answer of the server: there was none.
        return _UNAVAILABLE if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) else None
    return _STATES.get(state) or _STATES.get(state[:2])


def _meaning(message: str) -> str:
    for names, code in _MEANINGS:
        if any(name in message for name in names):
            return code
    return "store_conflict"
