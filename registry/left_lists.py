"""Lists left to be checked later: sealed while they lie in the home, gone with their result or after a day.

A list holds names and numbers, so neither it nor its result is ever on the disk in clear. Its name says when it was
left and how many lines it has, and nothing of what is in it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

from certs.errors import KezhengError
from certs.list_answer import ListAnswer
from certs.report import format_check_id
from certs.timestamps import shanghai_day
from registry.bulk_check import bulk_check
from registry.home import Home
from registry.line_checker import BulkSource
from registry.list_file import read_list
from registry.rendering.checked_list import CheckedList, write_checked_list
from registry.settings import Settings

KEPT = timedelta(hours=24)
_FOLDER = "lists"
_ASKED, _ANSWERED = "asked", "answered"
_NAME = re.compile(r"L\d{8}-([0-9a-f]{12})-(\d{1,6})", re.ASCII)
_TOLD_EVERY = 100


def leave_list(home: Home, content: bytes, now: datetime) -> str:
    """Keep a list for a later check; its name. Raises as `read_list` does."""
    lines = read_list(content)[1]
    name = f"L{shanghai_day(now):%Y%m%d}-{secrets.token_hex(6)}-{len(lines)}"
    _write(home, name, _ASKED, content, now)
    return name


def count_of_list(name: str) -> int:
    """How many lines a list has. Raises KezhengError ``list_not_kept`` for what is no name of one."""
    return int(_parts(name)[1])


def check_list(home: Home, name: str, clock: Callable[[], datetime], progress: Callable[[int], None]) -> None:
    """Check a list that was left, and keep its result; ``progress`` gets the lines done since it was told last.

    Raises KezhengError ``list_not_kept``, ``data_damaged``, and as `bulk_check` and its answers do.
    """
    if _path(home.settings, name, _ANSWERED).exists():
        return
    listed, lines = read_list(_read(home, name, _ASKED))
    now = clock()
    answers: dict[int, ListAnswer] = {}
    told = 0
    with bulk_check(BulkSource(home.settings), len(lines)) as check:
        for line, answer in zip(lines, check.answers((line.asked for line in lines), now), strict=True):
            answers[line.row] = answer
            if len(answers) - told == _TOLD_EVERY:
                progress(_TOLD_EVERY)
                told = len(answers)
    result = BytesIO()
    write_checked_list(result, CheckedList(listed, answers, format_check_id(secrets.token_bytes(8)), now, now))
    _write(home, name, _ANSWERED, result.getvalue(), now)
    progress(len(answers) - told)


def fetch_result(home: Home, name: str) -> bytes:
    """The workbook with the answers; list and result are gone then. Raises KezhengError ``list_not_kept``."""
    result = _read(home, name, _ANSWERED)
    for what in (_ASKED, _ANSWERED):
        _path(home.settings, name, what).unlink(missing_ok=True)
    return result


def forget_old_lists(settings: Settings, now: datetime) -> int:
    """Remove what was left more than a day ago; how many files."""
    folder = settings.home / _FOLDER
    old = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > KEPT
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _read(home: Home, name: str, what: str) -> bytes:
    try:
        sealed = _path(home.settings, name, what).read_bytes()
    except FileNotFoundError as error:
        raise KezhengError("list_not_kept", list=name) from error
    return home.keyring.cipher.open_bytes(_FOLDER, what, _place(name), sealed)


def _write(home: Home, name: str, what: str, content: bytes, now: datetime) -> None:
    path = _path(home.settings, name, what)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    sealed = home.keyring.cipher.seal_bytes(_FOLDER, what, _place(name), content)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(sealed)
    os.utime(beside, (now.timestamp(), now.timestamp()))
    os.replace(beside, path)


def _path(settings: Settings, name: str, what: str) -> Path:
    _parts(name)
    return settings.home / _FOLDER / f"{name}.{what}"


def _place(name: str) -> int:
    """What stands for the row in the sealing: a sealed list opens under its own name only."""
    return int(_parts(name)[0], 16)


def _parts(name: str) -> tuple[str, str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise KezhengError("list_not_kept", list=name)
    return found[1], found[2]
