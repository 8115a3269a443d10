"""Where a job has to be done: anywhere, or in the one home that has its files."""

from __future__ import annotations

import hashlib
import socket

from registry.jobs.job import JobKind
from registry.settings import Settings

ANYWHERE = ""
LOCAL = frozenset((JobKind.RENDER, JobKind.CHECK))
"""Kinds that read or write files of a home: they are for the workers of that home."""


def place_for(kind: JobKind, settings: Settings) -> str:
    """The place of a job that is asked for in a home."""
    return place_of(settings) if kind in LOCAL else ANYWHERE


def place_of(settings: Settings) -> str:
    """The place that a home is: twelve hexadecimal digits of its machine and folder."""
    return hashlib.sha256(f"{socket.gethostname()}\n{settings.home.resolve()}".encode()).hexdigest()[:12]
