"""Starts all machines on loopback and keeps them running until Ctrl-C: ``python -m deploy.ha.rehearsal``."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.ha.rehearsal.cluster import Cluster, running_cluster
from deploy.ha.rehearsal.ground import Loopback

PACKAGES = Path(__file__).parents[1] / "packages.sh"


def main() -> None:
    signal.signal(signal.SIGTERM, leave)
    subprocess.run([str(PACKAGES)], check=True)
    folder = Path(tempfile.mkdtemp(prefix="kezheng-rehearsal-"))
    # The database servers run as another account, which has to get through.
    folder.chmod(0o755)
    try:
        with running_cluster(Loopback(), folder, say, lambda _machine: None) as cluster:
            say("\n".join(lines(cluster)))
            wait_for_end()
    finally:
        shutil.rmtree(folder)


def lines(cluster: Cluster) -> list[str]:
    """Where everything is."""
    plan = cluster.plan
    databases = (f"{name}  {address}:{plan.ports.postgresql}" for name, address in plan.databases.items())
    sites = (f"{name}  {cluster.site_address(name)}" for name in plan.applications)
    homes = (f"{name}  {cluster.machines[name].folder}" for name in cluster.machines)
    return [f"balancer  {cluster.public_address}", *sites, *databases, "", *homes, "", "Ctrl-C"]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def leave(_signal: int, _frame: object) -> None:
    """A signal becomes an exception, so that every machine is ended too."""
    sys.exit(0)


def wait_for_end() -> None:
    """Until Ctrl-C."""
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
