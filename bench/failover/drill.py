"""The drill: what is done to the machines, in which order, while clerks and phones go on."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import orjson

from bench.failover.checkpoints import Seen, Watch
from bench.failover.issuing import JOURNAL
from bench.failover.journal import ISSUED, Reader, Told, read_all
from bench.failover.scanning import RIGHT
from bench.failover.timeline import Event, read_scans
from bench.phases import Phases
from bench.sample_home import institution_text
from deploy.ha.rehearsal.application import SITE, WORKER, environment_of, home_of, kezheng
from deploy.ha.rehearsal.cluster import APPLICATIONS, BALANCER, Cluster
from deploy.ha.rehearsal.database import wait_until
from deploy.ha.rehearsal.machine import Machine, Service

INSTITUTIONS = 2
FAR_APART = 1_000_000
"""Between the numbers of two clerks' people."""
CLERK, PHONES = "clerk", "phones"
CALM_SECONDS = 8.0
BACK_SECONDS = 60.0
"""How long is waited for writes to come back; the bar is far below."""
AFTER_SECONDS = 4.0
"""How long an effect is looked at when all is well again."""
CUT_SECONDS = 15.0
END_SECONDS = 60.0
WHOLE_SECONDS = 90.0
RESTART_SECONDS = 60.0
AT_ONCE = "kill -9; started again after a second"


