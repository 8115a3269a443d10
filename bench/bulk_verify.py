"""A list of 100,000 QR texts checked on all cores, beside as many bare signature checks on all cores.

Answers are taken in their order, as they are written beside the lines of a list. Both sides have their processes
started before; what starting takes is no part of either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bench.rounds import Benchmark, Side
from bench.sample import NOW, SampleRegistry
from bench.sample_texts import Sealed, sealed_certificates
from certs.cose import take_apart
from certs.list_sheet import Asked
from certs.root_chain import root_to_jwk
from registry.bulk_check import BulkCheck, bulk_check
from registry.line_checker import BulkSource
from registry.settings import load_settings

ITEMS = 100_000
CERTIFICATES = 10_000
"""Each of these stands on the list ten times."""
_PIECE = 500

Signed = tuple[bytes, bytes]


@contextmanager
def prepared() -> Iterator[Benchmark]:
    registry, sealed = sealed_certificates(CERTIFICATES)
    asked = list(islice(cycle([Asked(each.qr_text) for each in sealed]), ITEMS))
    with (
        TemporaryDirectory() as name,
        bulk_check(published(Path(name), registry), ITEMS) as check,
        bare_pool(registry, sealed[:_PIECE]) as bare,
    ):
        yield Benchmark("certificates", Side("list checked", lambda: checked(check, asked)), bare)


def published(folder: Path, registry: SampleRegistry) -> BulkSource:
    """The registry's files in a folder, with the root beside it."""
    for path, content in registry.files.items():
        file = folder / "published" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    root = folder / "root.jwk"
    root.write_bytes(orjson.dumps(root_to_jwk(registry.root)))
    return BulkSource(load_settings(folder / "home", {}), folder / "published", root)


def checked(check: BulkCheck, asked: Sequence[Asked]) -> int:
    done = 0
    for answer in check.answers(asked, NOW):
        if answer.result != "valid":
            raise AssertionError(f"a sample certificate is {answer.result}")
        done += 1
    return done


@contextmanager
def bare_pool(registry: SampleRegistry, sealed: list[Sealed]) -> Iterator[Side]:
    """The limit: the same number of bare checks, under a key that is loaded, in as many processes."""
    parts = [take_apart(each.envelope) for each in sealed]
    signed = [(part.signature, part.to_be_signed) for part in parts]
    key = registry.institution_key.public_key().public_bytes_raw()
    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes, get_context("spawn"), _start, (key, signed)) as pool:

        def work() -> int:
            return sum(pool.map(_verify_all, range(ITEMS // _PIECE)))

        yield Side("bare Ed25519 verify, all cores", work)


_bare: tuple[Callable[[bytes, bytes], None], list[Signed]] | None = None


def _start(key: bytes, signed: list[Signed]) -> None:
    global _bare
    _bare = Ed25519PublicKey.from_public_bytes(key).verify, signed


def _verify_all(_piece: int) -> int:
    assert _bare is not None
    verify, signed = _bare
    for signature, message in signed:
        verify(signature, message)
    return len(signed)
