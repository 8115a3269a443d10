"""`python -m bench.growth_log`: a public site over registers of ten thousand, a million and ten million entries.

For each: how long the register is read for the first time, how long four processes then take to start, what memory
they hold after scans, what a scan and a look-up cost, and what a few new entries cost.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple

from bench.large_mirror import FOLDER, source_of
from bench.large_publication import LargePublication
from bench.loopback import get, send_all
from bench.machine import machine
from bench.sample import NOW, PUBLIC_URL, SampleRegistry, sample_registry, sample_requests
from bench.sample_texts import Sealed, sealed
from bench.site_processes import Memory, site_processes
from bench.table import table
from certs.evidence import Evidence
from certs.finding import Verdict
from certs.log_evidence import LogReader
from certs.qr import qr_text
from certs.unavailable import Unavailable
from certs.verification import verify_qr_text

SIZES = (10_000, 1_000_000, 10_000_000)
SAMPLE = 2_000
ROUNDS = 15
WORKERS = 4
BATCH = 100
OUTPUT = Path(__file__).parent / "output" / "growth-log.json"
HEADINGS = (
    *("entries", "first reading s", "its memory MB", "opened again s", "of it CPU s"),
    *("4 processes ready s", "CPU s of all", "RSS MB", "PSS MB"),
    *("scan µs", "found µs", "missing µs", "100 more entries ms"),
)
MILLION = 1e6


class Opening(NamedTuple):
    """What opening a register cost a process of its own: time that passed, processor time, largest memory."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


class Site(NamedTuple):
    """How long its processes took to be ready, the processor time of all of them, the memory of the largest."""

    ready_seconds: float
    ready_cpu_seconds: float
    memory: Memory


class Costs(NamedTuple):
    """Processor time of a scan, of look-ups of what is there and of what is not (µs), of new entries (ms)."""

    scan_us: float
    found_us: float
    missing_us: float
    growth_ms: float


@dataclass(frozen=True, slots=True)
class Point:
    """What a register of so many entries costs."""

    entries: int
    first: Opening
    again: Opening
    site: Site
    costs: Costs


class Register:
    """A register of some length, open in this process."""

    def __init__(self, folder: Path, size: int, registry: SampleRegistry, samples: Sequence[Sealed]) -> None:
        self.size = size
        self.folder = folder / str(size)
        self.samples = samples
        self._publication = LargePublication(self.folder, registry, [each.envelope for each in samples], size)

    def open(self) -> None:
        """Take what is kept, as a process that starts."""
        self.source = source_of(self.folder)
        self.source.refresh()

    @property
    def evidence(self) -> Evidence:
        return self.source.snapshot().evidence

    @property
    def log(self) -> LogReader:
        found = self.evidence.log
        if isinstance(found, Unavailable):
            raise AssertionError(found.code)
        return found

    def grow(self) -> None:
        """More entries appear, and are read."""
        self._publication.grow(BATCH)

    def scan(self) -> None:
        evidence = self.evidence
        for each in self.samples:
            if verify_qr_text(each.qr_text, evidence, NOW).verdict is not Verdict.VALID:
                raise AssertionError("a sample certificate is not valid")

    def find(self) -> None:
        log = self.log
        for each in self.samples:
            if not log.entries_about(sha256(each.envelope).digest()):
                raise AssertionError("a sample certificate is not in the register")

    def miss(self) -> None:
        log = self.log
        for each in self.samples:
            if log.entries_about(sha256(each.envelope[1:]).digest()):
                raise AssertionError("what was never logged is in the register")


def open_here(folder: Path) -> Opening:
    """Open a register in this process."""
    started, cpu = perf_counter(), process_time()
    source = source_of(folder)
    source.refresh()
    if isinstance(source.snapshot().evidence.log, Unavailable):
        raise AssertionError("the register could not be opened")
    taken = perf_counter() - started, process_time() - cpu
    return Opening(*taken, getrusage(RUSAGE_SELF).ru_maxrss / 1024)


def open_apart(folder: Path) -> Opening:
    """Open a register in a new process."""
    command = [sys.executable, "-m", "bench.growth_log", "--open", str(folder)]
    return Opening(*json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def measure(folder: Path, sizes: Sequence[int]) -> list[Point]:
    """Make every register, then measure all of them turn by turn."""
    registry = sample_registry()
    envelopes = [sealed(registry, request) for request in sample_requests(SAMPLE)]
    samples = [Sealed(envelope, qr_text(PUBLIC_URL, envelope)) for envelope in envelopes]
    Random(1).shuffle(samples)
    registers, openings, sites = [], [], []
    for size in sizes:
        print(f"a register of {size:,} entries …", file=sys.stderr, flush=True)
        registers.append(Register(folder, size, registry, samples))
        openings.append((open_apart(registers[-1].folder), open_apart(registers[-1].folder)))
        sites.append(scanned_site(registers[-1]))
    for register in registers:
        register.open()
    costs = costs_of(registers)
    measured = zip(sizes, openings, sites, costs, strict=True)
    return [Point(size, first, again, site, cost) for size, (first, again), site, cost in measured]


def scanned_site(register: Register) -> Site:
    """How long the processes take to be ready, and their memory after as many scans of every sample."""
    requests = [get(each.qr_text[len(PUBLIC_URL) :]) for each in register.samples]
    with site_processes("bench.large_mirror:mirror", WORKERS, {FOLDER: str(register.folder)}) as site:
        for _ in range(WORKERS):
            send_all(site.port, requests)
        return Site(site.ready_seconds, site.ready_cpu_seconds, site.memory())


def costs_of(registers: Sequence[Register]) -> list[Costs]:
    """Medians of rounds in which every register has its turn, so that a busy moment falls on all."""
    rounds = [[_round(register) for register in registers] for _ in range(ROUNDS + 1)][1:]
    return [Costs(*map(statistics.median, zip(*of_one, strict=True))) for of_one in zip(*rounds, strict=True)]


def _round(register: Register) -> Costs:
    register.source.refresh()  # a snapshot that is a minute old says nothing of a status
    asked = [register.scan, register.find, register.miss]
    scan, find, miss = [_cpu_seconds(work) / SAMPLE * MILLION for work in asked]
    register.grow()
    return Costs(scan, find, miss, _cpu_seconds(register.source.refresh) * 1000)


def _cpu_seconds(work: Callable[[], None]) -> float:
    started = process_time()
    work()
    return process_time() - started


def row(point: Point) -> tuple[str, ...]:
    first, again, site = point.first, point.again, point.site
    opened = (f"{first.seconds:.1f}", f"{first.peak_mb:,.0f}", f"{again.seconds:.2f}", f"{again.cpu_seconds:.2f}")
    ready = (f"{site.ready_seconds:.1f}", f"{site.ready_cpu_seconds:.1f}")
    memory = (f"{site.memory.rss_mb:,.0f}", f"{site.memory.pss_mb:,.0f}")
    return (f"{point.entries:,}", *opened, *ready, *memory, *(f"{cost:,.1f}" for cost in point.costs))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth_log", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="entries in the register, in rising order")
    parser.add_argument("--folder", type=Path, help="where the registers are made; 1.6 GB for ten million entries")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.open is not None:
        print(json.dumps(open_here(chosen.open)))
        return
    with TemporaryDirectory(dir=chosen.folder) as name:
        points = measure(Path(name), chosen.sizes)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({"machine": machine(), "points": [asdict(point) for point in points]}, indent=1))
    print("\n".join(table(HEADINGS, [row(point) for point in points])))


if __name__ == "__main__":
    main()
