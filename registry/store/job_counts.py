"""How many runs at jobs wait and run, straight from the job engine's table: two columns, and nothing is written.

The library's own way to list them loads what each was told, and makes its tables where there are none.
"""

from __future__ import annotations

from sqlalchemy import Engine, String, column, inspect, select, table

from registry.store.access import Access
from registry.store.conflicts import conflicts_as_errors
from registry.store.database_url import is_postgresql
from registry.store.engine import open_engine
from registry.store.job_database import JOB_SCHEMA

_TABLE = "workflow_status"


class JobCounts:
    """The engine's tables at one address, opened for reading."""

    def __init__(self, url: str) -> None:
        schema = JOB_SCHEMA if is_postgresql(url) else None
        self._schema = schema
        self._runs = table(_TABLE, column("workflow_uuid", String), column("status", String), schema=schema)
        self._engine: Engine = open_engine(url, Access.READ)

    def by_name(self, states: list[str]) -> list[tuple[str, str]]:
        """Name and state of every run in one of some states; none as long as nobody has made the tables.

        Raises KezhengError ``store_unavailable``, ``store_busy``.
        """
        with conflicts_as_errors(), self._engine.connect() as connection:
            if not inspect(connection).has_table(_TABLE, schema=self._schema):
                return []
            query = select(self._runs.c.workflow_uuid, self._runs.c.status).where(self._runs.c.status.in_(states))
            return [(row.workflow_uuid, row.status) for row in connection.execute(query)]

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()
