"""``kezheng verify --list FILE``: a whole list checked at once, and handed back with the answers beside its lines."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from certs.errors import KezhengError
from certs.finding import Verdict
from certs.list_answer import ListAnswer
from certs.list_sheet import Line
from certs.report import format_check_id
from certs.timestamps import format_instant
from certs.wording import words
from registry.bulk_check import bulk_check
from registry.cli.console import REFUSED_EXIT, UNDETERMINED_EXIT, UNREADABLE_EXIT, CommandLine, advance, refused_with
from registry.cli.session import read_file
from registry.line_checker import BulkSource
from registry.list_file import read_list
from registry.rendering.checked_list import NAMESPACE, CheckedList, write_checked_list

_LINES_SHOWN = 20
_SHOWN_EVERY = 100


def verify_list(
    line: CommandLine, files: tuple[Path, Path | None], source: BulkSource, judged_at: datetime, now: datetime
) -> int:
    """Check the list in the first file, write it with its answers to the second where one is named, say what was found.

    The exit code is that of the worst answer. Raises KezhengError ``list_needs_register``, and as `read_list`,
    `bulk_check` and its answers do.
    """
    path, out = files
    with refused_with(UNREADABLE_EXIT):
        listed, lines = read_list(read_file(path))
    with refused_with(UNDETERMINED_EXIT):
        if source.folder is not None and any(each.asked.name is not None for each in lines):
            raise KezhengError("list_needs_register")
        answers = _answers(line, lines, source, judged_at)
    checked = CheckedList(listed, answers, format_check_id(secrets.token_bytes(8)), now, judged_at)
    if out is not None:
        write_checked_list(out, checked)
    counts = checked.counts()
    line.answer(_document(checked, counts, out), _lines(checked, counts, out))
    return exit_code(counts)


def exit_code(counts: dict[str, int]) -> int:
    """0 when all are valid, 1 when one is not, else 2: some could not be determined."""
    not_valid = counts.keys() - {Verdict.VALID.value}
    if not not_valid:
        return 0
    return UNDETERMINED_EXIT if not_valid == {Verdict.UNDETERMINED.value} else REFUSED_EXIT


def _answers(line: CommandLine, lines: Sequence[Line], source: BulkSource, at: datetime) -> dict[int, ListAnswer]:
    """The answers by row, with a bar on a terminal."""
    answers: dict[int, ListAnswer] = {}
    with bulk_check(source, len(lines)) as check, line.progress("查验 / checking", len(lines)) as bar:
        for each, answer in zip(lines, check.answers((each.asked for each in lines), at), strict=True):
            answers[each.row] = answer
            if len(answers) % _SHOWN_EVERY == 0:
                advance(bar, len(answers))
        advance(bar, len(answers))
    return answers


def _document(checked: CheckedList, counts: dict[str, int], out: Path | None) -> dict[str, Any]:
    return {
        "check_id": checked.check_id,
        "checked_at": format_instant(checked.checked_at),
        "as_of": format_instant(checked.as_of),
        "count": len(checked.answers),
        "results": counts,
        "rows": [{"row": row, "result": answer.result, "zh": answer.said} for row, answer in _not_valid(checked)],
        "file": None if out is None else str(out),
    }


def _lines(checked: CheckedList, counts: dict[str, int], out: Path | None) -> list[str]:
    said = [f"{words(NAMESPACE, code).zh} {count} / {words(NAMESPACE, code).en}" for code, count in counts.items()]
    not_valid = _not_valid(checked)
    shown = [f"  {row:>6}  {words(NAMESPACE, answer.result).zh}：{answer.said}" for row, answer in not_valid]
    more = [f"  …… {len(shown) - _LINES_SHOWN}"] if len(shown) > _LINES_SHOWN else []
    where = [] if out is None else [str(out)]
    return [*said, *shown[:_LINES_SHOWN], *more, f"查验编号 {checked.check_id}", *where]


def _not_valid(checked: CheckedList) -> Sequence[tuple[int, ListAnswer]]:
    return [(row, answer) for row, answer in checked.answers.items() if answer.result != Verdict.VALID.value]
