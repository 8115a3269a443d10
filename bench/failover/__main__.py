"""Plays the failover drill and exits with 1 on any difference: ``python -m bench.failover``.

Three database machines, two application machines and a balancer are started on this machine from the files of
``deploy/ha``: as root in network namespaces, elsewhere on addresses of loopback. Two clerks issue and revoke, phones
scan through the balancer at a steady rate, a monitor keeps every checkpoint that it is shown. Meanwhile machines lose
their power or their cable and processes are killed. In the end everything that anybody was told is looked up.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.failover.checkpoints import shows
from bench.failover.checks import (
    CERTIFICATES,
    COUNTERS,
    ENTRIES,
    check_copies,
    check_monitor,
    check_register,
    check_serials,
    check_told,
    check_verdicts,
    next_serials,
    rows_of,
)
from bench.failover.drill import Drill, enter_institutions
from bench.failover.report import judge, markdown, write
from bench.failover.timeline import effect_of, read_scans
from bench.phases import Phases
from deploy.ha.rehearsal.application import environment_of, home_of
from deploy.ha.rehearsal.cluster import APPLICATIONS, Cluster, running_cluster
from deploy.ha.rehearsal.database import wait_until
from deploy.ha.rehearsal.ground import Ground, Loopback, Namespaces, alone_command, can_use_namespaces
from deploy.ha.rehearsal.machine import Machine
from registry.home import open_home
from registry.settings import load_settings

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "deploy/ha/packages.sh"
SCANS_PER_SECOND = 30.0
FOLLOW_SECONDS = 60.0
"""A site that was killed last has to start first."""
PEOPLE = 10


def play(ground: Ground, folder: Path, phases: Phases, rate: float, size: int) -> None:
    """Start everything, play the drill, look everything up."""
    codes: list[str] = []

    def prepare(machine: Machine) -> None:
        codes.extend(enter_institutions(machine))

    phases.say("three database machines, two with the application, a balancer …")
    with running_cluster(ground, folder, phases.say, prepare) as cluster:
        drill = Drill(cluster, folder, phases, rate, size)
        drill.play(codes)
        conclude(cluster, drill, phases)


def conclude(cluster: Cluster, drill: Drill, phases: Phases) -> None:
    """The bars, the table and every check."""
    told, scans = drill.told(), read_scans(drill.scans)
    effects = [effect_of(event, told.writes, told.refused, scans) for event in drill.events]
    judge(phases, effects)
    with phases.phase("looking everything up"):
        look_up(cluster, drill, phases)
    phases.say(f"\n{markdown(effects)}")
    figures = {
        "ground": type(cluster.ground).__name__.lower(),
        "certificates": len(told.certificates),
        "revocations": len(told.revoked),
        "scans": len(scans),
        "scans_outcomes": dict(Counter(scan.outcome for scan in scans)),
        "refusals": dict(told.refusals),
    }
    phases.say(f"refusals that were tried again: {figures['refusals']}")
    phases.say(f"written to {write(effects, figures, phases.differences).relative_to(ROOT)}")


def look_up(cluster: Cluster, drill: Drill, phases: Phases) -> None:
    """All that must hold in the end."""
    told, primary = drill.told(), cluster.databases.primary()
    assert primary is not None
    entries = int(cluster.psql(ENTRIES, primary))
    for name in APPLICATIONS:
        address = cluster.site_address(name)
        waited = wait_until(f"{name} shows everything", partial(shows, address, entries), FOLLOW_SECONDS)
        phases.say(f"  {name} shows all {entries:,} entries: {waited:.1f} s after the last")
    seen, rows = drill.stop_watch(), rows_of(cluster.psql(CERTIFICATES, primary))
    check_told(phases, told, rows)
    check_serials(phases, rows, next_serials(cluster.psql(COUNTERS, primary)))
    check_copies(phases, cluster)
    for name in APPLICATIONS:
        machine = cluster.machines[name]
        environ = environment_of(machine)
        settings = load_settings(home_of(machine), environ)
        phases.say(f"  as {name} has it:")
        with open_home(settings, environ) as home:
            check_register(phases, told, rows, settings.log_folder, seen)
            check_verdicts(phases, told, home)
            check_monitor(phases, home, cluster.site_address(name), seen)


def main() -> int:
    parser = argparse.ArgumentParser(prog="failover", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=SCANS_PER_SECOND, help="scans a second")
    parser.add_argument("--people", type=int, default=PEOPLE, help="of a roster")
    parser.add_argument("--loopback", action="store_true", help="addresses of loopback even for root")
    parser.add_argument("--keep", type=Path, help="copy logs and journals there in the end")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    # A signal becomes an exception, so that every machine is ended too.
    signal.signal(signal.SIGTERM, leave)
    if chosen.inside is not None:
        return inside(chosen.inside, Namespaces(), chosen)
    subprocess.run([str(PACKAGES)], check=True)
    folder = Path(tempfile.mkdtemp(prefix="kezheng-failover-"))
    # The database servers run as another account, which has to get through.
    folder.chmod(0o755)
    try:
        if chosen.loopback or not can_use_namespaces():
            return inside(folder, Loopback(), chosen)
        return in_namespaces(folder, sys.argv[1:])
    finally:
        if chosen.keep is not None:
            keep(folder, chosen.keep)
        shutil.rmtree(folder)


def inside(folder: Path, ground: Ground, chosen: argparse.Namespace) -> int:
    """Play the drill on a ground."""
    phases = Phases(lambda line: print(line, flush=True))
    play(ground, folder, phases, chosen.rate, chosen.people)
    return phases.close()


def leave(_signal: int, _frame: object) -> None:
    """End in good order."""
    sys.exit(1)


def in_namespaces(folder: Path, options: Sequence[str]) -> int:
    """The same in a process whose namespaces end with it, and everything in them."""
    command = [sys.executable, "-m", "bench.failover", *options, "--inside", str(folder)]
    return subprocess.run(alone_command(command), cwd=ROOT, env=os.environ, check=False).returncode


def keep(folder: Path, target: Path) -> None:
    """Keep what is worth a look: logs, journals and scans."""
    for path in [*folder.rglob("*.log"), *folder.rglob("*.jsonl"), *folder.rglob("*.cfg")]:
        kept = target / path.relative_to(folder)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)


if __name__ == "__main__":
    sys.exit(main())
