"""A Typst compiler with the faces of our papers and nothing else, and how values reach a form as data.

All values travel in literals, so no text can become markup.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import typst

from registry.rendering.font_files import font_folders


class PageCompiler:
    """Compiles sources that import the forms of one folder; keep it, it remembers what its pages share."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is all that a source may read. Raises KezhengError ``fonts_missing``."""
        fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(each) for each in font_folders()],
        )
        self._compiler = typst.Compiler(root=folder, font_paths=fonts, ignore_system_fonts=True)
        self._one_at_a_time = Lock()  # a compiler that is used twice at once refuses

    def pdf_a(self, source: str, at: datetime) -> bytes:
        """PDF/A-3b dated ``at``; the same source gives the same bytes. Raises typst.TypstError."""
        return self._compile(source, format="pdf", pdf_standards=["a-3b"], timestamp=at.astimezone(UTC))

    def picture(self, source: str, pixels_per_inch: float) -> bytes:
        """The only page as a PNG. Raises typst.TypstError."""
        return self._compile(source, format="png", ppi=pixels_per_inch)

    def _compile(self, source: str, **options: Any) -> bytes:
        with self._one_at_a_time:
            page = self._compiler.compile(source.encode(), **options)
        assert isinstance(page, bytes)
        return page


def literal(text: str) -> str:
    """A string literal of Typst."""
    return json.dumps(text, ensure_ascii=False)


def values_expression(values: Any) -> str:
    """JSON values as an expression."""
    return f"json(bytes({literal(json.dumps(values, ensure_ascii=False))}))"


def bytes_expression(data: bytes) -> str:
    """Bytes as an expression; a JSON array is read ten times as fast as an array of the language itself."""
    return f'bytes(json(bytes("[{",".join(map(str, data))}]")))'


def moment_values(at: datetime) -> dict[str, int]:
    """The arguments of Typst's ``datetime``, in UTC."""
    utc = at.astimezone(UTC)
    return {name: getattr(utc, name) for name in ("year", "month", "day", "hour", "minute", "second")}
