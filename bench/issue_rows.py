"""A roster of ten thousand rows from its XLSX file to released certificates, beside as many bare signatures and checks.

Everything that `kezheng issue` does before the pages are drawn: read in a child process, checked, stored,
approved, numbered, signed, sealed, logged, read by our own verifier, released; on SQLite on this machine's disk.
Every round starts from the same home with one institution and no certificate.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rounds import Benchmark, Side
from bench.sample_home import approved_batch, make_home, now, opened, roster_file
from bench.sample_log import key
from registry.issuing.issue import issue_batch
from registry.settings import load_settings

ROWS = 10_000
MESSAGE_LENGTH = 130
"""Bytes of an ordinary certificate's to-be-signed structure."""


@contextmanager
def prepared() -> Iterator[Benchmark]:
    with TemporaryDirectory() as folder:
        start, used = Path(folder, "start"), Path(folder, "used")
        [code] = make_home(load_settings(start, {}))
        roster = roster_file(range(ROWS))
        private, message = key("institution"), bytes(MESSAGE_LENGTH)
        public = private.public_key()

        def fresh_home() -> None:
            shutil.rmtree(used, ignore_errors=True)
            shutil.copytree(start, used)

        def sign_and_verify() -> int:
            for _ in range(ROWS):
                public.verify(private.sign(message), message)
            return ROWS

        yield Benchmark(
            "certificates",
            Side("XLSX to released certificates", lambda: issue(used, roster, code), fresh_home),
            Side("bare Ed25519 sign and verify, one core", sign_and_verify),
        )


def issue(folder: Path, roster: bytes, code: str) -> int:
    with opened(folder) as home:
        issue_batch(home, approved_batch(home, code, roster), now, lambda _done: None)
    return ROWS
