"""The same work in registers of ten thousand, a million and ten million certificates: does anything grow with them?

`python -m bench.growth --homes FOLDER` keeps one home for each size in a folder and uses it again; without a folder
they are made for the run (25 GB, half an hour). All homes have their turn in every round, so that a busy moment falls
on all of them; a register's figure is the median of its rounds, its ratio that of the rounds' own ratios to the
smallest register. The bar of 1.2 is held against processor time: the time that passes is that of a shared disk too.
The databases are brought into memory first (16 GB for ten million): a page that is not there costs the processor 15 µs.
Exit code 1 when a bar is missed. With `--postgresql` the databases are on a server that lives as long as the run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from psycopg import sql

from bench.growth_homes import GrownHome, OnServer
from bench.growth_work import Cost, Costs, GrownRegister, median_cost
from bench.loopback import get, send_all
from bench.machine import machine
from bench.site_process import running_site
from bench.table import GROWTH_HEADINGS, growth_row, table
from registry.settings import load_settings
from tests.postgres_server import postgres_server

PUBLIC_USER = "kezheng_public"
SIZES = (10_000, 1_000_000, 10_000_000)
ROUNDS = 5
STARTS = 3
MOST_GROWTH, MOST_START_SECONDS, MOST_WORKER_MB = 1.2, 3.0, 300.0
BARRED = ("issue", "verify")
"""The work whose processor time has a bar; the rest is measured beside it."""
OUTPUT = Path(__file__).parent / "output" / "growth.json"
ON_POSTGRESQL = OUTPUT.with_name("growth-postgresql.json")


class Site(NamedTuple):
    """The public site over a register: until it is ready when it reads the register for the first time, and later.

    ``worker_mb`` is what the largest process had in memory after scans.
    """

    first_start: Cost
    start: Cost
    worker_mb: float


class GrowthPoint(NamedTuple):
    """What work costs in a register of so many certificates, and how many times as much as in the smallest."""

    certificates: int
    costs: Costs
    ratios: Costs
    site: Site

    @property
    def missed(self) -> list[str]:
        """The bars that were missed, in words."""
        ratios = {name: getattr(self.ratios, name).cpu_seconds for name in BARRED}
        found = [f"{name} {ratio:.2f}×" for name, ratio in ratios.items() if ratio > MOST_GROWTH]
        if self.site.start.seconds > MOST_START_SECONDS:
            found.append(f"start {self.site.start.seconds:.1f} s")
        if self.site.worker_mb > MOST_WORKER_MB:
            found.append(f"worker {self.site.worker_mb:,.0f} MB")
        return found


def measure_growth(sizes: Sequence[int], homes: Path | None = None, rounds: int = ROUNDS) -> list[GrowthPoint]:
    """One point for each size, in rising order; with ``homes``, of homes that are kept there."""
    with _folder(homes) as folder:
        return _points([GrownHome(folder, size) for size in sorted(sizes)], rounds)


def measure_on_postgresql(sizes: Sequence[int], rounds: int = ROUNDS) -> list[GrowthPoint]:
    """The same with databases on a server of their own, which is as durable as it is by default."""
    with _folder(None) as folder, postgres_server("max_wal_size=4GB") as server:
        grown = []
        for size in sorted(sizes):
            name = f"register_{size}"
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            database = OnServer(server.url(name), server.url(name, PUBLIC_USER), server.process.pid)
            grown.append(GrownHome(folder, size, database))
            server.execute(sql.SQL("VACUUM ANALYZE"), database=name)
        return _points(grown, rounds)


def _points(grown: Sequence[GrownHome], rounds: int) -> list[GrowthPoint]:
    return points_of([home.size for home in grown], _sites(grown), _rounds(grown, rounds))


def points_of(sizes: Sequence[int], sites: Sequence[Site], turns: Sequence[Sequence[Costs]]) -> list[GrowthPoint]:
    """The points of sizes in rising order, from their sites and from the costs by round and size."""
    points = []
    for size, site, turn in zip(sizes, sites, zip(*turns, strict=True), strict=True):
        of_smallest = [costs[0] for costs in turns]
        points.append(GrowthPoint(size, _medians(turn), _ratios(turn, of_smallest), site))
    return points


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory() as name:
        yield Path(name)


def _rounds(grown: Sequence[GrownHome], rounds: int) -> list[list[Costs]]:
    """By round the costs in every register; one more round first only warms up."""
    with ExitStack() as stack:
        for home in grown:
            home.bring_into_memory()
        registers = [stack.enter_context(closing(GrownRegister(home))) for home in grown]
        turns = []
        for number in range(rounds + 1):
            _say(f"round {number} of {rounds}")
            turns.append([register.round() for register in registers])
    return turns[1:]


def _medians(turn: Sequence[Costs]) -> Costs:
    return Costs(*map(median_cost, zip(*turn, strict=True)))


def _ratios(turn: Sequence[Costs], of_smallest: Sequence[Costs]) -> Costs:
    return _medians([Costs(*map(_ratio, own, least)) for own, least in zip(turn, of_smallest, strict=True)])


def _ratio(own: Cost, least: Cost) -> Cost:
    return Cost(own.seconds / least.seconds, own.cpu_seconds / least.cpu_seconds)


def _sites(grown: Sequence[GrownHome]) -> list[Site]:
    requests, firsts = [], []
    for home in grown:
        _say(f"first start over {home.size:,}")
        with closing(GrownRegister(home)) as register:
            public_url = load_settings(home.folder, {}).public_url
            requests.append([get(text[len(public_url) :]) for text in register.texts()])
        shutil.rmtree(load_settings(home.folder, {}).cache_folder, ignore_errors=True)
        firsts.append(_start(home, [])[0])
    os.sync()  # what first readings have kept is written to the disk now, and not while later starts are measured
    starts = [[_start(*each) for each in zip(grown, requests, strict=True)] for _ in range(STARTS)]
    return [
        Site(first, median_cost([cost for cost, _ in of_one]), statistics.median(mb for _, mb in of_one))
        for first, of_one in zip(firsts, zip(*starts, strict=True), strict=True)
    ]


def _start(home: GrownHome, requests: Sequence[bytes]) -> tuple[Cost, float]:
    """What a start costs until the site is ready, and MB of its largest process after scans."""
    with running_site(home.folder) as site:
        if requests:
            send_all(site.port, requests)
        return Cost(site.start_seconds, site.start_cpu_seconds), site.largest_worker_mb()


def write_growth(points: Sequence[GrowthPoint], path: Path = OUTPUT) -> list[dict[str, Any]]:
    """Write the points down; the same as they are written."""
    written = [_document(point) for point in points]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), "points": written}, indent=1) + "\n", "utf-8")
    return written


def _document(point: GrowthPoint) -> dict[str, Any]:
    """The cost of a kind of work is written with its ratios; times in seconds."""
    work = {
        name: {**cost._asdict(), "ratio": ratio.seconds, "cpu_ratio": ratio.cpu_seconds}
        for name, cost, ratio in zip(Costs._fields, point.costs, point.ratios, strict=True)
    }
    site = {"first_start": point.site.first_start._asdict(), "start": point.site.start._asdict()}
    return {
        "certificates": point.certificates,
        "work": work,
        **site,
        "worker_mb": point.site.worker_mb,
        "missed": point.missed,
    }


def _say(text: str) -> None:
    print(f"growth: {text} …", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--homes", type=Path, help="where the homes are kept; 3 GB for a million certificates")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="certificates in the registers")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds that count; one more warms up")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, with homes made for the run")
    chosen = parser.parse_args()
    if chosen.postgresql:
        points = write_growth(measure_on_postgresql(chosen.sizes, chosen.rounds), ON_POSTGRESQL)
    else:
        points = write_growth(measure_growth(chosen.sizes, chosen.homes, chosen.rounds))
    print("\n".join(table(GROWTH_HEADINGS, [growth_row(point) for point in points])))
    if any(point["missed"] for point in points):
        sys.exit(1)


if __name__ == "__main__":
    main()
