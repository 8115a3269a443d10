"""What runs write down, one JSON file for each benchmark, and the report made of all that was ever written there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from bench.machine import machine
from bench.peers.measure import PeerRate
from bench.plots import growth_plot, ratio_plot
from bench.rounds import Result
from bench.suite import BENCHMARKS, WAITS
from bench.table import (
    GROWTH_HEADINGS,
    PEER_HEADINGS,
    RATE_HEADINGS,
    WAIT_HEADINGS,
    growth_row,
    peer_row,
    rate_row,
    table,
    wait_row,
)
from bench.waits import WaitResult

OUTPUT = Path(__file__).parent / "output"
Document = Mapping[str, Any]


class Results(NamedTuple):
    """The newest figures of every benchmark that was run here, in the order of the suite."""

    rates: list[Document]
    waits: list[Document]
    peers: list[Document]
    growth: list[Document]
    machine: Document


def write_rates(results: Iterable[Result]) -> None:
    for result in results:
        figures = {
            "measured": result.measured,
            "limit": result.limit,
            "ratio": result.ratio,
            "ratio_range": result.ratio_range,
            "bar": BENCHMARKS[result.name].bar,
        }
        _write(result.name, asdict(result) | figures)


def write_waits(results: Iterable[WaitResult]) -> None:
    for result in results:
        _write(result.name, asdict(result) | {"median_ms": result.median, "p99_ms": result.p99})


def write_peers(rates: Sequence[PeerRate]) -> None:
    _write("peers", {"rates": [rate._asdict() for rate in rates]})


def read_results() -> Results:
    """Everything that lies in the folder of results."""
    rates = [_read(name) for name in BENCHMARKS]
    waits = [_read(name) for name in WAITS]
    peers, growth = _read("peers").get("rates", []), _read("growth").get("points", [])
    return Results([rate for rate in rates if rate], [wait for wait in waits if wait], peers, growth, machine())


def write_report() -> str:
    """``results.md`` and the plots, from every figure at hand; the text."""
    results = read_results()
    text = markdown(results)
    (OUTPUT / "results.md").write_text(text, "utf-8")
    for name, plot in plots(results).items():
        (OUTPUT / name).write_text(plot, "utf-8")
    return text


def plots(results: Results) -> dict[str, str]:
    """SVG by file name; none of what was not measured."""
    drawn = {"ratios.svg": ratio_plot(results.rates)} if results.rates else {}
    return drawn | ({"growth.svg": growth_plot(results.growth)} if len(results.growth) > 1 else {})


def markdown(results: Results) -> str:
    """The tables, and what their figures depend on."""
    about = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    counts = [len(rate["rounds"]) for rate in results.rates]
    rounds = f"Medians of {min(counts)} to {max(counts)} interleaved rounds; " if counts else ""
    lines = [
        *table(RATE_HEADINGS, [rate_row(each) for each in results.rates]),
        *table(WAIT_HEADINGS, [wait_row(each) for each in results.waits]),
        *table(GROWTH_HEADINGS, [growth_row(each) for each in results.growth]),
        *table(PEER_HEADINGS, [peer_row(each) for each in results.peers]),
        f"{rounds}{about}.",
        "",
    ]
    return "\n".join(lines)


def _write(name: str, figures: Document) -> None:
    OUTPUT.mkdir(exist_ok=True)
    content = {"machine": machine()} | figures
    (OUTPUT / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _read(name: str) -> dict[str, Any]:
    path = OUTPUT / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found
