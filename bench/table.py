"""Results as a table for people (Markdown) and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.rounds import Result

OUTPUT = Path(__file__).parent / "output"
HEADINGS = ("benchmark", "measured", "limit", "measured /s", "limit /s", "ratio", "range")


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


def markdown(results: Sequence[Result]) -> str:
    """A Markdown table, its columns padded so that it reads well on a terminal too."""
    rows = [HEADINGS, *(row(result) for result in results)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEADINGS))]
    lines = ["| " + " | ".join(map(str.ljust, cells, widths)) + " |" for cells in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    about = ", ".join(f"{name} {value}" for name, value in machine().items())
    return "\n".join([*lines, "", f"Medians of {len(results[0].rounds)} interleaved rounds; {about}.", ""])


def write(results: Sequence[Result]) -> None:
    """One JSON file for each benchmark and one table of this run."""
    OUTPUT.mkdir(exist_ok=True)
    for result in results:
        content = {"machine": machine(), "median_ratio": result.ratio} | asdict(result)
        (OUTPUT / f"{result.name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    (OUTPUT / "results.md").write_text(markdown(results), "utf-8")
