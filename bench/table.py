"""Results as a table for people (Markdown) and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.rounds import Result
from bench.waits import WaitResult

OUTPUT = Path(__file__).parent / "output"
HEADINGS = ("benchmark", "measured", "limit", "measured /s", "limit /s", "ratio", "range")

WAIT_HEADINGS = ("benchmark", "waited for", "median ms", "p99 ms", "at most ms", "cases")


def machine() -> dict[str, str | int]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def row(result: Result) -> tuple[str, ...]:
    low, high = result.ratio_range
    rates = (f"{result.measured:,.0f}", f"{result.limit:,.0f}")
    labels = (result.measured_label, result.limit_label)
    return (result.name, *labels, *rates, f"{result.ratio:.2f}", f"{low:.2f}–{high:.2f}")


def wait_row(result: WaitResult) -> tuple[str, ...]:
    times = (f"{time:,.1f}" for time in (result.median, result.p99, result.at_most_ms))
    return (result.name, result.label, *times, str(len(result.cases_ms)))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, its columns padded so that it reads well on a terminal too; nothing for no rows."""
    if not rows:
        return []
    every = [headings, *rows]
    widths = [max(len(cells[column]) for cells in every) for column in range(len(headings))]
    lines = ["| " + " | ".join(map(str.ljust, cells, widths)) + " |" for cells in every]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return [*lines, ""]


def markdown(results: Sequence[Result], waits: Sequence[WaitResult]) -> str:
    """Both tables, and what their figures depend on."""
    rates, times = table(HEADINGS, [row(each) for each in results]), table(WAIT_HEADINGS, [wait_row(w) for w in waits])
    about = ", ".join(f"{name} {value}" for name, value in machine().items())
    medians = f"Medians of {len(results[0].rounds)} interleaved rounds; " if results else ""
    return "\n".join([*rates, *times, f"{medians}{about}.", ""])


def write(results: Sequence[Result], waits: Sequence[WaitResult]) -> None:
    """One JSON file for each benchmark and the tables of this run."""
    OUTPUT.mkdir(exist_ok=True)
    figures: list[tuple[dict[str, float], Result | WaitResult]] = []
    figures += [({"median_ratio": result.ratio}, result) for result in results]
    figures += [({"median_ms": wait.median, "p99_ms": wait.p99}, wait) for wait in waits]
    for told, result in figures:
        content = {"machine": machine()} | told | asdict(result)
        (OUTPUT / f"{result.name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    (OUTPUT / "results.md").write_text(markdown(results, waits), "utf-8")
