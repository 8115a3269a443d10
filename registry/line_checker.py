"""Answering the lines of a list: the evidence of a home with its database, or of published files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certs.evidence import Evidence
from certs.list_answer import ListAnswer, answer_asked, typed_numbers
from certs.list_sheet import Asked
from registry.settings import Settings
from registry.store.engine import PublicStore, open_public_store
from registry.store.public_reader import public_envelopes
from registry.verifying import evidence_of_folder, evidence_of_home


@dataclass(frozen=True, slots=True)
class BulkSource:
    """Where the evidence comes from: a home with its database, or a folder of published files under a root file."""

    settings: Settings
    folder: Path | None = None
    root_file: Path | None = None


class LineChecker:
    """Answers lines."""

    def __init__(self, evidence: Evidence, store: PublicStore | None) -> None:
        """``store`` None: nothing is at hand but published files, and no number is found."""
        self._evidence = evidence
        self._store = store

    def answers(self, asked: Sequence[Asked], at: datetime) -> list[ListAnswer]:
        """The answers to some lines, judged for ``at``: one look-up for all their numbers.

        Raises KezhengError ``store_unavailable``, ``store_busy``.
        """
        envelopes = self._envelopes(typed_numbers(asked))
        return [answer_asked(each, self._evidence, at, envelopes) for each in asked]

    def _envelopes(self, numbers: Sequence[str]) -> dict[str, bytes]:
        if self._store is None or not numbers:
            return {}
        with self._store.reading() as tx:
            return public_envelopes(tx, numbers)


@contextmanager
def opened(source: BulkSource) -> Iterator[LineChecker]:
    """The evidence and the public side of the database. Raises KezhengError as what opens them does."""
    settings = source.settings
    if source.folder is not None:
        yield LineChecker(evidence_of_folder(settings, source.folder, source.root_file), None)
        return
    with closing(open_public_store(settings.public_database_url or settings.database_url)) as store:
        yield LineChecker(evidence_of_home(settings), store)