class Drill:
    """A running set-up under load."""

    def __init__(self, cluster: Cluster, folder: Path, phases: Phases, rate: float, size: int) -> None:
        self.cluster = cluster
        self.events: list[Event] = []
        self.scans = folder / "scans.jsonl"
        # What clerks wrote down is theirs, whatever becomes of the machines.
        self.journals = {name: folder / "clerks" / name / JOURNAL for name in APPLICATIONS}
        self._phases = phases
        self._rate = rate
        self._size = size
        sites = {name: cluster.site_address(name) for name in APPLICATIONS}
        self._watch = Watch({**sites, BALANCER: cluster.public_address})

    def play(self, codes: Sequence[str]) -> None:
        """Everything in order; afterwards the clerks have ended what they had begun."""
        self._start_load(codes)
        for name, play in self._acts().items():
            with self._phases.phase(name):
                play(name)
        with self._phases.phase("the clerks end what they have begun"):
            self._end_load()

    def told(self) -> Told:
        """What the clerks were told so far."""
        return read_all(self.journals)

    def stop_watch(self) -> list[Seen]:
        """Every checkpoint that was seen."""
        return self._watch.stop()

    def _acts(self) -> dict[str, Callable[[str], None]]:
        """What happens, in order. A machine that comes back does so during what follows, where that is not its own."""
        return {
            "nothing happens": self._calm,
            "the primary's machine loses power": self._primary_dies,
            "both workers and a clerk are killed": self._workers_die,
            "the synchronous standby's machine loses power": self._standby_dies,
            "an application machine is cut off": self._application_is_cut_off,
            "the primary's machine is cut off": self._primary_is_cut_off,
            "both sites are restarted": self._sites_restart,
            "the primary's machine freezes, and wakes": self._primary_freezes,
            "a site is killed": self._site_dies,
        }

    def _start_load(self, codes: Sequence[str]) -> None:
        for place, name in enumerate(APPLICATIONS):
            self._start_clerk(self.cluster.machines[name], codes, place)
        journals = [f"--journal={name}={path}" for name, path in self.journals.items()]
        options = ["--address", self.cluster.public_address, "--rate", str(self._rate), *journals]
        self._start(self.cluster.machines[BALANCER], PHONES, "scanning", [str(self.scans), *options])
        self._watch.start()
        for name, path in self.journals.items():
            wait_until(f"first certificates at {name}", partial(has_issued, path), END_SECONDS)
        wait_until("first scans", lambda: any(scan.outcome == RIGHT for scan in read_scans(self.scans)), END_SECONDS)

    def _start_clerk(self, machine: Machine, codes: Sequence[str], place: int) -> None:
        turned = [*codes[place:], *codes[:place]]
        options = ["--home", str(home_of(machine)), "--institutions", ",".join(turned)]
        people = ["--first", str(place * FAR_APART), "--size", str(self._size)]
        self._start(machine, CLERK, "issuing", [str(self.journals[machine.name].parent), *options, *people])

    @staticmethod
    def _start(machine: Machine, name: str, module: str, options: Sequence[str]) -> None:
        environ = environment_of(machine) if machine.name in APPLICATIONS else dict(os.environ)
        command = [sys.executable, "-m", f"bench.failover.{module}", *options]
        machine.start(Service(name, command, environ | {"PYTHONPATH": str(Path.cwd())}))

    def _end_load(self) -> None:
        for name in APPLICATIONS:
            self.cluster.machines[name].forget(CLERK, END_SECONDS)
        self.cluster.machines[BALANCER].forget(PHONES, END_SECONDS)
        wait_until("the databases are whole", self.cluster.databases.is_whole, WHOLE_SECONDS)

    @contextmanager
    def _event(self, name: str, done: str) -> Iterator[float]:
        """The time of an event: from now until some seconds after the end of the block."""
        at = time.time()
        yield at
        time.sleep(AFTER_SECONDS)
        self.events.append(Event(name, done, at, time.time()))

    def _calm(self, name: str) -> None:
        with self._event(name, "–"):
            time.sleep(CALM_SECONDS)

    def _primary_dies(self, name: str) -> None:
        self._loses_power(name, self.cluster.databases.primary)

    def _standby_dies(self, name: str) -> None:
        self._loses_power(name, self.cluster.databases.sync_standby)

    def _loses_power(self, name: str, which: Callable[[], str | None]) -> None:
        machine = self._whole_then(which)
        with self._event(name, "kill -9 of all its processes"):
            machine.switch_off()
            self._writes_come_back()
        machine.switch_on()

    def _workers_die(self, name: str) -> None:
        with self._event(name, AT_ONCE):
            for machine in APPLICATIONS:
                self.cluster.machines[machine].kill(WORKER)
            self.cluster.machines[APPLICATIONS[0]].kill(CLERK)
            self._writes_come_back()

    def _application_is_cut_off(self, name: str) -> None:
        machine = self.cluster.machines[APPLICATIONS[0]]
        with self._event(name, self.cluster.ground.how_cut):
            machine.cut_off()
            time.sleep(CUT_SECONDS)
            machine.join()
            self._writes_come_back()

    def _primary_is_cut_off(self, name: str) -> None:
        machine = self._whole_then(self.cluster.databases.primary)
        with self._event(name, self.cluster.ground.how_cut):
            machine.cut_off()
            self._writes_come_back()
            time.sleep(AFTER_SECONDS)
            machine.join()

    def _primary_freezes(self, name: str) -> None:
        machine = self._whole_then(self.cluster.databases.primary)
        with self._event(name, "SIGSTOP to all its processes, SIGCONT once another one leads"):
            machine.freeze()
            self._writes_come_back()
            machine.thaw()

    def _sites_restart(self, name: str) -> None:
        with self._event(name, "SIGHUP to one, then to the other"):
            for machine in APPLICATIONS:
                self._restart_site(self.cluster.machines[machine])

    @staticmethod
    def _restart_site(machine: Machine) -> None:
        """Ask a site to replace its processes, and wait until the last old one has gone."""
        old = set(machine.children(SITE))
        machine.signal(SITE, signal.SIGHUP)
        wait_until(f"new processes at {machine.name}", lambda: not old & set(machine.children(SITE)), RESTART_SECONDS)

    def _site_dies(self, name: str) -> None:
        with self._event(name, AT_ONCE):
            self.cluster.machines[APPLICATIONS[1]].kill(SITE)
            time.sleep(AFTER_SECONDS)

    def _whole_then(self, which: Callable[[], str | None]) -> Machine:
        """A database machine to be harmed, once all are there: two at once may not fail."""
        wait_until("the databases are whole", self.cluster.databases.is_whole, WHOLE_SECONDS)
        name = which()
        if name is None:
            raise RuntimeError("no such database machine now")
        return self.cluster.machines[name]

    def _writes_come_back(self) -> None:
        """Wait until a write is acknowledged that was begun after now at each machine that is reached."""
        since = time.time()
        reached = {name for name in APPLICATIONS if not self.cluster.machines[name].is_cut_off}

        def is_back() -> bool:
            return reached <= {write.machine for write in self.told().writes if write.begun >= since}

        wait_until("writes are back", is_back, BACK_SECONDS)


def has_issued(journal: Path) -> bool:
    """Whether a clerk has told of certificates."""
    return any(entry["kind"] == ISSUED for entry in Reader(journal).new())


def enter_institutions(machine: Machine) -> list[str]:
    """Institutions entered at a machine, as its operator would; their codes."""
    codes = []
    for place in range(INSTITUTIONS):
        file = machine.folder / f"institution-{place}.toml"
        file.write_text(institution_text(place), "utf-8")
        made = orjson.loads(kezheng(machine, "institution", "add", str(file)))
        codes.append(made["code"])
    return codes
