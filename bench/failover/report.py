"""What the drill found, as a table for people and as JSON beside the other results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from bench.failover.timeline import Effect, effect_document
from bench.phases import Phases
from bench.table import table

OUTPUT = Path(__file__).parents[1] / "output"
FILE = "failover.json"
WRITES_BACK_SECONDS = 30.0
"""The bar: writes are back in less."""
SCAN_GAP_SECONDS = 3.0
"""The bar: scans come by the dozen each second, and never so long without a right answer."""
HEADINGS = (
    *("what happened", "how", "acknowledged writes", "longest pause of writes s", "refused, tried again"),
    *("scans", "failed", "longest gap s", "p99 ms", "slowest s"),
)


def rows(effects: Sequence[Effect]) -> list[tuple[str, ...]]:
    """A line for each event."""
    return [
        (
            effect.event.name,
            effect.event.done,
            f"{effect.writes}",
            f"{effect.pause:.1f}",
            f"{effect.refusals}",
            f"{effect.scans:,}",
            f"{effect.failures.total()}",
            f"{effect.gap:.2f}",
            f"{effect.p99 * 1000:,.0f}",
            f"{effect.slowest:.1f}",
        )
        for effect in effects
    ]


def markdown(effects: Sequence[Effect]) -> str:
    """The table."""
    return "\n".join(table(HEADINGS, rows(effects)))


def judge(phases: Phases, effects: Sequence[Effect]) -> None:
    """Hold each effect against the bars."""
    for effect in effects:
        what = effect.event.name
        phases.same(f"{what}: failed scans", dict(effect.failures), {})
        phases.at_most(f"{what}: seconds without a right answer", effect.gap, SCAN_GAP_SECONDS)
        phases.at_most(f"{what}: seconds without an acknowledged write", effect.pause, WRITES_BACK_SECONDS)


def write(effects: Sequence[Effect], figures: Mapping[str, Any], differences: Sequence[str]) -> Path:
    """Write everything as JSON; where."""
    OUTPUT.mkdir(exist_ok=True)
    document = {
        **figures,
        "events": [effect_document(effect) for effect in effects],
        "differences": list(differences),
    }
    path = OUTPUT / FILE
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return path
