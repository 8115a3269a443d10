"""A group of processes of one command, as `verify_site.webserver.kept_processes` keeps them.

The parent imports no application: what SIGHUP starts is what lies on the disk then.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from verify_site.webserver.kept_processes import KeptProcesses, Process
from verify_site.webserver.lifeline import Lifeline


class ProcessGroup(KeptProcesses):
    """So many processes of one command. ``passed``: file descriptors that all of them inherit."""

    def __init__(
        self, command: Sequence[str], size: int, environ: Mapping[str, str], passed: Sequence[int] = ()
    ) -> None:
        super().__init__(size)
        self._command = command
        self._environ = environ
        self._passed = passed

    def launch(self, lifeline: Lifeline) -> Process:
        """Start the command; what is not passed on by name is closed in it."""
        process = subprocess.Popen(
            self._command,
            env={**self._environ, **lifeline.environ()},
            stdin=subprocess.DEVNULL,
            pass_fds=(*self._passed, *lifeline.descriptors()),
            start_new_session=True,
        )
        return StartedProcess(process)


class StartedProcess:
    """A process that was started by its command."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self.poll = process.poll
        self.terminate = process.terminate
        self.kill = process.kill
        self._process = process

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; whether it has ended."""
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
