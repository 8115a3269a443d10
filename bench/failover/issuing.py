"""A clerk at an application machine: rosters in turn for two institutions, and a revocation now and then.

``python -m bench.failover.issuing``. By turns a batch is issued in this process and given to the workers. What is
refused is tried again with the same roster until it is done, as people do. Killed and started again, it goes on with
what it had begun. On SIGTERM it ends after what it is at.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.failover.journal import BEGUN, ISSUED, REFUSED, REVOKED, REVOKING, Journal, Reader, unfinished
from bench.sample_home import APPROVER, OPERATOR, now, roster_file
from certs.errors import KezhengError
from certs.qr import qr_text
from certs.status import State
from registry.home import Home, open_home
from registry.issuing.approve import approve_import
from registry.issuing.import_roster import import_roster
from registry.issuing.issue import issue_batch
from registry.jobs.job import JobKind
from registry.jobs.job_desk import JobDesk, open_job_desk
from registry.jobs.work import job_and_extent
from registry.settings import load_settings
from registry.status_changes import StatusChange, change_status
from registry.store.batch_store import BatchRecord
from registry.store.certificate_store import certificates_of_batch
from registry.store.states import BatchState

RETRY_SECONDS = 0.3
POLL_SECONDS = 0.1
JOB_SECONDS = 60.0
ROSTER, JOURNAL = "roster.xlsx", "journal.jsonl"


class Clerk:
    """One clerk with a folder of its own for journal and roster."""

    def __init__(self, home: Home, desk: JobDesk, folder: Path, institutions: list[str], size: int) -> None:
        self._home = home
        self._desk = desk
        self._folder = folder
        self._institutions = institutions
        self._size = size
        self._is_ending = False
        self._journal = Journal(folder / JOURNAL)
        self._to_revoke: str | None = None

    def end(self, _signal: int, _frame: object) -> None:
        """End after what is being done."""
        self._is_ending = True

    def work(self, first: int) -> None:
        """Roster after roster, of people from the number ``first`` on, until told to end."""
        entries = list(Reader(self._folder / JOURNAL).new())
        begun = unfinished(entries)
        turn = sum(entry["kind"] == BEGUN for entry in entries)
        if begun is not None:
            self._issue(begun["turn"], begun["at"])
        while not self._is_ending:
            people = range(first + turn * self._size, first + (turn + 1) * self._size)
            self._keep_roster(roster_file(people))
            at = time.time()
            self._journal.write(BEGUN, at, turn=turn)
            self._issue(turn, at)
            turn += 1

    def _keep_roster(self, content: bytes) -> None:
        """The very file has to be there after a crash: another one would be another batch."""
        part = self._folder / f"{ROSTER}.part"
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._folder / ROSTER)

    def _issue(self, turn: int, begun: float) -> None:
        content = (self._folder / ROSTER).read_bytes()
        code = self._institutions[turn % len(self._institutions)]
        issue = self._issue_here if turn // len(self._institutions) % 2 else self._give_to_workers
        issued = self._until_done(lambda: self._certificates(issue(self._approved(content, code))))
        self._journal.write(ISSUED, time.time(), begun=begun, certificates=issued)
        self._revoke_one(issued[0][0])

    def _approved(self, content: bytes, code: str) -> BatchRecord:
        batch = import_roster(self._home, content, code, "drill", OPERATOR, now())
        return approve_import(self._home, batch.id, APPROVER, None, now())

    def _issue_here(self, batch: BatchRecord) -> BatchRecord:
        if batch.state is not BatchState.RELEASED:
            issue_batch(self._home, batch.id, now, lambda _done: None)
        return batch

    def _give_to_workers(self, batch: BatchRecord) -> BatchRecord:
        """Submit the batch and wait for whichever worker takes it. Raises what ended the job, TimeoutError."""
        if batch.state is BatchState.RELEASED:
            return batch
        with self._home.store.reading() as tx:
            job, extent = job_and_extent(tx, JobKind.ISSUE, batch.id)
        self._desk.submit(job, extent)
        deadline = time.monotonic() + JOB_SECONDS
        while (attempt := self._desk.require(job)).is_unfinished:
            if time.monotonic() > deadline:
                raise TimeoutError(job.id)
            time.sleep(POLL_SECONDS)
        if attempt.error is not None:
            raise attempt.error
        return batch

    def _certificates(self, batch: BatchRecord) -> list[tuple[str, str]]:
        """Numbers and QR texts of a released batch."""
        with self._home.store.reading() as tx:
            found = certificates_of_batch(tx, batch.id)
        url = self._home.settings.public_url
        return [(each.number, qr_text(url, each.envelope)) for each in found if each.envelope is not None]

    def _revoke_one(self, number: str) -> None:
        """Revoke one certificate of the batch before this one."""
        number, self._to_revoke = self._to_revoke or "", number
        if not number:
            return
        begun = time.time()
        self._journal.write(REVOKING, begun, number=number)
        self._until_done(lambda: self._revoke(number))
        self._journal.write(REVOKED, time.time(), begun=begun, number=number)

    def _revoke(self, number: str) -> None:
        try:
            change_status(self._home, number, StatusChange(State.REVOKED, "exam_misconduct", OPERATOR), now())
        except KezhengError as error:
            # Nobody else revokes it: an earlier try was done, though nobody was told.
            if error.code != "status_final":
                raise

    def _until_done(self, act: Callable[[], Any]) -> Any:
        while True:
            try:
                return act()
            except (KezhengError, TimeoutError) as error:
                code = error.code if isinstance(error, KezhengError) else "job_takes_long"
                self._journal.write(REFUSED, time.time(), code=code)
                time.sleep(RETRY_SECONDS)


@contextmanager
def clerk_at(folder: Path, home_folder: Path, institutions: list[str], size: int) -> Iterator[Clerk]:
    """A clerk at the home in a folder, with the settings of the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = load_settings(home_folder, os.environ)
    with open_home(settings, os.environ) as home, open_job_desk(settings) as desk:
        yield Clerk(home, desk, folder, institutions, size)


def main() -> None:
    parser = argparse.ArgumentParser(prog="issuing", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--institutions", required=True, help="codes, separated by commas")
    parser.add_argument("--first", type=int, required=True, help="number of the first person")
    parser.add_argument("--size", type=int, default=10, help="people of a roster")
    chosen = parser.parse_args()
    with clerk_at(chosen.folder, chosen.home, chosen.institutions.split(","), chosen.size) as clerk:
        signal.signal(signal.SIGTERM, clerk.end)
        clerk.work(chosen.first)


if __name__ == "__main__":
    main()
