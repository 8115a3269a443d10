"""The same work in registers of ten thousand, a million and ten million certificates: does anything grow with them?

One home is filled further and further. At each size: a roster is issued, scans are judged, a revocation is made, and
the public site is started as a process of its own; its memory is read when it has answered scans.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from bench.large_home import fill, institutions_for
from bench.loopback import get, send_all
from bench.sample_home import OPERATOR, approved_batch, make_home, now, opened, roster_file
from bench.sample_log import key
from bench.site_process import running_site
from certs.evidence import LOG_FOLDER
from certs.finding import Verdict
from certs.qr import qr_text
from certs.status import State
from certs.verification import verify_qr_text
from registry.home import Home
from registry.issuing.issue import issue_batch
from registry.log_cache.cache import DiskLogCache
from registry.settings import load_settings
from registry.status_changes import StatusChange, change_status
from registry.store.certificate_store import CertificateRecord, certificates_of_batch
from registry.store.engine import open_public_store
from verify_site.app import PublicViews
from verify_site.site_settings import PINNED_ROOT_FILE
from verify_site.source import RefreshingSource, Snapshot

SIZES = (10_000, 1_000_000, 10_000_000)
ROSTER = 5_000
SCANS = 2_000
REVOCATIONS = 9
MESSAGE = bytes(130)


class GrowthPoint(NamedTuple):
    """What the work costs in a register of so many certificates."""

    certificates: int
    issue_us: float
    verify_us: float
    bare_verify_us: float
    revoke_ms: float
    start_seconds: float
    worker_mb: float


def measure_growth(sizes: Sequence[int]) -> list[GrowthPoint]:
    """One point for each size, in rising order."""
    with TemporaryDirectory() as name:
        folder = Path(name, "home")
        codes = make_home(load_settings(folder, {}), institutions_for(max(sizes)) + 1)
        points, filled, people = [], 0, 0
        for size in sorted(sizes):
            _grow(folder, codes[:-1], filled, size)
            points.append(_point(folder, codes[-1], size, people))
            filled, people = size, people + ROSTER
            print(points[-1], file=sys.stderr, flush=True)
        return points


def _grow(folder: Path, codes: Sequence[str], filled: int, size: int) -> None:
    def say(done: int) -> None:
        print(f"growth: {filled + done:,} of {size:,}", end="\r", file=sys.stderr, flush=True)

    with opened(folder) as home:
        fill(home, codes, size - filled, say, start=filled)


def _point(folder: Path, code: str, size: int, first_person: int) -> GrowthPoint:
    with opened(folder) as home:
        batch = approved_batch(home, code, roster_file(range(first_person, first_person + ROSTER)))
        started = perf_counter()
        issue_batch(home, batch, now, lambda _done: None)
        issue_us = (perf_counter() - started) / ROSTER * 1e6
        with home.store.reading() as tx:
            issued = certificates_of_batch(tx, batch)
        revoke_ms = _revoke(home, issued[:REVOCATIONS]) * 1000
        texts = [_text(home, each) for each in issued[REVOCATIONS : REVOCATIONS + SCANS]]
    with _snapshot(folder) as snapshot:
        verify_us, bare_us = _verify(snapshot, texts) * 1e6, _bare_verify() * 1e6
    start_seconds, worker_mb = _site(folder, texts)
    return GrowthPoint(size, issue_us, verify_us, bare_us, revoke_ms, start_seconds, worker_mb)


def _text(home: Home, certificate: CertificateRecord) -> str:
    assert certificate.envelope is not None
    return qr_text(home.settings.public_url, certificate.envelope)


def _revoke(home: Home, certificates: Sequence[CertificateRecord]) -> float:
    """Seconds of the median revocation."""
    taken = []
    for certificate in certificates:
        started = perf_counter()
        change_status(home, certificate.number, StatusChange(State.REVOKED, "exam_misconduct", OPERATOR), now())
        taken.append(perf_counter() - started)
    return sorted(taken)[len(taken) // 2]


@contextmanager
def _snapshot(folder: Path) -> Iterator[Snapshot]:
    settings = load_settings(folder, {})
    store = open_public_store(settings.database_url)
    views = PublicViews(store, settings.home / PINNED_ROOT_FILE, settings.home / LOG_FOLDER)
    source = RefreshingSource(views, is_own=True, cache=DiskLogCache(settings.cache_folder))
    source.start()
    try:
        yield source.snapshot()
    finally:
        source.stop()
        store.close()


def _verify(snapshot: Snapshot, texts: Sequence[str]) -> float:
    """Seconds for each of the texts, the second time round: as a site that has been up for a while."""
    at = now()
    for _ in range(2):
        started = perf_counter()
        for text in texts:
            if verify_qr_text(text, snapshot.evidence, at).verdict is not Verdict.VALID:
                raise AssertionError("a sample certificate is not valid")
        taken = perf_counter() - started
    return taken / len(texts)


def _bare_verify() -> float:
    private = key("institution")
    public, signature = private.public_key(), private.sign(MESSAGE)
    started = perf_counter()
    for _ in range(SCANS):
        public.verify(signature, MESSAGE)
    return (perf_counter() - started) / SCANS


def _site(folder: Path, texts: Sequence[str]) -> tuple[float, float]:
    """Seconds until the second start of the site is ready, and MB of its largest worker after scans."""
    with running_site(folder):
        pass
    public_url = load_settings(folder, {}).public_url
    with running_site(folder) as site:
        send_all(site.port, [get(text[len(public_url) :]) for text in texts])
        return site.start_seconds, site.largest_worker_mb()
