"""Plots as SVG: shares of the limit with their bars, and what grows with the register. No script, no foreign font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Any

Document = Mapping[str, Any]
WIDTH, LEFT, RIGHT = 760, 150, 60
ROW, TOP, FOOT = 28, 34, 30
PLOT = WIDTH - LEFT - RIGHT
REACHED, MISSED, PLAIN, INK, GRID = "#2f7d4f", "#b8641a", "#46698f", "#1b1f24", "#d5dae0"
GROWTH_HEIGHT = 300
LINES = (("issue", REACHED), ("verify", PLAIN), ("revoke", MISSED))


def ratio_plot(rates: Sequence[Document]) -> str:
    """One bar for each benchmark: its share of the limit, with the range of the rounds and the mark to reach."""
    height = TOP + ROW * len(rates) + FOOT
    grid = [_grid_line(share / 4, height) for share in range(5)]
    rows = [part for place, rate in enumerate(rates) for part in _ratio_row(rate, TOP + ROW * place)]
    title = _text(LEFT, 18, "share of the machine's own limit, measured in the same minutes; the mark is the aim")
    return _svg(height, [title, *grid, *rows])


def _ratio_row(rate: Document, top: int) -> list[str]:
    low, high = (_x(value) for value in rate["ratio_range"])
    bar, ratio, middle = rate["bar"], rate["ratio"], top + ROW // 2
    colour = PLAIN if bar is None else REACHED if ratio >= bar else MISSED
    parts = [
        _text(LEFT - 8, middle + 4, rate["name"], "end"),
        f'<rect x="{LEFT}" y="{top + 6}" width="{_x(ratio) - LEFT:.1f}" height="{ROW - 12}" fill="{colour}"/>',
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="{INK}"/>',
        _text(max(high, _x(bar or 0)) + 6, middle + 4, f"{ratio:.2f}"),
    ]
    mark = f'<path d="M{_x(bar or 0):.1f} {top + 3}v{ROW - 6}" stroke="{INK}" stroke-width="2"/>'
    return parts if bar is None else [*parts, mark]


def growth_plot(points: Sequence[Document]) -> str:
    """The processor time of issuing, verifying and revoking at each size, as a multiple of that at the smallest."""
    ceiling = max(1.5, max(_growth(point, name) for point in points for name, _ in LINES) * 1.1)
    title = _text(LEFT, 18, "processor time as a multiple of that in the smallest register; dashed: the aim of 1.2")
    aim = _y(1.2, ceiling)
    parts = [title, f'<path d="M{LEFT} {aim:.1f}h{PLOT}" stroke="{INK}" stroke-dasharray="5 4"/>']
    parts += [_text(LEFT - 8, _y(step, ceiling) + 4, f"{step:.1f}×", "end") for step in (0, 1, ceiling)]
    parts += [_text(_place(each, points), GROWTH_HEIGHT - 8, f"{each['certificates']:,}", "middle") for each in points]
    for place, (name, colour) in enumerate(LINES):
        corners = [(_place(point, points), _y(_growth(point, name), ceiling)) for point in points]
        parts.append(f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in corners)}" stroke="{colour}" fill="none"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in corners]
        parts.append(_text(LEFT + 8 + 70 * place, TOP + 8, name, colour=colour))
    return _svg(GROWTH_HEIGHT, parts)


def _growth(point: Document, name: str) -> float:
    ratio: float = point["work"][name]["cpu_ratio"]
    return ratio


def _place(point: Document, points: Sequence[Document]) -> float:
    first, last = (log10(each["certificates"]) for each in (points[0], points[-1]))
    return LEFT + PLOT * (log10(point["certificates"]) - first) / (last - first)


def _y(value: float, ceiling: float) -> float:
    return GROWTH_HEIGHT - FOOT - (GROWTH_HEIGHT - FOOT - TOP) * value / ceiling


def _x(share: float) -> float:
    return LEFT + PLOT * min(share, 1.15)


def _grid_line(share: float, height: int) -> str:
    line = f'<path d="M{_x(share):.1f} {TOP}V{height - FOOT}" stroke="{GRID}"/>'
    return line + _text(_x(share), height - 12, f"{share:.2f}", "middle")


def _text(x: float, y: float, words: str, anchor: str = "start", colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    return "\n".join([f'{head} font-size="12">', ground, *parts, "</svg>", ""])
