"""Alembic's entry: runs inside the transaction that ``registry.store.migrate`` has opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import TypeDecorator

from registry.store.tables import TABLES


def _render_plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write the database's type, not ours: a migration must not change when our Python types do."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    return f"sa.{item.impl_instance!r}"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TABLES[0].metadata,
    render_item=_render_plain_type,
    # SQLite cannot alter a column in place: later migrations rebuild the table.
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
