"""PostgreSQL: the same program with another address, and the way to more than one machine.

A write transaction is alone here too: it begins by taking one advisory lock of the database. Readers wait for nobody;
theirs are read-only snapshots, which a hot standby gives as well.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from certs.errors import KezhengError
from registry.store import access as waiting
from registry.store.access import Access

WRITE_LOCK = int.from_bytes(b"kezheng")
"""The advisory lock that every write transaction of this program holds; advisory locks belong to one database."""
_BEGIN_WRITE = f"SELECT pg_advisory_xact_lock({WRITE_LOCK}), pg_is_in_recovery()"
# A machine that was cut off is noticed in about eleven seconds, on its side and on the server's.
_KEEPALIVES = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
_SERVER_KEEPALIVES: dict[str, str | int] = {
    **{"tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 3},
}
_IDLE_SECONDS = 20
"""How long a write transaction may do nothing, which a stopped or cut-off machine does, before others go on."""
_CONNECT_SECONDS = {Access.WRITE: 10, Access.READ: 10, Access.PUBLIC: 3}


def postgres_engine(url: URL, access: Access, **settings: Any) -> Engine:
    """An engine over a server; ``settings`` are those of every engine. What the address says goes before ours."""
    arguments: dict[str, Any] = {
        "application_name": f"kezheng {access.value}",
        "connect_timeout": _CONNECT_SECONDS[access],
        "tcp_user_timeout": 1000 * _CONNECT_SECONDS[access],
        **_KEEPALIVES,
    }
    given = {name: value for name, value in arguments.items() if name not in url.query}
    given["options"] = f"{_session_options(access)} {url.query.get('options', '')}".rstrip()
    # A pooled connection is asked before it is used: after a failover the old ones are dead.
    engine = create_engine(url, connect_args=given, pool_pre_ping=True, **settings)
    if access is Access.WRITE:
        event.listen(engine, "begin", _begin_write)
    return engine


def _session_options(access: Access) -> str:
    """What every session is set to, in the first message to the server and so without a message of its own."""
    return " ".join(f"-c {name}={value}" for name, value in _session_settings(access).items())


def _session_settings(access: Access) -> dict[str, str | int]:
    if access is Access.WRITE:
        return _SERVER_KEEPALIVES | {
            # Zero would be no limit at all.
            "lock_timeout": max(1, 1000 * waiting.BUSY_SECONDS),
            "idle_in_transaction_session_timeout": 1000 * _IDLE_SECONDS,
            # Each statement sees what was committed before it: the lock is taken by the first one, so that a
            # snapshot of the whole transaction would be older than the lock.
            "default_transaction_isolation": r"read\ committed",
        }
    snapshot = _SERVER_KEEPALIVES | {
        "default_transaction_read_only": "on",
        "default_transaction_isolation": r"repeatable\ read",
    }
    return snapshot | ({"statement_timeout": 1000 * waiting.PUBLIC_SECONDS} if access is Access.PUBLIC else {})


def _begin_write(connection: Connection) -> None:
    _lock, is_standby = connection.exec_driver_sql(_BEGIN_WRITE).one()
    if is_standby:
        # Another server may be the primary by now: the next connection asks anew.
        connection.invalidate()
        raise KezhengError("store_read_only")
