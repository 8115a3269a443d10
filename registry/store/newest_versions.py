"""The newest version of every kind of file, found by as many index look-ups as there are kinds.

Every change of a status adds a version, and a register has changes for decades: nothing may read through the versions.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Subquery, func, select


def newest_versions(files: FromClause, *conditions: ColumnElement[bool]) -> Subquery:
    """The columns ``kind`` and ``version`` of the newest of each kind among files that meet some conditions.

    The next kind is the least one that is greater, asked of an index on both columns (under the same conditions).
    """
    kinds = select(_least(files, *conditions).label("kind")).cte("kinds", recursive=True)
    after = _least(files, files.c.kind > kinds.c.kind, *conditions)
    kinds = kinds.union_all(select(after).where(kinds.c.kind.is_not(None)))
    newest = select(func.max(files.c.version)).where(files.c.kind == kinds.c.kind, *conditions)
    return (
        select(kinds.c.kind, newest.scalar_subquery().label("version")).where(kinds.c.kind.is_not(None)).subquery()
    )


def _least(files: FromClause, *conditions: ColumnElement[bool]) -> Any:
    return select(func.min(files.c.kind)).where(*conditions).scalar_subquery()
