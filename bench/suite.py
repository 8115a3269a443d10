"""What is measured, and the share of its limit that each should reach."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from bench import (
    append_log,
    bulk_verify,
    certificate_pdfs,
    issue_core,
    issue_rows,
    prove_entry,
    verify_in_process,
    verify_over_http,
    visible,
)
from bench.rounds import Benchmark
from bench.waits import Waited


class Measured(NamedTuple):
    """A benchmark; ``bar`` is the ratio that it should reach, None where none was set."""

    begin: Callable[[], AbstractContextManager[Benchmark]]
    bar: float | None = None


class Awaited(NamedTuple):
    """What somebody waits for; ``times`` cases count for each that the command line asks for."""

    begin: Callable[[], AbstractContextManager[Waited]]
    times: int = 1


BENCHMARKS: dict[str, Measured] = {
    "issue-rows": Measured(issue_rows.sqlite, 0.40),
    "issue-rows-postgresql": Measured(issue_rows.postgresql, 0.40),
    "issue-core": Measured(issue_core.prepared),
    "verify-verdict": Measured(verify_in_process.verdicts, 0.75),
    "verify-proof": Measured(verify_in_process.proofs, 0.65),
    "verify-report": Measured(verify_in_process.reports),
    "bulk-verify": Measured(bulk_verify.prepared, 0.80),
    "http-scan": Measured(verify_over_http.scans, 0.90),
    "http-page": Measured(verify_over_http.pages, 0.60),
    "http-verify": Measured(verify_over_http.api),
    "pdf": Measured(certificate_pdfs.prepared, 0.85),
    "pdf-two-cores": Measured(certificate_pdfs.on_two_cores, 0.85),
    "log-batches": Measured(append_log.batches),
    "log-singles": Measured(append_log.singles),
}

WAITS: dict[str, Awaited] = {
    "log-proof": Awaited(prove_entry.proofs, 10),
    "log-visible": Awaited(visible.certificates),
    "revoke-visible": Awaited(visible.revocations),
}
