"""What several machines stand on when there is only one: how a program is started on each, and how one is cut off.

As root each machine is a network namespace with a cable to a common bridge, all of it inside namespaces that end with
the rehearsal. Elsewhere each machine is an address of loopback: to cut it off, all of its processes are stopped.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Protocol

BRIDGE = "kzha0"
NAMES_OF_NAMESPACES = Path("/run/netns")
LISTENING, LISTENS = Path("/proc/net/tcp"), "0A"
_WITH_STARTER = ("setpriv", "--pdeathsig", "KILL")
ALONE = (*_WITH_STARTER, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Starts a program in network, mount and process namespaces of its own; when it, or who started it, ends, everything in
them is killed."""
_REAPER = ("sh", "-c", '"$@"; exit $?', "sh")
"""The first process of a process namespace has to wait for orphans; a shell does."""


class Ground(Protocol):
    """What machines stand on. ``how_cut`` says how one is cut off, for the report."""

    how_cut: str

    def addresses(self, machines: Sequence[str]) -> dict[str, str]:
        """An address for each machine; the last one is where the rehearsal itself is."""

    def network(self) -> IPv4Network:
        """The network of these addresses."""

    def prepare(self, addresses: Mapping[str, str]) -> None:
        """Make the machines."""

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        """The command that starts another one on a machine."""

    def processes(self, machine: str, folder: Path) -> list[int]:
        """All processes of a machine, whose files lie in a folder."""

    def cut_off(self, machine: str, folder: Path) -> None:
        """Nothing gets from or to the machine any more."""

    def join(self, machine: str, folder: Path) -> None:
        """The machine is reached again."""


class Namespaces:
    """A network namespace for each machine. The machine of the rehearsal itself is the namespace it runs in."""

    how_cut = "network cable pulled"

    def __init__(self) -> None:
        self._here = ""

    def network(self) -> IPv4Network:
        """The network behind the bridge, which nothing outside these namespaces sees."""
        return IPv4Network("10.83.0.0/24")

    def addresses(self, machines: Sequence[str]) -> dict[str, str]:
        """Addresses in the order of the machines."""
        self._here = machines[-1]
        return _numbered(self.network(), machines)

    def prepare(self, addresses: Mapping[str, str]) -> None:
        """The bridge with the rehearsal's own address, and a cable from it to each other machine."""
        prefix = self.network().prefixlen
        # Names of namespaces are files in one folder of the whole system; here this rehearsal sees one of its own.
        NAMES_OF_NAMESPACES.mkdir(exist_ok=True)
        _run(["mount", "-t", "tmpfs", "none", str(NAMES_OF_NAMESPACES)])
        _ip("link set lo up")
        _ip(f"link add {BRIDGE} type bridge")
        _ip(f"address add {addresses[self._here]}/{prefix} dev {BRIDGE}")
        _ip(f"link set {BRIDGE} up")
        for machine in addresses.keys() - {self._here}:
            _ip(f"netns add {machine}")
            _ip(f"link add {_cable(machine)} type veth peer name eth0 netns {machine}")
            _ip(f"link set {_cable(machine)} master {BRIDGE} up")
            _ip(f"-n {machine} address add {addresses[machine]}/{prefix} dev eth0")
            _ip(f"-n {machine} link set eth0 up")
            _ip(f"-n {machine} link set lo up")

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        """The command inside the machine's namespace."""
        return [*command] if machine == self._here else ["ip", "netns", "exec", machine, *command]

    def processes(self, machine: str, folder: Path) -> list[int]:
        """What runs in the machine's namespace, in which the rehearsal's own machine has other things too."""
        if machine == self._here:
            return processes_of_folder(folder)
        listed = subprocess.run(["ip", "netns", "pids", machine], check=True, capture_output=True, text=True)
        return [int(line) for line in listed.stdout.split()]

    def cut_off(self, machine: str, folder: Path) -> None:  # noqa: ARG002 - the other ground needs it
        """Pull the cable: what is sent vanishes, and nobody is told."""
        _ip(f"link set {_cable(machine)} down")

    def join(self, machine: str, folder: Path) -> None:  # noqa: ARG002
        """Plug the cable in."""
        _ip(f"link set {_cable(machine)} up")


