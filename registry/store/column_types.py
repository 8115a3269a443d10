"""How the domain's values are kept in columns, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String, TypeDecorator

EnumType = TypeVar("EnumType", bound=StrEnum)

RowId = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; on SQLite only the word INTEGER makes it the row id itself, which saves an index."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC. SQLite has no zones and would hand back naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime (ValueError): whose midnight it means cannot be known."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not an instant")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant, in UTC on every engine."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class EnumText(TypeDecorator[EnumType]):
    """A member of one StrEnum, kept as its text: engines' own enum types are hard to extend."""

    impl = String(32)
    cache_ok = True

    def __init__(self, members: type[EnumType]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: EnumType | None, _dialect: Dialect) -> str | None:
        """The text of a member."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> EnumType | None:
        """The member of a text. Raises ValueError for a text of no member."""
        return None if value is None else self.members(value)


class JsonTuple(TypeDecorator[tuple[Any, ...]]):
    """A short list of strings or numbers, kept as a JSON array and read as a tuple; None is SQL NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, _dialect: Dialect) -> list[Any] | None:
        """A JSON array."""
        return None if value is None else list(value)

    def process_result_value(self, value: list[Any] | None, _dialect: Dialect) -> tuple[Any, ...] | None:
        """A tuple, so that records read from the store stay frozen."""
        return None if value is None else tuple(value)
