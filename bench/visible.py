"""From a registrar's command to what a stranger sees: the public site follows the register in the background, unasked.

A certificate is visible when a scan of its code is answered with "valid" from the site's memory, a revocation when it
is answered with "not in force". The site looks twice a second, so a quarter of a second on average is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from bench.sample_home import OPERATOR, approved_batch, make_home, now, opened, roster_file
from bench.waits import Waited
from certs.evidence import LOG_FOLDER
from certs.finding import Verdict
from certs.qr import qr_text
from certs.status import State
from certs.verification import verify_qr_text
from registry.home import Home
from registry.issuing.issue import issue_batch
from registry.settings import load_settings
from registry.status_changes import StatusChange, change_status
from registry.store.certificate_store import CertificateRecord, certificates_of_batch
from registry.store.engine import open_public_store
from verify_site.app import PublicViews
from verify_site.site_settings import PINNED_ROOT_FILE
from verify_site.source import REFRESH_SECONDS, RefreshingSource

AT_MOST_MS = 1000.0
PATIENCE_SECONDS = 30.0
BETWEEN_SCANS = 0.002


class RegisterAndSite:
    """One home, and the site's source over it; institutions issue certificate by certificate."""

    def __init__(self, home: Home, source: RefreshingSource, code: str) -> None:
        self._home = home
        self._source = source
        self._code = code
        self._people = count()
        self._random = Random(1)

    def approved(self) -> str:
        """A batch of one person, ready to be issued."""
        return approved_batch(self._home, self._code, roster_file([next(self._people)]))

    def at_some_moment(self) -> None:
        """Wait, so that cases begin anywhere between two looks of the site."""
        sleep(self._random.uniform(0, REFRESH_SECONDS))

    def issue(self, batch: str) -> CertificateRecord:
        """The certificate of a batch of one."""
        issue_batch(self._home, batch, now, lambda _done: None)
        with self._home.store.reading() as tx:
            [certificate] = certificates_of_batch(tx, batch)
        return certificate

    def revoke(self, certificate: CertificateRecord) -> None:
        change_status(
            self._home, certificate.number, StatusChange(State.REVOKED, "exam_misconduct", OPERATOR), now()
        )

    def await_verdict(self, certificate: CertificateRecord, verdict: Verdict) -> None:
        """Scan until the site says so. Raises RuntimeError when it takes too long."""
        assert certificate.envelope is not None
        text = qr_text(self._home.settings.public_url, certificate.envelope)
        deadline = monotonic() + PATIENCE_SECONDS
        while verify_qr_text(text, self._source.snapshot().evidence, now()).verdict is not verdict:
            if monotonic() > deadline:
                raise RuntimeError("the site never saw it")
            sleep(BETWEEN_SCANS)


@contextmanager
def register_and_site() -> Iterator[RegisterAndSite]:
    with TemporaryDirectory() as name:
        settings = load_settings(Path(name, "home"), {})
        [code] = make_home(settings)
        store = open_public_store(settings.database_url)
        views = PublicViews(store, settings.home / PINNED_ROOT_FILE, settings.home / LOG_FOLDER)
        source = RefreshingSource(views, is_own=True)
        source.start()
        try:
            with opened(settings.home) as home:
                yield RegisterAndSite(home, source, code)
        finally:
            source.stop()
            store.close()


@contextmanager
def certificates() -> Iterator[Waited]:
    with register_and_site() as both:

        def begin() -> Callable[[], None]:
            batch = both.approved()
            both.at_some_moment()
            return lambda: both.await_verdict(both.issue(batch), Verdict.VALID)

        yield Waited("issue of one certificate, until a scan finds it valid", begin, AT_MOST_MS)


@contextmanager
def revocations() -> Iterator[Waited]:
    with register_and_site() as both:

        def begin() -> Callable[[], None]:
            certificate = both.issue(both.approved())
            both.await_verdict(certificate, Verdict.VALID)
            both.at_some_moment()

            def revoke() -> None:
                both.revoke(certificate)
                both.await_verdict(certificate, Verdict.NOT_IN_FORCE)

            return revoke

        yield Waited("revocation, until a scan finds it not in force", begin, AT_MOST_MS)
