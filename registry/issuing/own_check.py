"""Our own verifier over what was just logged: here for a few, in processes of their own for many.

A large batch spends half its time on being verified; beside the signing it then costs no time of its own. Each chunk is
verified under the checkpoint that was published for it, every certificate by its own proof, so that the cost does not
grow with the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from certs.evidence import Evidence
from registry.home import Home
from registry.issuing.verifying_crew import VerifyingCrew, verifying_crew
from registry.issuing.verifying_process import Published, Question, Verifier
from registry.publishing.documents import published_files
from registry.store.engine import ReadTransaction
from registry.store.issuing_store import Logged
from registry.store.log_store import leaf_indices

MANY = 3_000
"""From so many certificates on, starting a process costs less than it saves."""


class OwnCheck(Protocol):
    """Takes logged certificates; the future ends when our verifier has passed all, or with the first refusal."""

    def submit(self, chunk: Sequence[Logged], at: datetime) -> Future[None]:
        """Start verifying certificates from their final QR texts. Fails with ``own_verification_failed``."""


class HereCheck:
    """Verifies at once, in this process."""

    def __init__(self, home: Home, evidence: Evidence) -> None:
        self._home = home
        self._verifier = Verifier(home.settings.public_url, evidence, home.settings.log_folder)

    def submit(self, chunk: Sequence[Logged], at: datetime) -> Future[None]:
        """Verify now; a refusal is raised here."""
        self._verifier.check(_question(self._home, chunk, at))
        done: Future[None] = Future()
        done.set_result(None)
        return done


class CrewCheck:
    """Verifies in other processes, which read the same published files under the same root.

    What they cannot take on at once is verified here: so all cores are at work to the end.
    """

    def __init__(self, home: Home, published: Published, here: HereCheck, crew: VerifyingCrew) -> None:
        self._home = home
        self._published = published
        self._here = here
        self.crew = crew

    def submit(self, chunk: Sequence[Logged], at: datetime) -> Future[None]:
        """Hand the certificates to the next free process, or verify them now; then a refusal is raised here."""
        if self.crew.is_busy:
            return self._here.submit(chunk, at)
        return self.crew.submit(self._published, _question(self._home, chunk, at))


def own_check(home: Home, count: int, evidence: Evidence) -> OwnCheck:
    """The check for so many certificates."""
    here = HereCheck(home, evidence)
    if count < MANY:
        return here
    with home.store.reading() as tx:
        return CrewCheck(home, _published(home, tx), here, verifying_crew())


def _published(home: Home, tx: ReadTransaction) -> Published:
    """What another process needs to gather the same evidence as `Home.evidence`."""
    files = published_files(tx)
    digests = [sha256(content).digest() for content in files.values()]
    return Published(
        files=files,
        root=home.own_root(tx),
        places={digest: leaf_indices(tx, digest) for digest in digests},
        checkpoint=home.checkpoint(),
        public_url=home.settings.public_url,
        log_folder=home.settings.log_folder.resolve(),
    )


def _question(home: Home, chunk: Sequence[Logged], at: datetime) -> Question:
    places = {sha256(logged.envelope).digest(): (logged.leaf_index,) for logged in chunk}
    return Question([logged.envelope for logged in chunk], places, home.checkpoint(), at)
