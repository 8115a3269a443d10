"""The tables and plots of README, written from the results of a run."""

from __future__ import annotations

from pathlib import Path

from bench.report import Results, markdown, plots

README = Path(__file__).parents[1] / "README.md"
PICTURES = Path("deploy/readme")
BEGIN, END = "<!-- figures: python -m bench --readme -->", "<!-- end of figures -->"


def write_into_readme(results: Results) -> None:
    """Put what was measured between the two marks. Raises ValueError when README lacks them."""
    drawn = plots(results)
    for name, plot in drawn.items():
        (README.parent / PICTURES / name).write_text(plot, "utf-8")
    shown = [f"![{name.removesuffix('.svg')}]({PICTURES / name})\n" for name in drawn]
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    old, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"README has no {BEGIN} … {END}, or lost one of them: {old[:40]}")
    block = "\n".join([BEGIN, "", *shown, markdown(results), END])
    README.write_text(before + block + after, "utf-8")
