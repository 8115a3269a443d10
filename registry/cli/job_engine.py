"""The job engine as commands use it: its library takes half a second to load, for which others need not wait."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from registry.cli.console import CommandLine, advance
from registry.cli.session import now_utc
from registry.home import Home
from registry.jobs.job import JobKind
from registry.jobs.work import job_and_extent


def do_job(line: CommandLine, home: Home, kind: JobKind, subject: str, *, what: str) -> None:
    """Do a job here and now, or watch who is at it, with progress in persons. Raises what ends the job."""
    with home.store.reading() as tx:
        job, extent = job_and_extent(tx, kind, subject)
    foreground = importlib.import_module("registry.jobs.foreground")
    with line.progress(what, extent.total) as bar:
        foreground.do_now(home, now_utc, job, extent, lambda done: advance(bar, done))


@contextmanager
def job_desk(home: Home) -> Iterator[Any]:
    """The `JobDesk` of a home's register, for giving jobs out and asking after them."""
    desk = importlib.import_module("registry.jobs.job_desk")
    with desk.open_job_desk(home.settings) as opened:
        yield opened
