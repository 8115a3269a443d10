"""What a connection to the database is for, and how long it waits; both engines follow it."""

from __future__ import annotations

from enum import StrEnum

BUSY_SECONDS = 30
"""How long a writer waits for another one. Reserving 10,000 certificates holds the lock under a second."""
PUBLIC_SECONDS = 5
"""How long the public side waits for an answer: a page says rather soon that it cannot look up a number now."""


class Access(StrEnum):
    """Who opens the database. The word stands in PostgreSQL's list of sessions."""

    WRITE = "write"
    READ = "read"
    PUBLIC = "public"