class Loopback:
    """An address of loopback for each machine, for who is not root."""

    how_cut = "all processes stopped (SIGSTOP), continued later"

    def network(self) -> IPv4Network:
        """All of loopback: connections to its addresses come from the first one, whoever makes them."""
        return IPv4Network("127.0.0.0/8")

    def addresses(self, machines: Sequence[str]) -> dict[str, str]:
        """Addresses in the order of the machines, in a part of loopback that hardly anybody uses."""
        return _numbered(IPv4Network("127.83.0.0/24"), machines)

    def prepare(self, addresses: Mapping[str, str]) -> None:
        """All of loopback is there; another rehearsal on it would be mixed up with this one."""
        taken = set(addresses.values()) & set(listening_addresses(LISTENING.read_text("ascii")))
        if taken:
            sys.exit(f"another program listens on {', '.join(sorted(taken))}: end the other rehearsal first")

    def command(self, machine: str, command: Sequence[str]) -> list[str]:  # noqa: ARG002
        """The command itself."""
        return [*command]

    def processes(self, machine: str, folder: Path) -> list[int]:  # noqa: ARG002
        """What works in the machine's folder, and what that started."""
        return processes_of_folder(folder)

    def cut_off(self, machine: str, folder: Path) -> None:
        """Stop everything: the machine answers nobody, and wakes up later with what it knew."""
        send(self.processes(machine, folder), signal.SIGSTOP)

    def join(self, machine: str, folder: Path) -> None:
        """Let everything go on."""
        send(self.processes(machine, folder), signal.SIGCONT)


def can_use_namespaces() -> bool:
    """Whether this user may make namespaces here."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*ALONE, "ip", "link", "add", BRIDGE, "type", "bridge"], capture_output=True, check=False)
    return tried.returncode == 0


def alone_command(command: Sequence[str]) -> list[str]:
    """The command in namespaces of its own, where a shell reaps what its servers leave behind."""
    return [*ALONE, *_REAPER, *command]


def listening_addresses(table: str) -> list[str]:
    """The IPv4 addresses on which somebody listens, from the kernel's table of TCP sockets."""
    rows = (line.split() for line in table.splitlines()[1:])
    # An address stands there as a hexadecimal number in the machine's byte order.
    found = (int(row[1].partition(":")[0], 16).to_bytes(4, sys.byteorder) for row in rows if row[3] == LISTENS)
    return [str(IPv4Address(address)) for address in found]


def processes_of_folder(folder: Path) -> list[int]:
    """Processes that work in the folder or below it, and all their descendants; never this one.

    Where a process works is passed on to whatever it starts or becomes, which its command line is not.
    """
    parents, inside = dict[int, int](), set[int]()
    for pid in _all_processes():
        try:
            parents[pid] = _parent(pid)
            if Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(folder):
                inside.add(pid)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    found = {pid for pid in parents if inside & {pid, *_ancestors(pid, parents)}}
    return sorted(found - {os.getpid()})


def children_of(pid: int) -> list[int]:
    """The processes that one has started and that still run."""
    found = []
    for each in _all_processes():
        try:
            if _parent(each) == pid:
                found.append(each)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def send(processes: Iterable[int], what: signal.Signals) -> None:
    """Send a signal to processes of which some may have gone meanwhile."""
    for pid in processes:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            continue


def _all_processes() -> Iterator[int]:
    yield from (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _parent(pid: int) -> int:
    # The name stands in brackets and may hold anything; state and parent follow the last bracket.
    return int(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])


def _ancestors(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    while (pid := parents.get(pid, 0)) != 0:
        yield pid


def _numbered(network: IPv4Network, machines: Sequence[str]) -> dict[str, str]:
    return {machine: str(network[place]) for place, machine in enumerate(machines, 11)}


def _cable(machine: str) -> str:
    return f"to-{machine}"


def _ip(arguments: str) -> None:
    _run(["ip", *arguments.split()])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
