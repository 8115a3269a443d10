"""`python -m bench [NAME …]`: run the named benchmarks, or all of them, and write tables and plots."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.growth import SIZES, measure_growth, write_growth
from bench.peers.measure import measure_peers
from bench.readme import write_into_readme
from bench.report import read_results, write_peers, write_rates, write_report, write_waits
from bench.rounds import Result, compare
from bench.suite import BENCHMARKS, WAITS
from bench.waits import WaitResult, wait_for_each

PEERS, GROWTH = "peers", "growth"
QUICK = (*BENCHMARKS, *WAITS)
FULL = (*QUICK, PEERS, GROWTH)


def main() -> None:
    chosen = arguments()
    names = chosen.names or (FULL if chosen.full else QUICK)
    write_rates([run(name, chosen.rounds, chosen.seconds) for name in names if name in BENCHMARKS])
    write_waits([wait(name, chosen.cases) for name in names if name in WAITS])
    if PEERS in names:
        write_peers(measure_peers(chosen.seconds))
    if GROWTH in names:
        write_growth(measure_growth(chosen.sizes, chosen.homes))
    print(write_report())
    if chosen.readme:
        write_into_readme(read_results())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FULL))
    parser.add_argument("--full", action="store_true", help="with peers and growth: an hour")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count; one more warms up")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each side in each round")
    parser.add_argument("--cases", type=int, default=40, help="of what is waited for, one after the other")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="certificates in the register, for growth")
    parser.add_argument("--homes", type=Path, help="where the homes of growth are kept and used again")
    parser.add_argument("--readme", action="store_true", help="put tables and plots into README")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(FULL)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(FULL)}")
    return chosen


def run(name: str, rounds: int, seconds: float) -> Result:
    print(f"{name} …", file=sys.stderr, flush=True)
    with BENCHMARKS[name].begin() as benchmark:
        return compare(name, benchmark, rounds=rounds, seconds=seconds)


def wait(name: str, cases: int) -> WaitResult:
    print(f"{name} …", file=sys.stderr, flush=True)
    awaited = WAITS[name]
    with awaited.begin() as waited:
        return wait_for_each(name, waited, cases * awaited.times)


if __name__ == "__main__":
    main()
