"""Published files that wait for the trust list which they belong to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from registry.store.engine import WriteTransaction
from registry.store.register_tables import PUBLISHED_DOCUMENT


def hold_back(tx: WriteTransaction, kinds: Collection[str]) -> None:
    """Keep the newest version of some files back until the register that covers the trust list is public."""
    table = PUBLISHED_DOCUMENT
    for kind in kinds:
        newest = select(func.max(table.c.version)).where(table.c.kind == kind).scalar_subquery()
        update = table.update().where(table.c.kind == kind, table.c.version == newest)
        tx.connection.execute(update.values(is_public=False))
