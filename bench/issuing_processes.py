"""What the processes of a measurement of issuing do: take rosters to certificates, or only what that rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from bench.bulk_insert import Filled, insert_into_postgresql, insert_into_sqlite
from bench.sample_home import approved_batch, now
from bench.sample_log import key
from registry.home import Home, open_home
from registry.jobs.engine import JobEngine, open_engine
from registry.jobs.foreground import work_here
from registry.jobs.job import JobKind
from registry.jobs.work import job_and_extent
from registry.settings import Settings

MESSAGE_LENGTH = 130
"""Bytes of an ordinary certificate's to-be-signed structure."""


@contextmanager
def issuing(settings: Settings, code: str, rosters: Sequence[bytes]) -> Iterator[Callable[[], None]]:
    """Rosters of an institution to released certificates, on an opened home with an engine for jobs."""
    with ExitStack() as held:
        home = held.enter_context(open_home(settings, {}))
        home.keyring.cipher  # noqa: B018 - a passphrase takes half a second to stretch
        engine = held.enter_context(open_engine(home, now, takes_jobs=False))

        def work() -> None:
            for roster in rosters:
                _issue(home, engine, code, roster)

        yield work


@contextmanager
def bare(rows: int, database: str, filled: Sequence[Filled]) -> Iterator[Callable[[], None]]:
    """So many bare signatures and checks, and the driver's insertion of rows into empty tables."""
    private, message = key("institution"), bytes(MESSAGE_LENGTH)
    public = private.public_key()
    insert = insert_into_postgresql if database.startswith("postgresql:") else insert_into_sqlite

    def work() -> None:
        for _ in range(rows):
            public.verify(private.sign(message), message)
        insert(database, filled)

    yield work


def _issue(home: Home, engine: JobEngine, code: str, roster: bytes) -> None:
    batch = approved_batch(home, code, roster)
    with home.store.reading() as tx:
        job, extent = job_and_extent(tx, JobKind.ISSUE, batch)
    work_here(engine, job, extent, lambda _done: None)
