"""A lock that its holder loses by dying: a PostgreSQL advisory lock, held as long as one session lives.

The server ends the session of a process that was killed at once, and that of a machine that was cut off after the
keepalives named here, about eleven seconds. Nothing is guessed from how long somebody has been silent.
"""

from __future__ import annotations

import hashlib

import psycopg

from registry.store.conflicts import conflicts_as_errors
from registry.store.database_url import parse_database_url

_SERVER_KEEPALIVES = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
_CONNECT_SECONDS = 10


class LockSession:
    """A session of a database server that takes locks by name. Not for two threads at once."""

    def __init__(self, url: str) -> None:
        """Connect. Raises KezhengError ``store_unavailable``."""
        address = parse_database_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with conflicts_as_errors():
            self._connection = psycopg.connect(
                address,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                application_name="kezheng jobs",
                options=_SERVER_KEEPALIVES,
                tcp_user_timeout=1000 * _CONNECT_SECONDS,
                keepalives=1,
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
            )

    def try_lock(self, name: str) -> bool:
        """Take a lock; False while another session holds it. Raises KezhengError ``store_unavailable``."""
        with conflicts_as_errors():
            row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (_key(name),)).fetchone()
        assert row is not None
        return bool(row[0])

    def unlock(self, name: str) -> None:
        """Give a lock back, if it is held. Raises KezhengError ``store_unavailable``; the lock is gone then too."""
        with conflicts_as_errors():
            self._connection.execute("SELECT pg_advisory_unlock(%s)", (_key(name),))

    def check(self) -> None:
        """Ask the server whether the session lives. Raises KezhengError ``store_unavailable``."""
        with conflicts_as_errors():
            self._connection.execute("SELECT 1")

    def close(self) -> None:
        """End the session; its locks are free."""
        self._connection.close()


def _key(name: str) -> int:
    """Advisory locks have numbers: 64 bits of the name's SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
