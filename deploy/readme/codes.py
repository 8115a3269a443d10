"""Writes the glossary of codes into README.md, between its two marks, from the table of words: ``make codes``."""

from __future__ import annotations

from pathlib import Path

from certs.wording import all_codes, words

README = Path(__file__).parents[2] / "README.md"
START, END = "<!-- codes: made by `make codes` -->", "<!-- end of codes -->"
SECTIONS = (
    ("verdict", "Headlines"),
    ("reason", "Reasons of a check"),
    ("notice", "Notices"),
    ("status_reason", "Public reasons of a change"),
    ("effect", "Title effects"),
    ("roster", "Faults and warnings of a roster"),
    ("error", "Refusals"),
)


def glossary() -> str:
    """The glossary as Markdown: one folded table for each kind of code."""
    return "\n".join(part for namespace, title in SECTIONS for part in _section(namespace, title))


def _section(namespace: str, title: str) -> list[str]:
    said = ((code, words(namespace, code)) for code in all_codes(namespace))
    rows = [f"| `{code}` | {text.zh} | {text.en} |" for code, text in said]
    head = [f"<details><summary>{title} ({len(rows)})</summary>", "", "| code | zh | en |", "|---|---|---|"]
    return [*head, *(row.replace("\n", " ") for row in rows), "", "</details>", ""]


def with_glossary(readme: str) -> str:
    """The README with the present glossary in its place."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{glossary()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_glossary(README.read_text("utf-8")), "utf-8")
