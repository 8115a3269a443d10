"""Processes that are copies of this one: what it has loaded they have too, and share as long as nobody changes it.

A copy goes on with one thread, and with every descriptor and lock as they are: so this process has no other thread,
and opens no database, file or socket for its own use. Python's and OpenSSL's random numbers are seeded anew in a copy.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Collection
from multiprocessing import get_context
from multiprocessing.context import ForkProcess

from verify_site.webserver.kept_processes import SIGNALS, KeptProcesses, Process
from verify_site.webserver.lifeline import Lifeline

Work = Callable[[Lifeline], None]


class ProcessCopies(KeptProcesses):
    """So many copies of this process, which do ``work``. ``own`` ties this process to the group above it."""

    can_replace = False
    end_seconds = 25.0
    """Less than the group above grants this process."""

    def __init__(self, work: Work, size: int, own: Lifeline) -> None:
        super().__init__(size, own)
        self._work = work

    def launch(self, lifeline: Lifeline) -> Process:
        """Copy this process. Raises RuntimeError when it has other threads: a lock that one holds is never freed."""
        if threading.active_count() > 1:
            raise RuntimeError("a process with several threads cannot be copied")
        process = get_context("fork").Process(target=_begin, args=(self._work, lifeline, self.ends))
        gc.freeze()
        # A signal in the copy's first moments would be noted for the parent, and the copy would never end.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return CopiedProcess(process)


class CopiedProcess:
    """A process that is a copy of this one."""

    def __init__(self, process: ForkProcess) -> None:
        self.pid = process.pid or 0
        self.terminate = process.terminate
        self.kill = process.kill
        self._process = process

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; whether it has ended."""
        self._process.join(seconds)
        return self._process.exitcode is not None


def _begin(work: Work, lifeline: Lifeline, ends: Collection[int]) -> None:
    """In the copy: leave what is the parent's, and work."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it is meant for the group
    for descriptor in ends:
        os.close(descriptor)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    gc.enable()
    work(lifeline)
