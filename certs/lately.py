"""What was asked for lately, by number. It knows nothing of where it comes from, and so keeps nothing else alive."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Lately(Generic[Value]):
    """Values by number, at most so many. Safe for several threads: what one puts in another may miss, never mistake."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._newer: dict[int, Value] = {}
        self._older: dict[int, Value] = {}

    def get(self, number: int) -> Value | None:
        """What was kept last under a number, None when it is not known any more."""
        found = self._newer.get(number)
        return self._older.get(number) if found is None else found

    def keep(self, number: int, value: Value) -> None:
        """Keep a value; when there are many, the older half goes."""
        newer = self._newer
        newer[number] = value
        if len(newer) >= self._half:
            self._older, self._newer = newer, {}
