"""Figures as Markdown tables, from what the runs have written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
RATE_HEADINGS = ("benchmark", "measured", "limit", "measured /s", "limit /s", "ratio", "range", "bar")
WAIT_HEADINGS = ("benchmark", "waited for", "median ms", "p99 ms", "at most ms", "cases")
PEER_HEADINGS = ("library", "work", "per second")
GROWTH_HEADINGS = (
    *("certificates in the register", "issue µs", "verify µs", "look-up µs", "revoke ms", "correct ms", "open ms"),
    *("first start s (processors)", "start s (processors)", "worker MB", "bars missed"),
)


def rate_row(rate: Document) -> tuple[str, ...]:
    low, high = rate["ratio_range"]
    bar = "" if rate["bar"] is None else f"{rate['bar']:.2f}"
    rates = (f"{rate['measured']:,.0f}", f"{rate['limit']:,.0f}")
    labels = (rate["name"], rate["measured_label"], rate["limit_label"])
    return (*labels, *rates, f"{rate['ratio']:.2f}", f"{low:.2f}–{high:.2f}", bar)


def wait_row(wait: Document) -> tuple[str, ...]:
    times = (f"{wait[name]:,.1f}" for name in ("median_ms", "p99_ms", "at_most_ms"))
    return (wait["name"], wait["label"], *times, str(len(wait["cases_ms"])))


def peer_row(peer: Document) -> tuple[str, ...]:
    return (f"{peer['library']} {peer['version']}", peer["work"], f"{peer['per_second']:,.0f}")


def growth_row(point: Document) -> tuple[str, ...]:
    """Processor time with its ratio to the smallest register, then the time that passed with its own."""
    micro, milli = 1e6, 1e3
    units = {"issue": micro, "verify": micro, "look_up": micro, "revoke": milli, "correct": milli, "open": milli}
    work = (_growth_cell(point["work"][name], unit) for name, unit in units.items())
    starts = (f"{point[name]['seconds']:.1f} ({point[name]['cpu_seconds']:.1f})" for name in ("first_start", "start"))
    return (f"{point['certificates']:,}", *work, *starts, f"{point['worker_mb']:,.0f}", ", ".join(point["missed"]))


def _growth_cell(cost: Document, unit: float) -> str:
    cpu, passed = (f"{cost[name] * unit:,.0f}" for name in ("cpu_seconds", "seconds"))
    return f"{cpu} ({cost['cpu_ratio']:.2f}×); {passed} ({cost['ratio']:.2f}×)"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, its columns padded so that it reads well on a terminal too; nothing for no rows."""
    if not rows:
        return []
    every = [headings, *rows]
    widths = [max(len(cells[column]) for cells in every) for column in range(len(headings))]
    lines = ["| " + " | ".join(map(str.ljust, cells, widths)) + " |" for cells in every]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return [*lines, ""]
