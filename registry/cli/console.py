"""How commands speak: one JSON document or lines for people on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from certs.errors import KezhengError
from certs.wording import Words, all_codes, words

USAGE_EXIT = 64
REFUSED_EXIT = 1
UNDETERMINED_EXIT, UNREADABLE_EXIT = 2, 3
"""Of ``verify``: what cannot be determined, and what holds nothing to verify."""
INTERNAL_EXIT = 70
STOPPED_EXIT = 130
WRONG_USAGE = frozenset(
    (
        *("usage", "ambiguous_arguments", "grade_invalid", "role_needed"),
        *("time_invalid", "time_in_future", "successor_needed"),
    )
)
"""Refusals that the arguments alone decide."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The two options that every command takes, wherever they stand."""

    json: bool
    home: Path | None

    def answer(self, document: Any, lines: Iterable[str]) -> None:
        """Print the result: the document under ``--json``, the lines otherwise."""
        if self.json:
            sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
            sys.stdout.flush()
            return
        for line in lines:
            typer.echo(line)

    def say(self, line: str) -> None:
        """A remark for people while work goes on."""
        if not self.json:
            typer.echo(line, err=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Progress | None]:
        """A progress bar on a terminal, nothing elsewhere. The bar's only task has the id 0."""
        if self.json or not sys.stderr.isatty():
            yield None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=RichConsole(stderr=True)) as bar:
            bar.add_task(what, total=total)
            yield bar


class Refused(KezhengError):
    """A refusal that ends the process with an exit code of its own."""

    def __init__(self, cause: KezhengError, exit_code: int) -> None:
        super().__init__(cause.code, **cause.params)
        self.exit_code = exit_code


@contextmanager
def refused_with(exit_code: int) -> Iterator[None]:
    """Give whatever is refused inside the block this exit code."""
    try:
        yield
    except KezhengError as error:
        raise Refused(error, exit_code) from error


def exit_code_of(error: KezhengError) -> int:
    """64 for wrong usage, what a command decided, else 1."""
    if error.code in WRONG_USAGE:
        return USAGE_EXIT
    return error.exit_code if isinstance(error, Refused) else REFUSED_EXIT


def advance(bar: Progress | None, done: int) -> None:
    """Move a progress bar to so many done."""
    if bar is not None:
        bar.update(bar.task_ids[0], completed=done)


def problem_document(code: str, said: Words) -> dict[str, Any]:
    """A refusal as an RFC 9457 problem with the stable code."""
    return {
        "type": f"urn:kezheng:error:{code}",
        "title": said.en,
        "detail": said.zh,
        "code": code,
        "advice_zh": said.advice_zh,
        "advice_en": said.advice_en,
    }


def error_words(error: KezhengError) -> Words:
    """The words of a refusal; a fault of a whole workbook has its words in the roster table."""
    namespace = "error" if error.code in all_codes("error") else "roster"
    reason = error.params.get("reason")
    if reason not in all_codes("reason"):
        return words(namespace, error.code, **error.params)
    why = words("reason", str(reason))
    said = words(namespace, error.code, **(error.params | {"reason": why.zh}))
    english = words(namespace, error.code, **(error.params | {"reason": why.en}))
    return said._replace(en=english.en, advice_en=english.advice_en)


def report_error(command_line: CommandLine, code: str, said: Words, **details: Any) -> None:
    """One clear sentence on stderr in both languages; under ``--json`` also the problem document on stdout.

    ``details`` are further members of the document.
    """
    advice = [f"→ {said.advice_zh} / {said.advice_en}"] if said.advice_zh else []
    for line in (f"{said.zh} / {said.en} [{code}]", *advice):
        typer.echo(line, err=True)
    if command_line.json:
        command_line.answer(problem_document(code, said) | details, ())
