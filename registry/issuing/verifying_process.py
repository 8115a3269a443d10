"""A process that verifies what was just logged: without key, database or environment, from published files alone.

It ends with whoever started it. Little is loaded, so that it begins at once.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import orjson

from certs.errors import KezhengError
from certs.evidence import Evidence, gather_evidence
from certs.issuance import check_sealed
from certs.proven_log import ProvenLog, open_proven_log
from certs.root_chain import RootKey
from certs.trust_list import TrustList
from certs.unavailable import Unavailable
from registry.log_files import read_log_file

Places = Mapping[bytes, Sequence[int]]
"""Where the register has entries, by the digests that they are about."""
_COLLECT_AFTER = 50_000


class Question(NamedTuple):
    """What is verified together: envelopes, where they stand, the checkpoint over them, and for which moment."""

    envelopes: Sequence[bytes]
    places: Places
    checkpoint: bytes
    at: datetime


class Published(NamedTuple):
    """What is published when a batch begins; ``places`` are those of the files."""

    files: Mapping[str, bytes]
    root: RootKey
    places: Places
    checkpoint: bytes
    public_url: str
    log_folder: Path


class Verifier:
    """Verifies chunks under one trust list, with the log's files read from a folder."""

    def __init__(self, public_url: str, evidence: Evidence, log_folder: Path) -> None:
        self._public_url = public_url
        self._evidence = evidence
        self._log_folder = log_folder

    def check(self, question: Question) -> None:
        """Every envelope must pass. Raises KezhengError ``own_verification_failed``."""
        trust, places = self._evidence.trust, question.places
        if isinstance(trust, Unavailable):
            raise KezhengError("own_verification_failed", reason=trust.code)
        log = open_proven_log(question.checkpoint, self._read, lambda digest: places.get(digest, ()), trust)
        evidence = replace(self._evidence, log=log)
        for envelope in question.envelopes:
            check_sealed(envelope, self._public_url, evidence, question.at)

    def _read(self, path: str) -> bytes | None:
        return read_log_file(self._log_folder, path)


def verifier_of(published: Published) -> Verifier:
    """A verifier that has read and checked what is published by itself."""
    places = published.places

    def open_log(trust: TrustList) -> ProvenLog:
        def read(path: str) -> bytes | None:
            return read_log_file(published.log_folder, path)

        return open_proven_log(published.checkpoint, read, lambda digest: places.get(digest, ()), trust)

    evidence = gather_evidence(published.files, published.root, open_log=open_log)
    return Verifier(published.public_url, evidence, published.log_folder)


def answer_to(verifier: Verifier, question: Question) -> bytes:
    """JSON: null when all passed, else code and parameters of the refusal."""
    try:
        verifier.check(question)
    except KezhengError as error:
        return orjson.dumps([error.code, error.params])
    return orjson.dumps(None)


def read_answer(answer: bytes) -> None:
    """Raises the KezhengError that an answer holds."""
    refusal = orjson.loads(answer)
    if refusal is not None:
        raise KezhengError(str(refusal[0]), **refusal[1])


def serve(connection: Connection) -> None:
    """Answer question after question; what is published comes before the first and whenever it is another."""
    verifier: Verifier | None = None
    while True:
        try:
            received = connection.recv()
        except EOFError:
            return
        if isinstance(received, Published):
            verifier = verifier_of(received)
        else:
            assert verifier is not None
            connection.send_bytes(answer_to(verifier, received))


def main() -> None:
    """Serve over the socket whose number is the last argument."""
    gc.set_threshold(_COLLECT_AFTER)
    serve(Connection(int(sys.argv[-1])))
