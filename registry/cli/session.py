"""What commands open: settings, a home, files that people name, days and instants that they type."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer

from certs.errors import KezhengError
from certs.timestamps import day_after_end, parse_instant, shanghai_day
from registry.cli.console import CommandLine
from registry.home import Home, open_home
from registry.settings import Settings, load_settings

MAX_FILE = 64 * 1024 * 1024
_LENGTH_OF_DAY = 10


def command_line(context: typer.Context) -> CommandLine:
    """The common options of this call."""
    found = context.find_root().obj
    assert isinstance(found, CommandLine)
    return found


def settings_of(context: typer.Context) -> Settings:
    """The settings of the home that this call names."""
    return load_settings(command_line(context).home, os.environ)


@contextmanager
def home_of(context: typer.Context) -> Iterator[Home]:
    """The open home that this call names. Raises KezhengError ``home_not_initialised``."""
    with open_home(settings_of(context), os.environ) as home:
        yield home


def now_utc() -> datetime:
    """The clock of the command line."""
    return datetime.now(UTC)


def operating_person() -> str:
    """Who runs the command, for the audit trail of commands that ask for no name."""
    return f"cli:{getpass.getuser()}"


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises KezhengError ``file_not_found`` or ``file_too_large``."""
    if not path.is_file():
        raise KezhengError("file_not_found", path=str(path))
    if path.stat().st_size > MAX_FILE:
        raise KezhengError("file_too_large", path=str(path))
    return path.read_bytes()


def day_or_today(text: str | None, now: datetime) -> date:
    """A day as typed, today in China when none is. Raises KezhengError ``time_invalid``."""
    return shanghai_day(now) if text is None else parse_day(text)


def parse_day(text: str) -> date:
    """A day as typed. Raises KezhengError ``time_invalid``."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise KezhengError("time_invalid", value=text) from error


def instant_or_now(text: str | None, now: datetime) -> datetime:
    """An instant as typed; a day means its last second. Raises KezhengError ``time_invalid``, ``time_in_future``."""
    if text is None:
        return now
    try:
        at = _end_of_day(date.fromisoformat(text), now) if len(text) == _LENGTH_OF_DAY else parse_instant(text)
    except ValueError as error:
        raise KezhengError("time_invalid", value=text) from error
    if at > now:
        raise KezhengError("time_in_future")
    return at


def _end_of_day(day: date, now: datetime) -> datetime:
    """The last second of a day; of today, now."""
    return now if day == shanghai_day(now) else day_after_end(day) - timedelta(seconds=1)
