"""What a drill says: its phases with their times, what was compared, and every difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

Say = Callable[[str], None]


class Phases:
    """Says what happens and remembers what came out otherwise than it should."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._started = perf_counter()
        self.differences: list[str] = []

    def say(self, line: str) -> None:
        """Say a line of one's own."""
        self._say(line)

    @contextmanager
    def phase(self, name: str, count: int = 0) -> Iterator[None]:
        """Time a phase; with a count of what it works on also its rate."""
        self._say(f"{name} …")
        start = perf_counter()
        yield
        seconds = perf_counter() - start
        rate = f"  {count / seconds:,.0f}/s" if count else ""
        self._say(f"  {seconds:.1f} s{rate}")

    def same(self, what: str, found: object, expected: object) -> None:
        """Compare."""
        if found == expected:
            self._say(f"  ✓ {what}: {found}")
        else:
            self.differences.append(what)
            self._say(f"  ✗ {what}: {found}, not {expected}")

    def at_most(self, what: str, found: float, limit: float) -> None:
        """Compare with a limit."""
        if found <= limit:
            self._say(f"  ✓ {what}: {found:.2f}, at most {limit:g}")
        else:
            self.differences.append(what)
            self._say(f"  ✗ {what}: {found:.2f}, more than {limit:g}")

    def progress(self, what: str, done: int, total: int) -> None:
        """Say how far a phase is."""
        self._say(f"  {what} {done:,}/{total:,}  {perf_counter() - self._started:.0f} s")

    def close(self) -> int:
        """Say how it ended; the exit code."""
        total = perf_counter() - self._started
        ended = f"different: {'; '.join(self.differences)}" if self.differences else "no difference"
        self._say(f"{ended}  ({total:.0f} s)")
        return 1 if self.differences else 0
