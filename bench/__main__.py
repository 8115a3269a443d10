"""`python -m bench [NAME …]`: run the named benchmarks, or all of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from bench import append_log, certificate_pdfs, issue_core, issue_rows, verify_in_process, verify_over_http
from bench.rounds import Benchmark, Result, compare
from bench.table import markdown, write

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


def run(name: str, rounds: int, seconds: float) -> Result:
    print(f"{name} …", file=sys.stderr, flush=True)
    with BENCHMARKS[name]() as benchmark:
        return compare(name, benchmark, rounds=rounds, seconds=seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count; one more warms up")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each side in each round")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    results = [run(name, chosen.rounds, chosen.seconds) for name in chosen.names or BENCHMARKS]
    write(results)
    print(markdown(results))


if __name__ == "__main__":
    main()
