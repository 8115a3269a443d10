"""`python -m bench [NAME …]`: run the named benchmarks, or all of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from bench import (
    append_log,
    certificate_pdfs,
    issue_core,
    issue_rows,
    prove_entry,
    verify_in_process,
    verify_over_http,
    visible,
)
from bench.rounds import Benchmark, Result, compare
from bench.table import markdown, write
from bench.waits import Waited, WaitResult, wait_for_each

BENCHMARKS: dict[str, Callable[[], AbstractContextManager[Benchmark]]] = {
    "issue-rows": issue_rows.prepared,
    "issue-core": issue_core.prepared,
    "verify-verdict": verify_in_process.verdicts,
    "verify-report": verify_in_process.reports,
    "http-scan": verify_over_http.scans,
    "http-verify": verify_over_http.api,
    "pdf": certificate_pdfs.prepared,
    "log-batches": append_log.batches,
    "log-singles": append_log.singles,
}

WAITS: dict[str, tuple[Callable[[], AbstractContextManager[Waited]], int]] = {
    "log-proof": (prove_entry.proofs, 10),
    "log-visible": (visible.certificates, 1),
    "revoke-visible": (visible.revocations, 1),
}
"""What somebody waits for, and how many cases count for each that ``--cases`` names."""


def run(name: str, rounds: int, seconds: float) -> Result:
    print(f"{name} …", file=sys.stderr, flush=True)
    with BENCHMARKS[name]() as benchmark:
        return compare(name, benchmark, rounds=rounds, seconds=seconds)


def wait(name: str, cases: int) -> WaitResult:
    print(f"{name} …", file=sys.stderr, flush=True)
    begin, times = WAITS[name]
    with begin() as waited:
        return wait_for_each(name, waited, cases * times)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*BENCHMARKS, *WAITS]))
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count; one more warms up")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each side in each round")
    parser.add_argument("--cases", type=int, default=40, help="of what is waited for, one after the other")
    chosen = parser.parse_args()
    names = chosen.names or [*BENCHMARKS, *WAITS]
    unknown = set(names) - set(BENCHMARKS) - set(WAITS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join([*BENCHMARKS, *WAITS])}")
    results = [run(name, chosen.rounds, chosen.seconds) for name in names if name in BENCHMARKS]
    waits = [wait(name, chosen.cases) for name in names if name in WAITS]
    write(results, waits)
    print(markdown(results, waits))


if __name__ == "__main__":
    main()
