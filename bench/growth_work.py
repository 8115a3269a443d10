"""What is done in a register of any size, and what each piece of it costs: time that passed, and processor time.

The processor's time is that of this process, of the children that it waited for, and of the database server where there
is one: it stays the same on a machine that has other work.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from time import perf_counter
from typing import NamedTuple

from sqlalchemy import select

from bench.growth_homes import GrownHome
from bench.sample_home import APPROVER, OPERATOR, approved_batch, now, opened, roster_file
from bench.site_process import cpu_seconds_of
from certs.evidence import LOG_FOLDER, Evidence
from certs.finding import Verdict
from certs.qr import qr_text
from certs.status import State
from certs.unavailable import Unavailable
from certs.verification import verify_qr_text
from registry.home import Home
from registry.issuing.issue import issue_batch
from registry.log_cache.cache import DiskLogCache
from registry.replacing import Correction, start_correction
from registry.settings import load_settings
from registry.status_changes import StatusChange, change_status
from registry.store.certificate_store import CertificateRecord, certificates_of_batch
from registry.store.certificate_tables import CERTIFICATE
from registry.store.engine import open_public_store
from verify_site.app import PublicViews
from verify_site.site_settings import PINNED_ROOT_FILE
from verify_site.source import RefreshingSource

ROSTER = 2_000
"""Few enough that our own verifier works in this process, where its processor time is seen."""
SCANS = 500
LOOK_UPS = 500
CHANGES = 5
OPENINGS = 5
OTHER_NAME = "林怀瑾"


class Cost(NamedTuple):
    """Of one item of some work, in seconds."""

    seconds: float
    cpu_seconds: float


class Costs(NamedTuple):
    """What each kind of work costs in one register."""

    issue: Cost
    verify: Cost
    look_up: Cost
    revoke: Cost
    correct: Cost
    open: Cost


def cost_of(work: Callable[[], object], items: int = 1, server: int | None = None) -> Cost:
    """The cost of each item that some work takes care of, here and in the server with this process id."""
    started, cpu = perf_counter(), _cpu_seconds(server)
    work()
    return Cost((perf_counter() - started) / items, (_cpu_seconds(server) - cpu) / items)


def median_cost(costs: Sequence[Cost]) -> Cost:
    return Cost(*map(statistics.median, zip(*costs, strict=True)))


def _cpu_seconds(server: int | None) -> float:
    used = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    beside = 0.0 if server is None else cpu_seconds_of(server)
    return sum(each.ru_utime + each.ru_stime for each in used) + beside


class GrownRegister:
    """A home that stays open, and the public site's view of it in this process. Use `close` at the end."""

    def __init__(self, grown: GrownHome) -> None:
        self._grown = grown
        self._cost = partial(cost_of, server=None if grown.server is None else grown.server.process)
        self._opened = opened(grown.folder)
        self._home = self._opened.__enter__()
        settings = load_settings(grown.folder, {})
        self._public = open_public_store(settings.public_database_url or settings.database_url)
        views = PublicViews(self._public, settings.home / PINNED_ROOT_FILE, settings.home / LOG_FOLDER)
        self._source = RefreshingSource(views, is_own=True, cache=DiskLogCache(settings.cache_folder))
        self._random = Random(grown.size)

    def close(self) -> None:
        self._public.close()
        self._opened.__exit__(None, None, None)

    def round(self) -> Costs:
        """Every kind of work once, with people who were never in this register."""
        roster = roster_file(self._grown.new_people(ROSTER))
        batches: list[str] = []
        issue = self._cost(lambda: batches.append(self._issue(roster)), ROSTER)
        with self._home.store.reading() as tx:
            issued = certificates_of_batch(tx, batches[0])
        revoked, corrected, scanned = issued[:CHANGES], issued[CHANGES : 2 * CHANGES], issued[-SCANS:]
        return Costs(
            issue,
            self._verify([self._text(each) for each in scanned]),
            self._look_up(),
            median_cost([self._cost(partial(self._revoke, each)) for each in revoked]),
            median_cost([self._cost(partial(self._correct, each)) for each in corrected]),
            median_cost([self._cost(partial(_open, self._grown.folder)) for _ in range(OPENINGS)]),
        )

    def texts(self) -> list[str]:
        """QR texts of certificates that are issued for them."""
        batch = self._issue(roster_file(self._grown.new_people(SCANS)))
        with self._home.store.reading() as tx:
            return [self._text(each) for each in certificates_of_batch(tx, batch)]

    def _issue(self, roster: bytes) -> str:
        """From the file to released certificates."""
        batch = approved_batch(self._home, self._grown.code, roster)
        issue_batch(self._home, batch, now, lambda _done: None)
        return batch

    def _text(self, certificate: CertificateRecord) -> str:
        assert certificate.envelope is not None
        return qr_text(self._home.settings.public_url, certificate.envelope)

    def _verify(self, texts: Sequence[str]) -> Cost:
        """The second time round: as a site that has been up for a while."""
        self._source.refresh()
        evidence = self._source.snapshot().evidence
        _scan(texts, evidence)
        return self._cost(lambda: _scan(texts, evidence), len(texts))

    def _look_up(self) -> Cost:
        """By numbers from all over the register: the public envelope, and its entry."""
        numbers = self._numbers()
        self._find(numbers)
        return self._cost(lambda: self._find(numbers), len(numbers))

    def _numbers(self) -> list[str]:
        ids = [self._random.randint(1, self._grown.size) for _ in range(LOOK_UPS)]
        with self._home.store.reading() as tx:
            return list(tx.connection.scalars(select(CERTIFICATE.c.number).where(CERTIFICATE.c.id.in_(ids))))

    def _find(self, numbers: Sequence[str]) -> None:
        log = self._source.snapshot().evidence.log
        assert not isinstance(log, Unavailable)
        for number in numbers:
            envelope = self._source.envelope_by_number(number)
            if envelope is None or not log.entries_about(sha256(envelope).digest()):
                raise AssertionError("a certificate of the register is not found")

    def _revoke(self, certificate: CertificateRecord) -> None:
        change_status(self._home, certificate.number, StatusChange(State.REVOKED, "exam_misconduct", OPERATOR), now())

    def _correct(self, certificate: CertificateRecord) -> None:
        """From the wish to the released correction."""
        correction = Correction("correction", OPERATOR, APPROVER, name=OTHER_NAME)
        batch = start_correction(self._home, certificate.number, correction, now())
        issue_batch(self._home, batch.id, now, lambda _done: None)


def _scan(texts: Sequence[str], evidence: Evidence) -> None:
    at = now()
    for text in texts:
        if verify_qr_text(text, evidence, at).verdict is not Verdict.VALID:
            raise AssertionError("a sample certificate is not valid")


def _open(folder: Path) -> None:
    """What every command begins with: the home is opened and its published evidence read."""
    with opened(folder) as home:
        _read_evidence(home)


def _read_evidence(home: Home) -> None:
    with home.store.reading() as tx:
        evidence = home.evidence(tx)
    if isinstance(evidence.log, Unavailable):
        raise AssertionError("the register cannot be read")
