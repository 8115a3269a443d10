"""How large an uploaded workbook may be, and what the process that reads it may use."""

from __future__ import annotations

_LEAST_SECONDS = 10
_SECONDS_PER_MB = 6


class WorkbookLimits:
    """The bounds of one reading. A plain class: the reading process starts without ``dataclasses``.

    Sizes are bytes, times are seconds. ``row_slack`` are rows beyond ``rows`` that may hold a title, the
    header and closing lines. ``text_bytes`` counts the UTF-8 text of every cell each time it is shown, so one
    long text that is referenced often counts often. Times are those of a large file; see :meth:`for_file`.
    """

    __slots__ = (
        "columns",
        "cpu_seconds",
        "entries",
        "file_bytes",
        "inflated_bytes",
        "memory_bytes",
        "output_bytes",
        "row_slack",
        "rows",
        "text_bytes",
        "wall_seconds",
    )

    def __init__(
        self,
        *,
        file_bytes: int = 64 << 20,
        entries: int = 10_000,
        inflated_bytes: int = 512 << 20,
        text_bytes: int = 64 << 20,
        rows: int = 100_000,
        row_slack: int = 100,
        columns: int = 256,
        memory_bytes: int = 1 << 30,
        cpu_seconds: int = 60,
        wall_seconds: int = 120,
        output_bytes: int = 192 << 20,
    ) -> None:
        self.file_bytes = file_bytes
        self.entries = entries
        self.inflated_bytes = inflated_bytes
        self.text_bytes = text_bytes
        self.rows = rows
        self.row_slack = row_slack
        self.columns = columns
        self.memory_bytes = memory_bytes
        self.cpu_seconds = cpu_seconds
        self.wall_seconds = wall_seconds
        self.output_bytes = output_bytes

    def for_file(self, size: int) -> WorkbookLimits:
        """The same bounds with the time that an honest file of so many bytes may need on a busy machine.

        100,000 rows are some 7 MB and take 7 s; a bomb is small, so it is given little.
        """
        limits = WorkbookLimits(**{name: getattr(self, name) for name in self.__slots__})
        needed = _LEAST_SECONDS + _SECONDS_PER_MB * size // (1 << 20)
        limits.cpu_seconds = min(self.cpu_seconds, needed)
        limits.wall_seconds = min(self.wall_seconds, 2 * needed)
        return limits

    def to_arguments(self) -> list[str]:
        """The bounds as ``name=value`` words for a command line."""
        return [f"{name}={getattr(self, name)}" for name in self.__slots__]

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> WorkbookLimits:
        """The inverse of :meth:`to_arguments`."""
        return cls(**{name: int(value) for name, _, value in (word.partition("=") for word in arguments)})
